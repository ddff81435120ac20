"""Small cross-encoders with random weights, written as exporters write them: one for each way in which architectures
differ.

=============  =========================================  ==============================  ============================
style          embeddings                                 mask                            head
=============  =========================================  ==============================  ============================
``bert``       positions 0, 1, ...; token types           one row for all tokens          dense, tanh, dense
``roberta``    positions counted by the mask (XLM-R, too)  one row for all tokens         dense, tanh, dense
``electra``    narrow ones, made wide                     one row for all tokens          dense, gelu, dense
``sdpa``       positions 0, 1, ...                        one row for each token          dense, by a slice
=============  =========================================  ==============================  ============================
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

STYLES = ("bert", "roberta", "electra", "sdpa")
WORDS, LENGTH, WIDTH, HEADS, INNER, LAYERS = 50, 400, 16, 2, 32, 2


def small_encoder(
    path: Path, style: str, *, norm_in_pieces: bool = False, pooled: str = "first", quantised: bool = False
) -> Path:
    """Write the graph. ``norm_in_pieces`` is how exporters before opset 17 wrote a normalisation; ``pooled`` is
    "first" or "mean".
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    model = _Writer(style, norm_in_pieces).model(pooled)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    if quantised:
        floats = path.rename(path.with_suffix(".floats"))
        quantize_dynamic(floats, path, weight_type=QuantType.QInt8)
        floats.unlink()
    return path


class _Writer:
    def __init__(self, style: str, norm_in_pieces: bool) -> None:
        self.style, self.norm_in_pieces = style, norm_in_pieces
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.random = np.random.default_rng(STYLES.index(style))

    def model(self, pooled: str) -> onnx.ModelProto:
        hidden = self.embedded()
        mask = self.mask()
        for _ in range(LAYERS):
            hidden = self.layer(hidden, mask)
        self.nodes.append(helper.make_node("Identity", [self.head(hidden, pooled)], ["logits"]))
        names = ["input_ids", "attention_mask", *(["token_type_ids"] if self.style == "bert" else [])]
        graph = helper.make_graph(
            self.nodes,
            self.style,
            [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"]) for name in names],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 1])],
            self.weights,
        )
        opset = 14 if self.norm_in_pieces else 17
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)

    def add(self, operator: str, *inputs: str, **attributes: object) -> str:
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def constant(self, value: object, kind: type = np.float32) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(value, dtype=kind), name))
        return name

    def integers(self, values: Sequence[int]) -> str:
        return self.constant(values, np.int64)

    def weight(self, *sizes: int) -> str:
        return self.constant(self.random.normal(0, 0.5, sizes))

    def dense(self, value: str, before: int, after: int) -> str:
        return self.add("Add", self.add("MatMul", value, self.weight(before, after)), self.weight(after))

    def norm(self, value: str) -> str:
        scale, offset = self.constant(1 + self.random.normal(0, 0.1, WIDTH)), self.weight(WIDTH)
        if not self.norm_in_pieces:
            return self.add("LayerNormalization", value, scale, offset, axis=-1)
        centred = self.add("Sub", value, self.add("ReduceMean", value, axes=[-1]))
        variance = self.add("ReduceMean", self.add("Pow", centred, self.constant(2.0)), axes=[-1])
        spread = self.add("Sqrt", self.add("Add", variance, self.constant(1e-5)))
        return self.add("Add", self.add("Mul", self.add("Div", centred, spread), scale), offset)

    def gelu(self, value: str) -> str:
        grown = self.add("Add", self.add("Erf", self.add("Div", value, self.constant(2**0.5))), self.constant(1.0))
        return self.add("Mul", self.add("Mul", value, grown), self.constant(0.5))

    def embedded(self) -> str:
        width = WIDTH // 2 if self.style == "electra" else WIDTH
        words = self.add("Gather", self.weight(WORDS, width), "input_ids")
        if self.style == "roberta":
            counted = self.add("CumSum", "attention_mask", self.constant(1, np.int64))
            positions = self.add("Mul", counted, "attention_mask")
        else:
            tokens = self.add("Slice", self.add("Shape", "input_ids"), self.integers([1]), self.integers([2]))
            every = self.integers([list(range(LENGTH))])
            positions = self.add("Slice", every, self.integers([0]), tokens, self.integers([1]))
        summed = self.add("Add", words, self.add("Gather", self.weight(LENGTH, width), positions))
        if self.style == "bert":
            summed = self.add("Add", summed, self.add("Gather", self.weight(2, width), "token_type_ids"))
        return self.norm(self.dense(summed, width, WIDTH) if self.style == "electra" else summed)

    def mask(self) -> str:
        floats = self.add("Cast", "attention_mask", to=TensorProto.FLOAT)
        wide = self.add("Unsqueeze", floats, self.integers([1, 2]))
        if self.style == "sdpa":
            shape, one = self.add("Shape", "input_ids"), self.integers([1])
            inputs = self.add("Slice", shape, self.integers([0]), one)
            tokens = self.add("Slice", shape, one, self.integers([2]))
            wide = self.add("Expand", wide, self.add("Concat", inputs, one, tokens, tokens, axis=0))
        return self.add("Mul", self.add("Sub", self.constant(1.0), wide), self.constant(-1e9))

    def heads(self, value: str, order: Sequence[int]) -> str:
        shape = self.add("Shape", value)
        sizes = [self.add("Gather", shape, self.constant(axis, np.int64)) for axis in (0, 1)]
        pieces = [self.add("Unsqueeze", size, self.integers([0])) for size in sizes]
        target = self.add("Concat", *pieces, self.integers([HEADS]), self.integers([WIDTH // HEADS]), axis=0)
        return self.add("Transpose", self.add("Reshape", value, target), perm=order)

    def layer(self, hidden: str, mask: str) -> str:
        query, key, value = (
            self.heads(self.dense(hidden, WIDTH, WIDTH), order) for order in ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3])
        )
        size = self.add("Gather", self.add("Shape", query), self.constant(3, np.int64))
        scale = self.add("Sqrt", self.add("Cast", size, to=TensorProto.FLOAT))
        scores = self.add("Add", self.add("Div", self.add("MatMul", query, key), scale), mask)
        mixed = self.add("MatMul", self.add("Softmax", scores, axis=-1), value)
        joined = self.add("Reshape", self.add("Transpose", mixed, perm=[0, 2, 1, 3]), self.integers([0, 0, WIDTH]))
        attended = self.norm(self.add("Add", self.dense(joined, WIDTH, WIDTH), hidden))
        inner = self.gelu(self.dense(attended, WIDTH, INNER))
        return self.norm(self.add("Add", self.dense(inner, INNER, WIDTH), attended))

    def head(self, hidden: str, pooled: str) -> str:
        if pooled == "mean":
            first = self.add("ReduceMean", hidden, axes=[1], keepdims=0)
        elif self.style == "sdpa":
            row = self.add("Slice", hidden, self.integers([0]), self.integers([1]), self.integers([1]))
            first = self.add("Squeeze", row, self.integers([1]))
        else:
            first = self.add("Gather", hidden, self.constant(0, np.int64), axis=1)
        if self.style != "sdpa":
            dense = self.dense(first, WIDTH, WIDTH)
            first = self.gelu(dense) if self.style == "electra" else self.add("Tanh", dense)
        return self.dense(first, WIDTH, 1)
