"""A model so small that its vectors can be computed in plain numpy: a token's is its row of a table and the mean row
of all tokens that are attended to.
"""

from __future__ import annotations

import json
import string
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers, processors

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[unused0]", "[unused1]"]
WORDS = "find : fleas live on cats dogs sleep all day long and how do they".split()
VOCABULARY = {
    token: number for number, token in enumerate([*SPECIAL, *WORDS, *sorted(set(string.punctuation) - {":"})])
}
WIDTH = 8
TABLE = np.random.default_rng(5).normal(size=(len(VOCABULARY), WIDTH)).astype(np.float32)


def tiny_encoder(
    folder: Path, *, pooling: str | None = None, late: bool = False, tokens: int | None = None, max_length: int = 64
) -> Path:
    """Write a model folder. ``tokens`` is the only length that its graph takes."""
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(_graph(tokens or "tokens"), folder / "model.onnx")
    tokenizer = Tokenizer(models.WordLevel(VOCABULARY, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(name, VOCABULARY[name]) for name in ("[CLS]", "[SEP]")],
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": max_length, "pad_token": "[PAD]"}))
    if pooling:
        (folder / "1_Pooling").mkdir()
        stated = {"cls": "cls_token", "mean": "mean_tokens", "last": "lasttoken"}[pooling]
        (folder / "1_Pooling" / "config.json").write_text(json.dumps({f"pooling_mode_{stated}": True}))
    if late:
        (folder / "config_sentence_transformers.json").write_text(json.dumps({"query_length": 32}))
    return folder


def token_vectors(tokens: list[str], attended: int | None = None) -> NDArray[np.float32]:
    """What the graph gives, of which the first ``attended`` tokens are attended to."""
    rows = TABLE[[VOCABULARY[token] for token in tokens]]
    return rows + rows[: attended or len(rows)].mean(axis=0)


def unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def _graph(tokens: int | str) -> onnx.ModelProto:
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["rows"]),
        helper.make_node("Cast", ["attention_mask"], ["mask_float"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask_float", "last"], ["mask"]),
        helper.make_node("Mul", ["rows", "mask"], ["attended"]),
        helper.make_node("ReduceSum", ["attended", "second"], ["sum"], keepdims=1),
        helper.make_node("ReduceSum", ["mask", "second"], ["count"], keepdims=1),
        helper.make_node("Div", ["sum", "count"], ["mean"]),
        helper.make_node("Add", ["rows", "mean"], ["last_hidden_state"]),
    ]
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", tokens])
        for name in ("input_ids", "attention_mask")
    ]
    graph = helper.make_graph(
        nodes,
        "tiny-encoder",
        inputs,
        [helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["batch", tokens, WIDTH])],
        [
            numpy_helper.from_array(TABLE, "table"),
            numpy_helper.from_array(np.array([2], dtype=np.int64), "last"),
            numpy_helper.from_array(np.array([1], dtype=np.int64), "second"),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
