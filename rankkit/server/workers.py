"""Several processes that serve at one address, each with its share of the CPUs, and the one that looks after them."""

from __future__ import annotations

import logging
import multiprocessing
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from multiprocessing.synchronize import Event
from pathlib import Path
from types import FrameType

from rankkit.core.extras import require_extra

with require_extra("server", "the server"):
    from prometheus_client import multiprocess

from rankkit.errors import BackendError, RankkitError
from rankkit.machine.cpus import CPUS_ENV, available_cpus
from rankkit.server.logs import set_up_logs
from rankkit.server.running import Service, run_here

logger = logging.getLogger("rankkit.server")

#: Where their counters meet.
_METRICS_ENV = "PROMETHEUS_MULTIPROC_DIR"
#: How a process ends whose models cannot be loaded: another one could not load them either.
_CANNOT_START = 3
#: One that dies soon after its start is not started again at once.
_PAUSE_SECONDS = 1.0
#: How often a signal is looked for.
_LOOK_SECONDS = 0.2


def run_workers(service: Service, sock: socket.socket, on_ready: Callable[[], None]) -> None:
    """Serve with ``service.workers`` processes until a signal ends them; one that dies is replaced.

    Raises:
        BackendError: they cannot start; their log says why.
    """
    folder = Path(tempfile.mkdtemp(prefix="rankkit-metrics-"))
    # Children read both while they import what they need: they have to be there before.
    os.environ[_METRICS_ENV] = str(folder)
    os.environ[CPUS_ENV] = str(max(1, available_cpus() // service.workers))
    try:
        _Supervisor(service, sock, on_ready).run()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(slots=True)
class _Worker:
    process: SpawnProcess
    ready: Event
    started: float = field(default_factory=time.monotonic)


class _Supervisor:
    def __init__(self, service: Service, sock: socket.socket, on_ready: Callable[[], None]) -> None:
        self._service = service
        self._sock = sock
        self._on_ready = on_ready
        self._context = multiprocessing.get_context("spawn")
        self._workers: list[_Worker] = []
        self._stopping = False

    def run(self) -> None:
        before = {one: signal.signal(one, self._stop) for one in (signal.SIGTERM, signal.SIGINT)}
        try:
            self._workers = [self._start() for _ in range(self._service.workers)]
            self._watch()
        finally:
            self._sock.close()  # those that connect now are refused; what the workers have accepted is answered
            self._end()
            for one, handler in before.items():
                signal.signal(one, handler)

    def _start(self) -> _Worker:
        ready = self._context.Event()
        process = self._context.Process(target=_work, args=(self._service, self._sock, ready), name="rankkit-server")
        process.start()
        return _Worker(process, ready)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True

    def _watch(self) -> None:
        announced = False
        while not self._stopping:
            wait([worker.process.sentinel for worker in self._workers], timeout=_LOOK_SECONDS)
            if not announced and all(worker.ready.is_set() for worker in self._workers):
                announced = True
                self._on_ready()
            self._replace_the_dead()

    def _replace_the_dead(self) -> None:
        for place, worker in enumerate(self._workers):
            code = worker.process.exitcode
            if code is None or self._stopping:
                continue
            if code == _CANNOT_START:
                raise BackendError("a worker cannot start", hint="The lines above say why.")
            logger.error("a worker ended with %s and is replaced", code)
            # Its requests are in flight no more.
            multiprocess.mark_process_dead(worker.process.pid)  # type: ignore[no-untyped-call]
            if time.monotonic() - worker.started < _PAUSE_SECONDS:
                time.sleep(_PAUSE_SECONDS)
            self._workers[place] = self._start()

    def _end(self) -> None:
        """Each has its grace, and is killed if that was not enough."""
        until = time.monotonic() + self._service.grace + 5.0
        for worker in self._workers:
            worker.process.terminate()
        for worker in self._workers:
            worker.process.join(max(0.0, until - time.monotonic()))
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()


def _work(service: Service, sock: socket.socket, ready: Event) -> None:
    set_up_logs(access=service.access_log)
    threading.Thread(target=_end_with_parent, name="rankkit-parent", daemon=True).start()
    try:
        run_here(service, sock, ready.set)
    except RankkitError as error:
        logger.error("%s: %s", type(error).__name__, error)
        sys.exit(_CANNOT_START)
    except KeyboardInterrupt:
        sys.exit(0)


def _end_with_parent() -> None:
    """A worker whose supervisor was killed must not keep the address."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)
