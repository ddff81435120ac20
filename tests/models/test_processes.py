"""Real processes, a real pip and a server that stops halfway: what happens to others when one is killed or slow."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rankkit.errors import ModelNotPulled
from rankkit.models import store
from rankkit.models.progress import PullProgress
from tests.models.conftest import PULL, ROW, WEIGHTS, Server

#: Real processes that pull.
pytestmark = pytest.mark.slow

WHEEL = "/files/tiny_data-1.0-py3-none-any.whl"


@pytest.fixture
def slow_index(index: Server, catalogue) -> Server:
    """An index that sends half of the wheel and waits for ``release``."""
    catalogue(ROW)
    index.held = WHEEL
    return index


def start() -> subprocess.Popen[str]:
    return subprocess.Popen([*PULL, "tiny"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_killed_pull_leaves_nothing_half_made(slow_index: Server, home: Path) -> None:
    with start() as pulling:
        assert slow_index.halfway.wait(20), "the download never began"
        os.kill(pulling.pid, signal.SIGKILL)
    assert list((home / "staging" / "tiny").iterdir()), "it was killed in the middle of its work"
    assert not (home / "models").exists()
    with pytest.raises(ModelNotPulled):
        store.locate("tiny")

    slow_index.held = ""
    assert (store.pull("tiny") / "model.onnx").read_bytes() == WEIGHTS, "its lock died with it"
    assert not (home / "staging" / "tiny").exists(), "what it left was swept"


def test_what_a_killed_pull_left_is_swept_by_a_pull_of_another_model(tiny: str, home: Path) -> None:
    (home / "staging" / "other" / "abc").mkdir(parents=True)
    (home / "locks").mkdir()
    store.pull(tiny)
    assert list((home / "staging").iterdir()) == []


def test_two_processes_pull_once(slow_index: Server, home: Path) -> None:
    with start() as first:
        assert slow_index.halfway.wait(20), "the download never began"
        with start() as second:
            assert second.stderr is not None
            assert second.stderr.readline() == "waiting\n"
            slow_index.release.set()
            outputs = [process.communicate(timeout=30) for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], outputs
    assert {out.strip() for out, _ in outputs} == {str(home / "models" / "tiny")}
    assert slow_index.asked.count(f"GET {WHEEL}") == 1
    assert store.verify("tiny").name == "tiny"


def test_the_bytes_so_far_are_seen_while_they_arrive(slow_index: Server, home: Path) -> None:
    grown = threading.Event()

    def watch(now: PullProgress) -> None:
        if len(WEIGHTS) * 0.3 < now.done < len(WEIGHTS) * 0.7:
            grown.set()

    with ThreadPoolExecutor(1) as pool:
        pulling = pool.submit(store.pull, "tiny", progress=watch)
        seen = slow_index.halfway.wait(20) and grown.wait(5)
        slow_index.release.set()
        pulling.result(timeout=30)
    assert seen, "half of the wheel had arrived, and the progress did not say so"


FULL = r"""
set -e
mkdir -p "$1" && mount -t tmpfs -o size=1m tmpfs "$1"
export RANKKIT_HOME="$1/cache"
exec "$2" -c '
from rankkit.errors import StoreError
from rankkit.models import store
from rankkit.models.progress import PullProgress
try:
    store.pull("tiny")
except StoreError as error:
    print(error.message)
'
"""


def test_a_disk_that_is_really_full(slow_index: Server, tmp_path: Path) -> None:
    slow_index.held = ""
    headers, wheel = slow_index.replies[WHEEL]
    slow_index.replies[WHEEL] = (headers, wheel + bytes(2_000_000))
    command = ["unshare", "--mount", "sh", "-c", FULL, "sh", str(tmp_path / "disk"), sys.executable]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except FileNotFoundError:
        pytest.skip("no unshare here, so no small disk can be made")
    if "mount" in done.stderr or "unshare" in done.stderr:
        pytest.skip(f"no small disk can be made here: {done.stderr.strip()}")
    assert done.stdout.startswith(f"the disk under {tmp_path / 'disk'}/cache is full ("), done.stderr
