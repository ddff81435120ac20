"""What the benchmarks share: data, systems as processes of their own, and their memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / ".venv-peers" / "bin" / "python"


def default_data() -> Path:
    return Path(os.environ.get("RANKKIT_TEST_DATA") or ROOT.parent / "shared" / "data")


@dataclass(frozen=True)
class System:
    """A way to rerank: a script of benchmarks/systems with its arguments, and the interpreter that has its packages."""

    name: str
    script: str
    arguments: tuple[str, ...] = ()
    python: Path = Path(sys.executable)
    address_space_gib: int = 16


class Running:
    """A system loaded once in a process of its own, asked one query at a time. Each answer has its seconds and
    scores.
    """

    def __init__(self, system: System) -> None:
        self.system = system
        command = [str(system.python), str(ROOT / "benchmarks" / "systems" / system.script), *system.arguments]
        environment = {
            **os.environ,
            "RANKKIT_BENCH_GIB": str(system.address_space_gib),
            "TOKENIZERS_PARALLELISM": "true",
        }
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )

    def ask(self, query: str, documents: Sequence[str]) -> dict[str, object]:
        assert self._process.stdin and self._process.stdout
        try:
            self._process.stdin.write(json.dumps({"query": query, "documents": list(documents)}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        return json.loads(line) if line else {"error": f"the process died (exit {self._process.wait()})"}

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
