"""A long command that ends before it is done says how to go on."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import TypeVar

from rankkit.cli.output import remark
from rankkit.errors import RankkitError

Event = TypeVar("Event")

#: What ends a command beside Ctrl-C, where the system has it: ``kill``, a batch system's time limit, a terminal that
#: was closed.
_ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


@dataclass
class GoingOn:
    """Whether anything was ranked that is in the run store."""

    ranked: bool = False

    def watched(self, progress: Callable[[Event], None]) -> Callable[[Event], None]:
        def advance(event: Event) -> None:
            self.ranked = True
            progress(event)

        return advance


@contextmanager
def says_how_to_go_on() -> Iterator[GoingOn]:
    """Around what goes on by the same command: whoever ends it, or an error that does, is followed by these words.

    SIGTERM and SIGHUP end the command as Ctrl-C does, with exit code 128 and their number.
    """
    going = GoingOn()
    with _ended_by_signals():
        try:
            yield going
        except (KeyboardInterrupt, SystemExit):
            _say()
            raise
        except RankkitError:
            if going.ranked:
                _say()
            raise


def _say() -> None:
    remark("What is ranked so far is in the run store: the same command goes on from there.", style="yellow")


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():  # where Python lets nobody handle signals
        yield
        return
    before = {number: signal.signal(number, _end) for number in _ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
