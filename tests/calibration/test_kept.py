"""Calibrations in files: read back as they were, refused where they were cut, changed, or are something else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rankkit.calibration.kept import Calibration, check_calibration_out, read_calibration, write_calibration
from rankkit.core.ranking import ScoreKind
from rankkit.errors import ConfigError, DataError
from rankkit.judging.probability_maps import IsotonicMap, LogisticMap

MADE = Calibration(
    LogisticMap(0.5, -1.0),
    "platt",
    "a model",
    {"model": "a model@1", "scores": "logit"},
    ScoreKind.LOGIT,
    "logit",
    {"data": "dl", "queries": 3},
    {"after": {"ece": 0.1}},
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_calibration(MADE, tmp_path / "c.json")
    return tmp_path / "c.json"


def test_it_is_read_back_as_it_was(path, tmp_path):
    assert read_calibration(path) == MADE
    steps = Calibration(IsotonicMap((1.0, 2.0), (0.1, 0.7)), "isotonic", "m", {}, None)
    write_calibration(steps, tmp_path / "s.json")
    assert read_calibration(tmp_path / "s.json") == steps


def test_a_file_that_was_cut_is_refused_wherever_it_ends(path):
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(ConfigError, match="no calibration"):
            read_calibration(path)


def test_a_file_that_was_changed_is_refused(path):
    said = json.loads(path.read_text())
    for change in ({"map": said["map"] | {"slope": 9.0}}, {"fingerprints": {"model": "mine@2"}}, {"sha256": None}):
        path.write_text(json.dumps(said | change))
        with pytest.raises(ConfigError, match="was changed"):
            read_calibration(path)


def test_another_version_says_so(path):
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": 2}))
    with pytest.raises(ConfigError, match="of version 2; this rankkit reads version 1"):
        read_calibration(path)


@pytest.mark.parametrize("text", ["[]", "3", "{}", '{"format": "other"}', "[" * 100_000, "\xff"])
def test_what_is_something_else_is_refused(path, text):
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError, match="no calibration"):
        read_calibration(path)


def test_one_that_lies_about_its_map_is_refused_though_its_checksum_fits(path, monkeypatch):
    from rankkit.calibration import kept

    for broken in ({"map": {"slope": -1.0, "intercept": 0.0, "reading": "log-odds"}}, {"kind": "tea"}, {"held_out": 3}):
        said = MADE.to_dict() | broken
        path.write_text(json.dumps(said | {"sha256": kept._digest(said)}))
        with pytest.raises(ConfigError, match="no calibration"):
            read_calibration(path)


def test_one_that_is_not_there_names_the_command(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read") as caught:
        read_calibration(tmp_path / "none.json")
    assert "rankkit calibrate" in str(caught.value.hint)


def test_a_file_of_something_else_is_not_written_over(tmp_path, path):
    (tmp_path / "notes.txt").write_text("my notes\n")
    with pytest.raises(DataError, match="not a calibration"):
        check_calibration_out(tmp_path / "notes.txt")
    check_calibration_out(path)


def test_what_differs_of_a_judge_is_named():
    assert MADE.misfit({"model": "a model@1", "scores": "logit"}) == ""
    assert MADE.misfit({"model": "a model@2", "scores": "logit"}) == "model is a model@2, and was a model@1"
    assert "prompt is p@1, and was None" in MADE.misfit({**MADE.fingerprints, "prompt": "p@1"})
