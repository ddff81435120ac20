"""Models so small that their answers can be worked out by hand.

The tiny cross-encoder's logit is the sum of one number per token (``WORTH``), special tokens and padding counting
nothing. So a pair's score is known from its words, and whatever is lost or added on the way shows.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from tokenizers import Tokenizer, models, pre_tokenizers, processors

WORTH = {
    "[PAD]": 100.0,
    "[UNK]": 0.0,
    "[CLS]": 0.0,
    "[SEP]": 0.0,
    "good": 1.0,
    "bad": -1.0,
    "best": 3.0,
    "word": 0.25,
    "nan": float("nan"),
}
VOCABULARY = {token: number for number, token in enumerate(WORTH)}


def tiny_cross_encoder(
    folder: Path,
    *,
    labels: int = 1,
    integers: int = TensorProto.INT64,
    token_types: bool = True,
    max_length: int = 16,
    quantised: bool = False,
    place: str = "model.onnx",
) -> Path:
    """Write a model folder. With two labels the logits are (-s/2, s/2), so that their difference is again the sum
    ``s``.
    """
    (folder / place).parent.mkdir(parents=True, exist_ok=True)
    onnx.save(_graph(labels, integers, token_types), folder / place)
    if quantised:
        float_graph = (folder / place).rename(folder / "float.onnx.part")
        quantize_dynamic(float_graph, folder / place, weight_type=QuantType.QInt8, op_types_to_quantize=["MatMul"])
    tiny_tokenizer().save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": max_length, "pad_token": "[PAD]"}))
    return folder


def tiny_tokenizer() -> Tokenizer:
    tokenizer = Tokenizer(models.WordLevel(VOCABULARY, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", VOCABULARY["[CLS]"]), ("[SEP]", VOCABULARY["[SEP]"])],
    )
    return tokenizer


def _graph(labels: int, integers: int, token_types: bool) -> onnx.ModelProto:
    worth = np.array([[WORTH[token]] for token in VOCABULARY], dtype=np.float32)
    spread = np.array([[1.0]] if labels == 1 else [[-0.5, 0.5] + [0.0] * (labels - 2)], dtype=np.float32)
    names = ["input_ids", "attention_mask", *(["token_type_ids"] if token_types else [])]
    nodes = [
        helper.make_node("Gather", ["worth", "input_ids"], ["each"]),
        helper.make_node("Cast", ["attention_mask"], ["mask_float"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask_float", "last"], ["mask"]),
        helper.make_node("Mul", ["each", "mask"], ["kept"]),
        helper.make_node("ReduceSum", ["kept", "second"], ["sum"], keepdims=0),
        helper.make_node("MatMul", ["sum", "spread"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(name, integers, ["batch", "tokens"]) for name in names],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", labels])],
        [
            numpy_helper.from_array(worth, "worth"),
            numpy_helper.from_array(spread, "spread"),
            numpy_helper.from_array(np.array([2], dtype=np.int64), "last"),
            numpy_helper.from_array(np.array([1], dtype=np.int64), "second"),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
