"""Runs ``rankkit`` for tests: in this process, or where a signal, a pipe or a console matters in one of its own."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from dataclasses import dataclass

import pytest

from rankkit.cli.app import run

#: A home in which no model lies, and a console that is the same everywhere.
_SURROUNDINGS = {"COLUMNS": "120", "NO_COLOR": "1"}


@dataclass(frozen=True)
class Ended:
    """What a command left behind, named as ``subprocess`` names it."""

    returncode: int
    stdout: str
    stderr: str


def rankkit(*arguments: str, stdin: str = "", home: str = "/nonexistent") -> Ended:
    """Run a command in this process, as ``rankkit`` on a shell with its streams redirected would."""
    streams = {name: io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for name in ("stdout", "stderr")}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**_SURROUNDINGS, "RANKKIT_HOME": home}.items():
            patch.setenv(name, value)
        patch.setattr(sys, "argv", ["rankkit", *arguments])
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8"))
        for name, stream in streams.items():
            patch.setattr(sys, name, stream)
        code = run(arguments)
        written = {name: stream.buffer.getvalue().decode() for name, stream in _flushed(streams).items()}
    return Ended(code, written["stdout"], written["stderr"])


def _flushed(streams: dict[str, io.TextIOWrapper]) -> dict[str, io.TextIOWrapper]:
    for stream in streams.values():
        stream.flush()
    return streams


def rankkit_process(*arguments: str, stdin: str = "", home: str = "/nonexistent") -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own."""
    environment = {**os.environ, **_SURROUNDINGS, "RANKKIT_HOME": home}
    command = [sys.executable, "-m", "rankkit", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, env=environment)
