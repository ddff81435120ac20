"""A fingerprint tells apart all that changes an answer: every option, and every file."""

from __future__ import annotations

import inspect
import json
import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import external_data_helper, numpy_helper

from rankkit.backends.encoders.cross_encoder import CrossEncoder
from rankkit.backends.encoders.duo import DuoEncoder
from rankkit.backends.encoders.onnx import OnnxEngine
from rankkit.backends.encoders.seq2seq import Seq2Seq
from rankkit.backends.files import file_sha256, fingerprint_of
from tests.backends.encoders.toy_engine import ToyEngine
from tests.tiny import tiny_cross_encoder
from tests.tiny_seq2seq import tiny_seq2seq

#: Options that change no answer.
CHANGES_NOTHING = {"folder", "name", "threads"}
#: Another value of each other option.
OTHER = {"graph": "other.onnx", "engine": ToyEngine(), "max_length": 20, "long_query": "error", "batch_tokens": 128}
HEADS = [CrossEncoder, DuoEncoder, Seq2Seq]


def made(kind: type, folder: Path, **options: object):
    if kind is Seq2Seq:
        return kind(tiny_seq2seq(folder, max_length=32), **options)
    tiny_cross_encoder(folder, max_length=32)
    graph = onnx.load(folder / "model.onnx")
    graph.doc_string = "another"
    onnx.save(graph, folder / "other.onnx")
    return kind(folder, **options)


@pytest.mark.parametrize("kind", HEADS)
def test_every_option_of_a_head_is_in_its_fingerprint_or_changes_no_answer(kind, tmp_path):
    plain = made(kind, tmp_path)
    for option in inspect.signature(kind).parameters:
        if option in CHANGES_NOTHING:
            continue
        value = OTHER[option]
        if kind is Seq2Seq and option == "engine":
            gate_of = [OnnxEngine(tmp_path / f"{part}_model.onnx") for part in ("encoder", "decoder")]
            gate_of[0].__dict__["fingerprint"] = "another runtime"
            value = gate_of
        assert made(kind, tmp_path, **{option: value}).fingerprint != plain.fingerprint, option
    assert made(kind, tmp_path, name="other", threads=7).fingerprint == plain.fingerprint
    assert made(kind, tmp_path / "elsewhere").fingerprint == plain.fingerprint


def test_every_option_of_the_engine_is_in_its_fingerprint_or_changes_no_answer(tmp_path):
    graph = tiny_cross_encoder(tmp_path) / "model.onnx"
    assert set(inspect.signature(OnnxEngine).parameters) == {"path", "gate", "providers", "without"}
    other = OnnxEngine(graph)
    other._providers = ("AnotherExecutionProvider",)
    assert other.fingerprint != OnnxEngine(graph).fingerprint
    assert OnnxEngine(graph, without=("GeluFusion",)).fingerprint != OnnxEngine(graph).fingerprint


@pytest.mark.parametrize(
    "file",
    ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "config.json", "generation_config.json"],
)
def test_every_file_that_is_read_is_in_the_fingerprint(file, tmp_path):
    before = made(Seq2Seq, tmp_path).fingerprint
    path = tmp_path / file
    content = json.loads(path.read_text()) if path.is_file() else {}
    path.write_text(json.dumps({**content, "version": "1.0", "more": 1} if file != "tokenizer.json" else content))
    assert Seq2Seq(tmp_path).fingerprint != before


def with_weights_outside(folder: Path, values: list[float]) -> Path:
    tiny_cross_encoder(folder)
    graph = onnx.load(folder / "model.onnx")
    [worth] = [tensor for tensor in graph.graph.initializer if tensor.name == "worth"]
    worth.CopyFrom(numpy_helper.from_array(np.array([[value] for value in values], np.float32), "worth"))
    external_data_helper.set_external_data(worth, location="weights.bin")
    external_data_helper.save_external_data(worth, str(folder))
    worth.ClearField("raw_data")
    (folder / "model.onnx").write_bytes(graph.SerializeToString())
    return folder


def test_weights_outside_the_graph_are_in_the_fingerprint(tmp_path):
    one = with_weights_outside(tmp_path / "one", [0, 0, 0, 0, 1, 2, 3, 4, 5])
    other = with_weights_outside(tmp_path / "other", [0, 0, 0, 0, 1, 2, 3, 4, 6])
    assert (one / "model.onnx").read_bytes() == (other / "model.onnx").read_bytes()
    assert CrossEncoder(one).fingerprint != CrossEncoder(other).fingerprint
    [batch] = CrossEncoder(one).batches([("word", "good")])
    assert CrossEncoder(one).score(batch) == [5.0]


# -- checksums


def test_a_manifests_checksum_is_taken_while_the_file_is_as_it_was_pulled(tmp_path):
    file, manifest = tmp_path / "model.onnx", tmp_path / "rankkit.json"
    file.write_bytes(b"weights")
    computed = file_sha256(file)
    manifest.write_text(json.dumps({"files": [{"name": "model.onnx", "bytes": 7, "sha256": "f" * 64}]}))
    os.utime(file, (1, 1))
    assert file_sha256(file) == "f" * 64
    later = manifest.stat().st_mtime + 10
    os.utime(file, (later, later))
    assert file_sha256(file) == computed
    file.write_bytes(b"other weights")
    os.utime(file, (1, 1))
    assert file_sha256(file) not in (computed, "f" * 64)
    for broken in (
        "",
        "[]",
        '{"files": 3}',
        '{"files": [{"name": "model.onnx", "bytes": 13, "sha256": 5}]}',
        "[" * 9999,
    ):
        manifest.write_text(broken)
        assert len(file_sha256(file)) == 64


def test_parts_of_a_fingerprint_stand_each_by_itself():
    assert len({fingerprint_of(parts) for parts in (["a", "bc"], ["ab", "c"], ["abc"], ["a", "bc", ""], [1, 2])}) == 5
