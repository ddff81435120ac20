"""Model folders as people have them: which graph and which output is meant, fixed sizes, and what a runtime says."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from rankkit.backends.encoders.cross_encoder import CrossEncoder
from rankkit.backends.encoders.graph_files import find_graph
from rankkit.errors import BackendError, ConfigError, InvalidModel
from tests.tiny import tiny_cross_encoder


def graph(folder: Path, *, outputs: str = "logits", shape: tuple[object, object] = ("b", "t"), kind=TensorProto.FLOAT):
    """Gives each input the number of its tokens that are no padding; ``outputs`` in that order, or another kind."""
    tiny_cross_encoder(folder)
    nodes = [
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["mask", "second"], ["logits"], keepdims=1),
        helper.make_node("Unsqueeze", ["mask", "third"], ["last_hidden_state"]),
        helper.make_node("ReduceSum", ["mask"], ["scalar"], keepdims=0),
        helper.make_node("Cast", ["logits"], ["words"], to=TensorProto.STRING),
    ]
    shapes = {"logits": ["b", 1], "last_hidden_state": ["b", "t", 1], "scalar": [], "words": ["b", 1]}
    made = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(name, TensorProto.INT64, shape) for name in ("input_ids", "attention_mask")],
        [
            helper.make_tensor_value_info(
                name, TensorProto.STRING if name == "words" else TensorProto.FLOAT, shapes[name]
            )
            for name in outputs.split()
        ],
        [numpy_helper.from_array(np.array([n], np.int64), name) for name, n in (("second", 1), ("third", 2))],
    )
    onnx.save(helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), folder / "model.onnx")
    return folder


def scores(head: CrossEncoder, pairs: list[tuple[str, str]]) -> list[float]:
    found: dict[int, float] = {}
    for batch in head.batches(pairs):
        found |= dict(zip(batch.positions, head.score(batch), strict=True))
    return [found[position] for position in range(len(pairs))]


# -- outputs


@pytest.mark.parametrize("outputs", ["logits", "last_hidden_state logits", "logits last_hidden_state", "scalar logits"])
def test_the_output_named_logits_is_read(outputs, tmp_path):
    assert scores(CrossEncoder(graph(tmp_path, outputs=outputs)), [("word", "good"), ("word", "good bad")]) == [5, 6]


@pytest.mark.parametrize(
    ("outputs", "seen"), [("words", "'words'"), ("scalar", "shape"), ("last_hidden_state scalar words", "outputs")]
)
def test_outputs_that_are_no_logits_are_an_invalid_model(outputs, seen, tmp_path):
    with pytest.raises(InvalidModel, match=seen):
        scores(CrossEncoder(graph(tmp_path, outputs=outputs)), [("word", "good"), ("word", "good bad")])


# -- fixed sizes


@pytest.mark.parametrize("shape", [(1, 16), (3, 16), (1, "t"), (3, "t"), ("b", 16), (1, 12)])
def test_inputs_are_padded_to_the_sizes_of_a_graph(shape, tmp_path):
    head = CrossEncoder(graph(tmp_path, shape=shape))
    pairs = [("word", "good " * count) for count in (1, 30, 0, 2, 5, 3, 1)]
    most = head.max_length
    assert most == (shape[1] if isinstance(shape[1], int) else 16)
    assert scores(head, pairs) == [min(4 + count, most) for count in (1, 30, 0, 2, 5, 3, 1)]


def test_a_length_over_that_of_the_graph_is_refused(tmp_path):
    with pytest.raises(InvalidModel, match="max_length 16 is more than the 12"):
        CrossEncoder(graph(tmp_path, shape=("b", 12)), max_length=16)


# -- which graph


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        ("model.onnx model_quantized.onnx onnx/model.onnx", "model.onnx"),
        ("onnx/model.onnx model_quantized.onnx", "onnx/model.onnx"),
        ("onnx/model_bnb4.onnx onnx/model_quantized.onnx", "onnx/model_quantized.onnx"),
        ("model_q4.onnx model_int8.onnx model_fp16.onnx", "model_fp16.onnx"),
        ("model_q4f16.onnx model_uint8.onnx", "model_uint8.onnx"),
        ("model_fp32.onnx model_fp16.onnx", "model_fp32.onnx"),
        ("model_q4.onnx", "model_q4.onnx"),
        ("model-mine.onnx", "model-mine.onnx"),
    ],
)
def test_of_several_graphs_the_most_precise_is_taken(names, chosen, tmp_path):
    for name in names.split():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert find_graph(tmp_path, "model").relative_to(tmp_path).as_posix() == chosen


@pytest.mark.parametrize(
    "names",
    ["model_q4.onnx model_bnb4.onnx", "model_qint8_arm64.onnx model_qint8_avx2.onnx", "model_a.onnx model_b.onnx"],
)
def test_where_nobody_can_tell_the_error_lists_them_and_names_the_option(names, tmp_path):
    folder = tiny_cross_encoder(tmp_path)
    for name in names.split():
        shutil.copy(folder / "model.onnx", folder / name)
    (folder / "model.onnx").unlink()
    with pytest.raises(InvalidModel, match=rf"{names.split()[0]}(.|\n)*graph ="):
        CrossEncoder(folder)
    assert CrossEncoder(folder, graph=names.split()[1])


def test_a_named_graph_is_one_of_the_folders(tmp_path):
    folder = tiny_cross_encoder(tmp_path / "in", place="onnx/model.onnx")
    assert CrossEncoder(folder, graph="model.onnx") and CrossEncoder(folder, graph="onnx/model.onnx")
    with pytest.raises(InvalidModel, match=r"no other\.onnx.*onnx/model\.onnx"):
        CrossEncoder(folder, graph="other.onnx")
    for outside in ("../x.onnx", str(folder / "onnx" / "model.onnx")):
        with pytest.raises(ConfigError, match="leads out"):
            CrossEncoder(folder, graph=outside)


# -- what goes wrong


def test_all_that_the_runtime_says_is_kept_in_one_line(tmp_path):
    head = CrossEncoder(graph(tmp_path, shape=(1, 16)))
    feeds = {name: np.ones((2, 7), np.int64) for name in ("input_ids", "attention_mask")}
    with pytest.raises(BackendError, match=r"input_ids 2x7.*Got: 2 Expected: 1.*Got: 7 Expected: 16") as caught:
        head._engine.run(feeds)
    assert "\n" not in caught.value.message


def test_an_id_beyond_the_embedding_is_an_error(tmp_path):
    head = CrossEncoder(tiny_cross_encoder(tmp_path))
    [batch] = head.batches([("word", "good")])
    batch.payload[0].ids[1] = 999
    with pytest.raises(BackendError, match="onnxruntime failed"):
        head.score(batch)


@pytest.mark.parametrize("content", [b"", b"garbage" * 100])
def test_a_file_that_is_no_graph_is_an_invalid_model(content, tmp_path):
    (tiny_cross_encoder(tmp_path) / "model.onnx").write_bytes(content)
    with pytest.raises(InvalidModel):
        CrossEncoder(tmp_path)
