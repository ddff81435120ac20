"""Models that several rerankers, built one after another, share: a sweep changes a window, and opens no model anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any

from rankkit.core.judge import Backed, Judge
from rankkit.core.reranker import Closeable

_current: ContextVar[SharedJudges | None] = ContextVar("rankkit_shared_judges", default=None)


class SharedJudges:
    """Judges by what they were built from. They are closed here, not by the rerankers that they are parts of::

        shared = SharedJudges()
        for spec in specs:
            with shared.building():
                reranker = spec.build()
            ...
            shared.close_unused()  # those that the last one had no use for
        shared.close()

    One thread at a time uses it.
    """

    def __init__(self) -> None:
        self._judges: dict[str, Judge[Any, Any]] = {}
        self._used: set[str] = set()

    def __len__(self) -> int:
        return len(self._judges)

    @contextmanager
    def building(self) -> Iterator[None]:
        """Specs that are built inside take their judges from here."""
        self._used = set()
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)

    def of(self, key: str, build: Callable[[], Judge[Any, Any]]) -> Judge[Any, Any]:
        """The judge of this key, built if it is not there."""
        self._used.add(key)
        if key not in self._judges:
            token = _current.set(None)  # a judge inside of it lives and ends with it
            try:
                self._judges[key] = build()
            finally:
                _current.reset(token)
        return self._judges[key]

    def close_unused(self) -> None:
        """Close what the reranker that was built last has no part of."""
        self._close([key for key in self._judges if key not in self._used])

    def close(self) -> None:
        self._close(list(self._judges))

    def _close(self, keys: list[str]) -> None:
        with ExitStack() as closing:  # which closes all of them though one of them fails
            for key in keys:
                judge = self._judges.pop(key)
                for held in (judge, judge.backend if isinstance(judge, Backed) else None):
                    if isinstance(held, Closeable):
                        closing.callback(held.close)


def shared_judges() -> SharedJudges | None:
    """Those that are shared here and now; ``None`` where each reranker has its own."""
    return _current.get()
