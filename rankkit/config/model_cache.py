"""The rerankers that ``rankkit.rerank`` keeps loaded from call to call."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rankkit.pipeline.cascade import BaseReranker


@dataclass(eq=False)
class _Entry:
    key: str
    reranker: BaseReranker | None = None
    users: int = 0
    #: No longer in the cache: closed when its last user is done.
    retired: bool = False
    loading: threading.Lock = field(default_factory=threading.Lock)


class RerankerCache:
    """At most ``size`` rerankers, the least recently used making way. Safe to share between threads: those that want
    the same one at once wait for the first of them to load it.

    What makes way, or is cleared, is closed as soon as nobody uses it; until then it exists beside the ``size``.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._entries: OrderedDict[str, _Entry] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    @contextmanager
    def borrowed(self, key: str, build: Callable[[], BaseReranker]) -> Iterator[BaseReranker]:
        """The reranker of this key, built if it is not there. If building fails, who waited for it tries again."""
        with self._lock:
            entry = self._entries.setdefault(key, _Entry(key))
            self._entries.move_to_end(key)
            entry.users += 1
            idle = self._retire(max(0, len(self._entries) - self._size))
        try:
            _close(idle)
            with entry.loading:
                if entry.reranker is None:
                    entry.reranker = build()
            yield entry.reranker
        finally:
            self._give_back(entry)

    def clear(self) -> None:
        """Empty the cache. What is in use is closed when its call ends."""
        with self._lock:
            idle = self._retire(len(self._entries))
        _close(idle)

    def _retire(self, count: int) -> list[_Entry]:
        """Take the oldest out of the cache; those that nobody uses are to be closed by the caller."""
        taken = [self._entries.popitem(last=False)[1] for _ in range(count)]
        for entry in taken:
            entry.retired = True
        return [entry for entry in taken if not entry.users]

    def _give_back(self, entry: _Entry) -> None:
        with self._lock:
            entry.users -= 1
            if entry.users:
                return
            if entry.reranker is None and not entry.retired:  # it could not be built
                del self._entries[entry.key]
            unused = entry.retired
        if unused:
            _close([entry])


def _close(entries: list[_Entry]) -> None:
    for entry in entries:
        if entry.reranker is not None:
            entry.reranker.close()
