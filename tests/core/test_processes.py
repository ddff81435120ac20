"""A process never dies of us: whatever thread is inside a native library, it ends with its own exit code, and soon."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

pytestmark = [pytest.mark.model, pytest.mark.slow]

LOAD = """
import sys, threading, time
import rankkit
reranker = rankkit.load("ms-marco-MiniLM-L-12-v2")
request = rankkit.Request.of("how long do fleas live?", [f"{number} " + "flea " * 400 for number in range(400)])
"""
GGUF = """
import sys, threading, time
import rankkit
reranker = rankkit.load("smollm2-135m-instruct", options={"threads": 1, "window": 20})
request = rankkit.Request.of("how long do fleas live?", ["flea days " * 150] * 20)
"""
OUT_OF_TIME = """
ranking = reranker.rank(request, budget=rankkit.Budget(seconds=0.3))
assert ranking.steps[0].stopped and len(ranking) == len(request)
"""
BESIDE = """
threading.Thread(target=reranker.rank, args=(request,), daemon=True).start()
time.sleep(0.3)
sys.exit(7)
"""
INTERRUPTED = """
print("ready", flush=True)
reranker.rank(request)
"""


@pytest.fixture(params=[pytest.param(LOAD, id="onnx"), pytest.param(GGUF, id="gguf")])
def load(request, minilm_folder):
    if request.param is GGUF:
        pytest.importorskip("llama_cpp")
    return request.param


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)


def test_out_of_time(load):
    done = run(load + OUT_OF_TIME)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_program_that_ends_while_something_scores(load):
    done = run(load + BESIDE)
    assert (done.returncode, done.stderr) == (7, "")


@pytest.mark.skipif(os.name == "nt", reason="signals as POSIX has them")
def test_interrupted(load):
    program = subprocess.Popen(
        [sys.executable, "-c", load + INTERRUPTED], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert program.stdout.readline() == "ready\n"
    time.sleep(0.5)
    program.send_signal(signal.SIGINT)
    _, errors = program.communicate(timeout=30)
    assert program.returncode in (1, 130, -signal.SIGINT) and "KeyboardInterrupt" in errors
    assert "terminate called" not in errors and "Aborted" not in errors


FORKED = """
import os
reranker.rerank("q", ["a", "b"])
child = os.fork()
if child == 0:
    reranker.rerank("q", ["a", "b"])
    sys.exit(3)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_ends_as_it_likes(load):
    assert run(load + FORKED).returncode == 3
