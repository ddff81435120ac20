"""What reaches a terminal: no control characters of other people's texts, and something readable on every console."""

from __future__ import annotations

import ast
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import rankkit
from rankkit.cli.app import run
from rankkit.cli.output import progress_bar, ranking_table, remark, say, stderr, stdout, write_json
from rankkit.cli.terminal import NotWritten, Output, ReaderGone, visible
from rankkit.core.ranking import Candidate, Query, Ranking, Request
from tests.tiny import tiny_cross_encoder

#: Real processes on terminals of all kinds.
pytestmark = pytest.mark.slow

HOSTILE = "\x1b]0;t\x07\x9b2J\x1b[31m\r\x08\u202eevil\u2066\x7f\udc00"


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> str:
    return str(tiny_cross_encoder(tmp_path_factory.mktemp("models") / "tiny"))


def ranking(words: str) -> Ranking:
    return Ranking(Request(Query(words), (Candidate(words, words, words),)), (0,))


def test_what_would_control_a_terminal_is_a_mark():
    assert visible("a\tb\nc \u00e9 \u05d0 \u200d") == "a\tb\nc \u00e9 \u05d0 \u200d"
    assert visible("\x1b[2J\x7f\x9b\u202e\udc00") == "\u241b[2J\u2421\ufffd\ufffd\ufffd"


def test_no_way_of_printing_lets_control_characters_through(capsys):
    say(HOSTILE)
    remark(HOSTILE)
    stdout().print(HOSTILE, style="bold")
    stderr().print(HOSTILE)
    stdout().print(ranking_table(ranking(HOSTILE), title=HOSTILE))
    write_json({HOSTILE: [HOSTILE, {HOSTILE}]})
    printed = capsys.readouterr()
    assert [char for char in printed.out + printed.err if visible(char) != char] == []
    assert "evil" in printed.out and "evil" in printed.err


def test_json_escapes_what_it_does_not_show(capsys):
    write_json({"text": HOSTILE})
    assert json.loads(capsys.readouterr().out) == {"text": HOSTILE}


def test_nothing_in_words_is_markup(capsys):
    words = "[red]a[/red] [link=http://x]b[/link] [/] :smile:"
    say(words)
    stdout().print(words)
    stdout().print(ranking_table(ranking(words), title=words))
    assert capsys.readouterr().out.count(words) == 6  # the table shows it four times


@pytest.mark.parametrize(("encoding", "shown"), [("cp1252", "^ v … fl\xf6he ?"), ("ascii", "^ v ... fl?he ?")])
def test_a_console_of_few_characters(monkeypatch, encoding, shown):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr("sys.stdout", stream)
    say("↑ ↓ … fl\xf6he 海")
    write_json({"a": "fl\xf6he 海"})
    written = stream.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]
    line, _, rest = written.partition("\n")
    assert line.rstrip("\r") == shown and json.loads(rest) == {"a": "fl\xf6he 海"}


class Full(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


class Closed(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_a_result_that_cannot_be_written_is_printed_on_stderr(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdout", Full())
    with pytest.raises(NotWritten):
        write_json({"paid": "for"})
    errors = capsys.readouterr().err
    assert "No space left on device" in errors and json.loads(errors[errors.index("{") :]) == {"paid": "for"}


def test_nobody_reads(monkeypatch):
    monkeypatch.setattr("sys.stdout", Closed())
    with pytest.raises(ReaderGone):
        say("words")
    monkeypatch.setattr("sys.stdout", None)
    with pytest.raises(NotWritten, match="standard output is closed"):
        say("words")
    monkeypatch.setattr("sys.stderr", Closed())
    remark("words")


def test_a_bar_does_not_put_itself_in_place_of_the_streams(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    before = Terminal()
    monkeypatch.setattr("sys.stderr", before)
    with progress_bar("working"):
        assert sys.stderr is before
        remark("a word meanwhile")
    assert "a word meanwhile" in before.getvalue()


def command(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "RANKKIT_HOME": "/nonexistent"}
    return subprocess.run(
        [sys.executable, "-m", "rankkit", *arguments], input=stdin, capture_output=True, check=False, env=environment
    )


@pytest.mark.parametrize("words", [["rerank", "word", "-"], ["--help"], ["models", "list", "--json"]])
def test_a_full_disk_and_a_closed_pipe(model, words):
    arguments = [*words, *(["--model", model] if words[0] == "rerank" else [])]
    line = " ".join([sys.executable, "-m", "rankkit", *arguments])
    full = subprocess.run(f"{line} > /dev/full", shell=True, input=b"good\n", capture_output=True, check=False)
    assert full.returncode == 1 and b"No space left" in full.stderr and b"Traceback" not in full.stderr
    piped = subprocess.run(
        ["bash", "-c", f"{line} | head -c 1 > /dev/null; echo ${{PIPESTATUS[0]}}"],
        input=b"good\n",
        capture_output=True,
        check=False,
    )
    assert piped.stdout.strip() == b"0" and b"Traceback" not in piped.stderr and b"Exception" not in piped.stderr


def test_arguments_that_are_no_unicode_are_read_with_a_note(model):
    result = subprocess.run(
        [sys.executable.encode(), b"-m", b"rankkit", b"rerank", b"caf\xe9 word", b"-", b"--model", model.encode()],
        input=b"good\n",
        capture_output=True,
        check=False,
    )
    assert result.returncode == 0 and b"lone surrogates read as U+FFFD, query" in result.stderr
    wrong = command("rerank", "word", "no\x1b[2Jfile\udcff")
    assert wrong.returncode == 5 and b"\x1b" not in wrong.stderr and "no\u241b[2Jfile".encode() in wrong.stderr


def test_a_user_without_a_home(monkeypatch, capsys):
    def nobody(_: int) -> None:
        raise KeyError

    monkeypatch.setattr("pwd.getpwuid", nobody)
    for name in ("HOME", "RANKKIT_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert run(["models", "list"]) == 4
    assert "RANKKIT_HOME" in capsys.readouterr().err
    assert run(["doctor", "--json"]) == 0
    assert "RANKKIT_HOME" in json.loads(capsys.readouterr().out)["store"]


def test_there_is_one_way_to_the_terminal():
    """Whoever prints past ``output`` lets control characters through."""
    folder = Path(rankkit.__file__).parent / "cli"
    past = []
    for path in folder.glob("*.py"):
        if path.name in ("terminal.py", "__init__.py"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = ast.unparse(node) if isinstance(node, ast.Attribute | ast.Name) else ""
            if name in ("print", "input", "sys.stdout", "sys.stderr") or (
                isinstance(node, ast.Call) and ast.unparse(node.func) == "Console"
            ):
                past.append(f"{path.name}:{node.lineno}")  # type: ignore[attr-defined]
    assert past == []
    assert Output("stdout").encoding
