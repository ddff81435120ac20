"""A sequence-to-sequence model whose log-probabilities can be worked out by hand, in every layout.

The encoder gives each token one number (``WORTH``), the decoder adds up those that are not padding to s and writes
logits: s for "true", -s for "false", and nothing that counts (-50) for any other token; ``START`` is added to "true"
for the token number that the decoder began with. So log P(true) - log P(false) = 2 s + START * begin.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from tokenizers import Tokenizer, models, pre_tokenizers, processors

WORTH = {
    "<pad>": 100.0,
    "</s>": 0.0,
    "<unk>": 0.0,
    "▁true": 0.0,
    "▁false": 0.0,
    "▁good": 1.0,
    "▁bad": -1.0,
    "▁word": 0.25,
    "▁nan": float("nan"),
    "▁Query:": 0.0,
    "▁Document:": 0.0,
    "▁Document0:": 0.0,
    "▁Document1:": 0.0,
    "▁Relevant:": 0.0625,
}
VOCABULARY = {token: number for number, token in enumerate(WORTH)}
START = 0.5

Layout = Literal["two", "merged", "one"]


def tiny_seq2seq(
    folder: Path,
    *,
    layout: Layout = "two",
    place: str = ".",
    begin: int = 0,
    max_length: int = 20,
    quantised: bool = False,
) -> Path:
    graphs = {
        "two": {"encoder_model": _encoder(), "decoder_model": _decoder()},
        "merged": {"encoder_model": _encoder(), "decoder_model_merged": _decoder(merged=True)},
        "one": {"model": _whole()},
    }[layout]
    (folder / place).mkdir(parents=True, exist_ok=True)
    for name, graph in graphs.items():
        path = folder / place / f"{name}.onnx"
        onnx.save(graph, path)
        if quantised and "encoder" not in name:
            whole = path.rename(path.with_suffix(".float"))
            quantize_dynamic(whole, path, weight_type=QuantType.QInt8, op_types_to_quantize=["MatMul"])
    tiny_t5_tokenizer().save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": max_length}))
    (folder / "config.json").write_text(json.dumps({"decoder_start_token_id": begin, "pad_token_id": 0}))
    return folder


def tiny_t5_tokenizer() -> Tokenizer:
    tokenizer = Tokenizer(models.WordLevel(VOCABULARY, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)]
    )
    return tokenizer


def _value(name: str, kind: int, shape: list[str | int]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def _ids(name: str, length: str = "tokens") -> onnx.ValueInfoProto:
    return _value(name, TensorProto.INT64, ["batch", length])


_HIDDEN = ["batch", "tokens", 1]
_LOGITS = ["batch", "steps", len(VOCABULARY)]


def _reading() -> list[onnx.NodeProto]:
    return [helper.make_node("Gather", ["worth", "input_ids"], ["last_hidden_state"])]


def _writing(hidden: str, mask: str, begin: str) -> list[onnx.NodeProto]:
    return [
        helper.make_node("Cast", [mask], ["mask_float"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask_float", "last"], ["mask_last"]),
        helper.make_node("Mul", [hidden, "mask_last"], ["kept"]),
        helper.make_node("ReduceSum", ["kept", "second"], ["sum"], keepdims=1),
        helper.make_node("MatMul", ["sum", "spread"], ["spreaded"]),
        helper.make_node("Add", ["spreaded", "others"], ["plain"]),
        helper.make_node("Cast", [begin], ["begin_float"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["begin_float", "last"], ["begin_last"]),
        helper.make_node("Mul", ["begin_last", "start"], ["shift"]),
        helper.make_node("Add", ["plain", "shift"], ["logits"]),
    ]


def _constants() -> list[onnx.TensorProto]:
    def row(true: float, false: float, rest: float) -> np.ndarray:
        values = [{"▁true": true, "▁false": false}.get(token, rest) for token in VOCABULARY]
        return np.array([values], dtype=np.float32)

    constants = {
        "worth": np.array([[worth] for worth in WORTH.values()], dtype=np.float32),
        "spread": row(1.0, -1.0, 0.0),
        "others": row(0.0, 0.0, -50.0),
        "start": row(START, 0.0, 0.0),
        "last": np.array([2], dtype=np.int64),
        "second": np.array([1], dtype=np.int64),
    }
    return [numpy_helper.from_array(value, name) for name, value in constants.items()]


def _model(nodes, inputs, output) -> onnx.ModelProto:
    used = {name for node in nodes for name in node.input}
    constants = [constant for constant in _constants() if constant.name in used]
    graph = helper.make_graph(nodes, "tiny", inputs, [output], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _encoder() -> onnx.ModelProto:
    inputs = [_ids("input_ids"), _ids("attention_mask")]
    return _model(_reading(), inputs, _value("last_hidden_state", TensorProto.FLOAT, _HIDDEN))


def _decoder(*, merged: bool = False) -> onnx.ModelProto:
    nodes = _writing("encoder_hidden_states", "encoder_attention_mask", "input_ids")
    inputs = [
        _ids("encoder_attention_mask"),
        _ids("input_ids", "steps"),
        _value("encoder_hidden_states", TensorProto.FLOAT, _HIDDEN),
    ]
    if merged:
        inputs += [
            _value(f"past_key_values.0.{name}", TensorProto.FLOAT, ["batch", 2, "past", 4])
            for name in ("decoder.key", "decoder.value", "encoder.key", "encoder.value")
        ]
        inputs.append(_value("use_cache_branch", TensorProto.BOOL, [1]))
        # Would give a second "true" if the branch with a past were taken.
        nodes += [
            helper.make_node("Identity", ["logits"], ["without_past"]),
            helper.make_node("Cast", ["use_cache_branch"], ["branch"], to=TensorProto.FLOAT),
            helper.make_node("Mul", ["branch", "start"], ["wrong"]),
            helper.make_node("Add", ["without_past", "wrong"], ["answer"]),
        ]
    output = "answer" if merged else "logits"
    return _model(nodes, inputs, _value(output, TensorProto.FLOAT, _LOGITS))


def _whole() -> onnx.ModelProto:
    nodes = _reading() + _writing("last_hidden_state", "attention_mask", "decoder_input_ids")
    inputs = [_ids("input_ids"), _ids("attention_mask"), _ids("decoder_input_ids", "steps")]
    return _model(nodes, inputs, _value("logits", TensorProto.FLOAT, _LOGITS))
