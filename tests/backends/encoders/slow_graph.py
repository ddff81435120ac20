"""A graph whose run takes long, in many short steps, as a large model's does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.tiny import tiny_cross_encoder


def slow_cross_encoder(folder: Path, *, steps: int = 400, width: int = 256) -> Path:
    """A logit that is the number of tokens, and ``steps`` products of matrices on the way to it."""
    tiny_cross_encoder(folder)
    matrix = np.eye(width, dtype=np.float32)[::-1].copy()  # no number grows, or shrinks to where sums are slow
    nodes = [
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["mask", "second"], ["count"], keepdims=1),
        helper.make_node("MatMul", ["count", "row"], ["wide"]),
        helper.make_node("MatMul", ["column", "wide"], ["step0"]),
        *(helper.make_node("MatMul", ["matrix", f"step{n}"], [f"step{n + 1}"]) for n in range(steps)),
        helper.make_node("ReduceMean", [f"step{steps}"], ["mean"], keepdims=1),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Add", ["count", "nothing"], ["logits"]),
    ]
    constants = {
        "matrix": matrix,
        "row": np.ones((1, width), np.float32),
        "column": np.ones((width, 1), np.float32),
        "zero": np.zeros(1, np.float32),
        "second": np.array([1], np.int64),
    }
    graph = helper.make_graph(
        nodes,
        "slow",
        [
            helper.make_tensor_value_info(name, TensorProto.INT64, [1, "tokens"])
            for name in ("input_ids", "attention_mask")
        ],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 1])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), folder / "model.onnx"
    )
    return folder
