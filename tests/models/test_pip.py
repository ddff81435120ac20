from __future__ import annotations

import importlib.util
import os
import stat
import sys
from pathlib import Path

import pytest

from rankkit.errors import ChecksumMismatch, DownloadFailed, RankkitError, StoreError
from rankkit.models import pip
from rankkit.models.catalogue import Wheel

WHEEL = Wheel("tiny-data", "1.0", {"model.onnx": "tiny_data/model.onnx"})


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        (
            "WARNING: Retrying (Retry(total=4)) after connection broken by 'NewConnectionError(': Failed to establish "
            "a new connection: [Errno -3] Temporary failure in name resolution')': /simple/tiny-data/\n"
            "ERROR: Could not find a version that satisfies the requirement tiny-data==1.0 (from versions: none)\n"
            "ERROR: No matching distribution found for tiny-data==1.0",
            DownloadFailed,
            "no connection to the package index for tiny-data 1.0",
        ),
        (
            "ERROR: Could not find a version that satisfies the requirement tiny-data==1.0 (from versions: 0.8, 0.9)\n"
            "ERROR: No matching distribution found for tiny-data==1.0",
            DownloadFailed,
            "has no tiny-data 1.0 (versions there: 0.8, 0.9)",
        ),
        (
            "ERROR: HTTP error 403 while getting https://mirror.example/tiny.whl\n"
            "ERROR: 403 Client Error: Forbidden for url: https://mirror.example/tiny.whl",
            DownloadFailed,
            "the package index refused tiny-data 1.0",
        ),
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
            StoreError,
            "is full",
        ),
        (
            "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.",
            ChecksumMismatch,
            "arrived broken, says pip",
        ),
        ("ERROR: something new\nmore", DownloadFailed, "pip could not download tiny-data 1.0: ERROR: something new"),
        ("", DownloadFailed, "it said nothing"),
    ],
)
def test_what_pip_says_becomes_an_error_of_its_own_kind(said: str, kind: type[RankkitError], words: str) -> None:
    error = pip.explain(WHEEL, said)
    assert type(error) is kind
    assert words in error.message


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
