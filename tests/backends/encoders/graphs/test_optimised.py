"""Which optimised graph is used: that of this very file, whole, wherever it lies."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import shutil

import numpy as np
import pytest

from rankkit.backends.encoders.cross_encoder import CrossEncoder
from rankkit.backends.encoders.graphs import optimised
from rankkit.backends.encoders.graphs.making import optimise_graph
from rankkit.backends.encoders.graphs.optimised import discard, find_optimised, prepared_form, runnable
from rankkit.backends.encoders.onnx import OnnxEngine
from rankkit.backends.files import file_sha256, read_sha256
from rankkit.errors import StoreError
from tests.small_encoders import small_encoder
from tests.tiny import tiny_tokenizer


@pytest.fixture
def source(tmp_path, monkeypatch):
    monkeypatch.setenv("RANKKIT_HOME", str(tmp_path / "home"))
    return small_encoder(tmp_path / "model" / "model.onnx", "bert")


def test_it_is_made_once(source):
    made = optimise_graph(source)
    written = made.graph.stat().st_mtime_ns
    assert optimise_graph(source) == find_optimised(source) == made
    assert made.graph.stat().st_mtime_ns == written and runnable(source) == made.graph


def test_a_changed_source_is_run_itself_until_it_is_optimised_anew(source):
    made = optimise_graph(source)
    content = bytearray(source.read_bytes())
    content[-200] ^= 1  # of the same size
    source.write_bytes(content)
    os.utime(source, ns=(1, 1))
    assert find_optimised(source) is None and runnable(source) == source
    assert optimise_graph(source).sha256 != made.sha256


def test_a_copy_of_the_folder_keeps_it(source, tmp_path):
    optimise_graph(source)
    shutil.copytree(source.parent, tmp_path / "copy", copy_function=shutil.copyfile)  # other times of writing
    assert runnable(tmp_path / "copy" / "model.onnx") == tmp_path / "copy" / "optimised" / "model.onnx"


def test_a_file_that_is_cut_short_is_not_used_and_made_anew(source, caplog):
    made = optimise_graph(source)
    whole = made.graph.read_bytes()
    made.graph.write_bytes(whole[:-10])
    with caplog.at_level(logging.WARNING, logger="rankkit"):
        assert runnable(source) == source
    assert "the source is run" in caplog.text
    assert optimise_graph(source).graph.read_bytes() == whole


def test_a_file_with_a_bit_turned_is_made_anew(source):
    made = optimise_graph(source)
    whole = made.graph.read_bytes()
    made.graph.write_bytes(whole[:-10] + bytes([whole[-10] ^ 1]) + whole[-9:])
    assert optimised.damaged(made) == ["model.onnx"]
    assert optimise_graph(source).graph.read_bytes() == whole


@pytest.mark.parametrize(
    "change",
    [
        {"recipe": 0},
        {"files": [{"name": "../model.onnx", "bytes": 1, "sha256": ""}]},
        {"files": [{"name": "/etc/hostname", "bytes": 1, "sha256": ""}]},
        {"source": "other.onnx"},
        {"bytes": "many"},
        {"changes": None},
    ],
    ids=str,
)
def test_records_of_others_and_broken_ones_do_not_count(source, change):
    made = optimise_graph(source)
    record = optimised.record_path(made.folder, source.name)
    record.write_text(json.dumps({**json.loads(record.read_text()), **change}))
    assert find_optimised(source) is None
    record.write_text("{")
    assert runnable(source) == source


def test_a_folder_that_cannot_be_written_to_has_it_in_the_cache(source, tmp_path):
    (source.parent / "optimised").write_text("in the way")
    made = optimise_graph(source)
    assert made.graph.is_relative_to(tmp_path / "home" / "optimised")
    assert file_sha256(source) in str(made.folder)
    assert runnable(source) == made.graph
    assert discard(source) > 0 and runnable(source) == source


def test_nowhere_to_write_is_an_error_that_says_what_to_do(source, tmp_path):
    (source.parent / "optimised").write_text("in the way")
    (tmp_path / "home").write_text("in the way, too")
    with pytest.raises(StoreError) as caught:
        optimise_graph(source)
    assert "RANKKIT_HOME" in caught.value.hint


def test_discarding_leaves_the_folder_as_it_was(source):
    before = sorted(source.parent.rglob("*"))
    optimise_graph(source)
    assert discard(source) > 0 and sorted(source.parent.rglob("*")) == before
    assert discard(source) == 0


def test_what_a_killed_process_left_is_swept(source):
    left = source.parent / "optimised" / ".making-old"
    left.mkdir(parents=True)
    (left / "model.onnx").write_bytes(b"half")
    os.utime(left, (1, 1))
    optimise_graph(source)
    assert not left.exists()


def test_the_fingerprint_tells_it_from_its_source(source):
    folder = source.parent
    tiny_tokenizer().save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text('{"model_max_length": 64, "pad_token": "[PAD]"}')
    plain = CrossEncoder(folder)
    optimise_graph(source)
    lean = CrossEncoder(folder)
    assert lean.fingerprint != plain.fingerprint and lean.weights != plain.weights
    discard(source)
    assert CrossEncoder(folder).fingerprint == plain.fingerprint


def test_its_checksum_is_read_off_the_record(source):
    made = optimise_graph(source)
    record = optimised.record_path(made.folder, source.name)
    stated = dataclasses.replace(made.files[0], sha256="0" * 64)
    record.write_text(dataclasses.replace(made, files=(stated,)).dump())
    assert file_sha256(made.graph) == "0" * 64 != read_sha256(made.graph)


def test_the_prepared_form_gives_the_same_bits_and_counts_for_its_onnxruntime_only(source):
    made = optimise_graph(source)
    prepared = made.folder / "model.prepared.onnx"
    assert [file.name for file in made.prepared] == [prepared.name]
    assert prepared_form(made.graph, made.onnxruntime) == prepared
    assert prepared_form(made.graph, "1.0.0") == made.graph
    assert prepared_form(source, made.onnxruntime) == source
    ids = np.arange(1, 40).reshape(3, 13)
    feeds = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
    with_it = OnnxEngine(made.graph)
    prepared.unlink()
    without = OnnxEngine(made.graph)
    assert with_it.fingerprint == without.fingerprint
    assert np.array_equal(with_it.run(feeds)["logits"], without.run(feeds)["logits"])


def test_a_prepared_form_that_is_cut_short_is_not_used(source):
    made = optimise_graph(source)
    prepared = made.folder / "model.prepared.onnx"
    prepared.write_bytes(prepared.read_bytes()[:-1])
    assert prepared_form(made.graph, made.onnxruntime) == made.graph
    assert optimised.damaged(made) == [prepared.name]
    assert optimise_graph(source).graph == made.graph and not optimised.damaged(made)
