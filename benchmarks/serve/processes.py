"""Servers as processes of their own, on loopback."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from benchmarks.common import ROOT

INFINITY = ROOT / ".venv-infinity" / "bin" / "python"
_PATIENCE = 180.0


class Server:
    """A process that serves as soon as one may enter."""

    path = "/v1/rerank"
    name = "rankkit"

    def __init__(self, *arguments: str) -> None:
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115  # as long as the process
        command = [sys.executable, "-m", "rankkit", "serve", "--port", "0", "--no-access-log", *arguments]
        self._process = self._started(command, {})
        self.port = 0

    def _started(self, command: list[str], environment: dict[str, str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=self._log, text=True, env={**os.environ, **environment}
        )

    def __enter__(self) -> Self:
        until = time.monotonic() + _PATIENCE
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > until:
                self.__exit__(None, None, None)
                raise RuntimeError(f"{self.name} did not start: {self.log()[-2000:]}")
            time.sleep(0.1)
        return self

    def _is_ready(self) -> bool:
        if found := re.search(r"ready at http://127\.0\.0\.1:(\d+)", self.log()):
            self.port = int(found[1])
        return self.port > 0

    def log(self) -> str:
        self._log.flush()
        return os.pread(self._log.fileno(), 1 << 20, 0).decode("utf-8", "replace")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.terminate()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def megabytes(self) -> float:
        """What its process holds now."""
        return float(psutil.Process(self._process.pid).memory_info().rss / 2**20)

    def answered(self) -> int:
        """With how many rankings, as the server itself has counted."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=60) as reply:
            lines = reply.read().decode().splitlines()
        counted = [line for line in lines if line.startswith("rankkit_requests_total") and 'status="200"' in line]
        return round(sum(float(line.split()[-1]) for line in counted if 'model=""' not in line))


class Infinity(Server):
    """infinity_emb with the same weights, in an environment of its own (``make bench-serving``)."""

    path = "/rerank"
    name = "infinity"

    def __init__(self, folder: Path) -> None:
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self._model = tempfile.TemporaryDirectory(prefix="infinity-")
        place = Path(self._model.name)
        for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
            (place / name).symlink_to(folder / name)
        (place / "onnx").mkdir()
        (place / "onnx" / "model.onnx").symlink_to(folder / "model.onnx")
        (place / "config.json").write_text(json.dumps(_BERT))
        self.port = _free_port()
        command = [
            str(INFINITY),
            "-c",
            _INFINITY,
            "v2",
            "--model-id",
            str(place),
            "--engine",
            "optimum",
            "--device",
            "cpu",
        ]
        command += ["--served-model-name", "served", "--host", "127.0.0.1", "--port", str(self.port)]
        offline = {"HF_HUB_OFFLINE": "1", "DO_NOT_TRACK": "1", "INFINITY_ANONYMOUS_USAGE_STATS": "0"}
        self._process = self._started([*command, "--no-model-warmup"], offline)

    def _is_ready(self) -> bool:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=2):
            return True
        return False


#: optimum imports its exporter where it only loads, and that names which newer versions of torch do not have.
_INFINITY = """
from unittest.mock import MagicMock
import torch.onnx.symbolic_opset14 as module
for name in "_attention_scale _causal_attention_mask _onnx_symbolic _type_utils jit_utils symbolic_helper".split():
    vars(module).setdefault(name, MagicMock())
from infinity_emb.cli import cli
cli()
"""
#: The architecture of MiniLM-L-12: the catalogue's folder has the graph alone.
_BERT: dict[str, Any] = {
    "architectures": ["BertForSequenceClassification"],
    "model_type": "bert",
    "hidden_size": 384,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 1536,
    "vocab_size": 30522,
    "max_position_embeddings": 512,
    "num_labels": 1,
    "id2label": {"0": "LABEL_0"},
    "label2id": {"LABEL_0": 0},
}


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
