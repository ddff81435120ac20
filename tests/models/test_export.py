"""Exports beside the originals; skipped where torch is not installed (it never has to be: see tests/golden)."""

from __future__ import annotations

import importlib.util
import json
import sys

import pytest

from rankkit.backends.encoders.cross_encoder import CrossEncoder
from rankkit.backends.encoders.onnx import OnnxEngine
from rankkit.errors import InvalidModel
from tests.cli.command import rankkit
from tests.conftest import ROOT

GOLDEN = ROOT / "tests" / "golden"
HAS_TORCH = all(importlib.util.find_spec(name) for name in ("torch", "transformers"))
needs_torch = pytest.mark.skipif(not HAS_TORCH, reason="needs the extra `export` (make parity has it)")


@pytest.mark.parametrize("kind", ["bert", "modernbert"])
def test_golden_cross_encoders_answer_as_transformers_did(kind):
    backend = CrossEncoder(GOLDEN / kind)
    golden = [json.loads(line) for line in (GOLDEN / kind / "answers.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(golden) >= 40
    shortened = 0
    for batch in backend.batches([tuple(item["pair"]) for item in golden]):
        shortened += sum(batch.shortened)
        for position, score in zip(batch.positions, backend.score(batch), strict=True):
            assert score == pytest.approx(golden[position]["logit"], abs=1e-4)
    assert 0 < shortened < len(golden)


def test_without_torch_the_command_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "rankkit.models.export", raising=False)
    result = rankkit("models", "export", "x", "--kind", "seq2seq", "--out", str(tmp_path / "out"))
    assert result.returncode == 3 and "pip install 'rankkit-rerank[export]'" in result.stderr


@needs_torch
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["t5", "bert", "roberta", "deberta", "modernbert"])
def test_the_command_makes_a_folder_that_loads_and_prints_the_difference(tmp_path, kind):
    from scripts.parity import small_models

    getattr(small_models, kind)(tmp_path / kind)
    what = "seq2seq" if kind == "t5" else "cross-encoder"
    arguments = ["models", "export", str(tmp_path / kind), "--kind", what, "--out", str(tmp_path / "out")]
    result = rankkit(*arguments)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == str(tmp_path / "out")
    assert "largest difference from the original over" in result.stderr
    again = rankkit(*arguments)
    assert again.returncode == 2 and "not empty" in again.stderr
    smaller = [*arguments[:-1], str(tmp_path / "int8"), "--quantize", "int8", "--json"]
    result = rankkit(*smaller)
    assert result.returncode == 0, result.stderr
    assert 1e-4 < json.loads(result.stdout)["largest_difference"] < 5
    graphs = (tmp_path / "int8").glob("*.onnx")
    assert all(OnnxEngine(path).batches_change_scores for path in graphs)


@needs_torch
def test_models_without_the_head_are_refused(tmp_path):
    from rankkit.models.export import export_model
    from scripts.parity import small_models

    small_models.t5(tmp_path / "t5")
    with pytest.raises(InvalidModel):
        export_model(tmp_path / "t5", tmp_path / "out", kind="cross-encoder")
    with pytest.raises(InvalidModel, match="transformers cannot read"):
        export_model(tmp_path, tmp_path / "out", kind="seq2seq")
    assert not (tmp_path / "out").exists()
