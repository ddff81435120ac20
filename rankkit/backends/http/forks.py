"""What holds locks, threads or connections starts anew in a forked child, where those of the parent are of no use."""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Forkable(Protocol):
    def start_anew(self) -> None:
        """Forget threads, locks and connections of the parent without touching them."""


_all: weakref.WeakSet[Forkable] = weakref.WeakSet()


def anew_in_children(thing: Forkable) -> None:
    """Have ``start_anew`` called in each child that is forked while ``thing`` lives."""
    _all.add(thing)


def _after_fork() -> None:
    for thing in list(_all):
        thing.start_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
