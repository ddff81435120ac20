"""``python -m llama_cpp.server``, as a user would start it: a real OpenAI-compatible server on loopback."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path


class LlamaServer:
    """One model, served under ``name``.

    ::

        with LlamaServer("model.gguf", name="little") as server:
            Endpoint("little", base_url=server.url)
    """

    def __init__(self, model: str | Path, *, name: str, context: int = 2048, patience: float = 120.0) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/v1"
        self._patience = patience
        # Without logits of the whole prompt it shows no log-probabilities.
        options = {"model": model, "model_alias": name, "port": port, "n_ctx": context, "logits_all": True}
        options["n_threads"] = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        self._command = [sys.executable, "-m", "llama_cpp.server"]
        for key, value in options.items():
            self._command += [f"--{key}", str(value)]

    def __enter__(self) -> LlamaServer:
        # Idle threads that spin for work would slow down a model in this process.
        environment = {**os.environ, "OMP_WAIT_POLICY": "passive"}
        self._process = subprocess.Popen(
            self._command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + self._patience
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError(f"llama_cpp.server ended with exit code {self._process.returncode}")
            try:
                urllib.request.urlopen(f"{self.url}/models", timeout=2).close()
                return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.2)
        raise RuntimeError(f"llama_cpp.server did not come up within {self._patience:.0f} s")
