"""The rerankers of a server by their names: opened, warmed, chosen, closed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rankkit.core.ranking import Candidate, Query, Request
from rankkit.core.reranker import AccountedReranker, Reranker, walk
from rankkit.errors import ConfigError
from rankkit.server.problems import refused

#: What clients send that have to send some name: the default is meant.
_NO_NAME = ("", "default", "default/not-specified")
_WARMING = Request(Query("warm"), (Candidate("0", "warm"), Candidate("1", "cold")))

#: Opens a reranker, on a thread: ``partial(rankkit.load, "rerank.toml")``.
Opener = Callable[[], Reranker]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The reranker that a request gets. ``name`` is its own, ``echo`` what the reply calls it: as the client did."""

    name: str
    echo: str
    warnings: tuple[str, ...] = ()


class Served:
    """Rerankers by name, or what opens them; the first is the default.

    Raises:
        ConfigError: there is none.
    """

    def __init__(self, rerankers: Mapping[str, Reranker | Opener]) -> None:
        if not rerankers:
            raise ConfigError("there is nothing to serve", hint="Give a reranker: {name: reranker}.")
        self._given = dict(rerankers)
        self._rerankers = {name: one for name, one in rerankers.items() if isinstance(one, Reranker)}
        self._complete = asyncio.Event()
        if self.all_open:
            self._complete.set()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._given)

    @property
    def default(self) -> str:
        return self.names[0]

    @property
    def all_open(self) -> bool:
        return len(self._rerankers) == len(self._given)

    async def open(self) -> None:
        """Open what is not open yet, on a thread, and have those models run once.

        Raises:
            RankkitError: one of them cannot be opened.
        """
        for name, one in self._given.items():
            if not isinstance(one, Reranker):
                self._rerankers[name] = await asyncio.to_thread(one)
        await asyncio.to_thread(self._warm)
        self._complete.set()

    def _warm(self) -> None:
        """So that no client waits for what is done only once. Servers are left alone: they charge for it."""
        for reranker in self._opened():
            if not _asks_a_server(reranker):
                reranker.rank(_WARMING)

    def close(self) -> None:
        """Close what was opened here; what came open is its owner's."""
        for reranker in self._opened():
            reranker.close()

    def _opened(self) -> list[AccountedReranker]:
        """Those that were opened here."""
        pairs = [(one, self._rerankers.get(name)) for name, one in self._given.items()]
        return [found for one, found in pairs if found is not one and isinstance(found, AccountedReranker)]

    def choose(self, model: str | None) -> Chosen:
        """By the name in a body. Where one is served, it answers to every name, and says so.

        Raises:
            WireError: 404 for a name that none of several has; it lists them.
        """
        asked = model or ""
        if asked in self._given:
            return Chosen(asked, asked)
        if asked.strip() in _NO_NAME:
            return Chosen(self.default, asked or self.default)
        if len(self._given) > 1:
            words = f"no model {asked[:100]!r} is served here; there are: {', '.join(self.names)}"
            raise refused(404, "not_found", words, param="model")
        return Chosen(self.default, asked, (f"the model was {self.default!r}: no other is served here",))

    async def reranker(self, name: str, timeout: float) -> Reranker:
        """The one of that name, as soon as all are open.

        Raises:
            WireError: 503 where they are not within ``timeout`` seconds.
        """
        if not self._complete.is_set():
            try:
                async with asyncio.timeout(timeout):
                    await self._complete.wait()
            except TimeoutError as error:
                raise refused(503, "unavailable", "the models are still being loaded", retry=5) from error
        return self._rerankers[name]


def _asks_a_server(reranker: AccountedReranker) -> bool:
    parts = [part for part in walk(reranker) if isinstance(part, AccountedReranker)]
    modules = {type(held).__module__ for part in parts for held in part.resources()}
    return any(module.startswith(("rankkit.backends.openai", "rankkit.backends.rerank_api")) for module in modules)
