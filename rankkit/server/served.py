"""The rerankers of a server by their names, and how one ranks a request in the time that is left."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial

from rankkit.core.async_workers import AsyncWorkers
from rankkit.core.events import OnEvent, listening
from rankkit.core.limits import Gate
from rankkit.core.ranking import Query, Ranking, Request
from rankkit.core.reranker import AccountedReranker, Reranker
from rankkit.core.text import without_surrogates
from rankkit.core.usage import Budget
from rankkit.core.workers import Work, Workers
from rankkit.errors import ConfigError, RankkitError
from rankkit.server.exchange import WireRequest
from rankkit.server.problems import refused

#: What clients send that have to send some name: the default is meant.
_NO_NAME = ("", "default", "default/not-specified")
#: What a ranking may take beyond its time until it is ended from outside, in seconds: by itself it ends in time.
_PATIENCE = 1.0
#: Outcomes of questions that taught something.
_LEARNED = ("ok", "repaired")


@dataclass(frozen=True, slots=True)
class Chosen:
    """The reranker that a request gets. ``name`` is its own, ``echo`` what the reply calls it: as the client did."""

    name: str
    echo: str
    reranker: Reranker
    warnings: tuple[str, ...] = ()


class Served:
    """Rerankers by name; the first is the default. Objects that have only ``rank`` run on ``threads`` threads at most.

    Raises:
        ConfigError: there is none.
    """

    def __init__(self, rerankers: Mapping[str, Reranker], *, threads: int, on_event: OnEvent | None = None) -> None:
        if not rerankers:
            raise ConfigError("there is nothing to serve", hint="Give a reranker: {name: reranker}.")
        self._rerankers = dict(rerankers)
        self._gate = Gate(threads)
        self._on_event = on_event

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._rerankers)

    @property
    def default(self) -> str:
        return self.names[0]

    def __getitem__(self, name: str) -> Reranker:
        return self._rerankers[name]

    def choose(self, model: str | None) -> Chosen:
        """By the name in a body. Where one is served, it answers to every name, and says so.

        Raises:
            WireError: 404 for a name that none of several has; it lists them.
        """
        if model in self._rerankers:
            return Chosen(model, model, self._rerankers[model])
        asked = model or ""
        if asked.strip() in _NO_NAME:
            return Chosen(self.default, asked or self.default, self._rerankers[self.default])
        if len(self._rerankers) > 1:
            words = f"no model {asked[:100]!r} is served here; there are: {', '.join(self.names)}"
            raise refused(404, "not_found", words, param="model")
        other = f"the model was {self.default!r}: no other is served here"
        return Chosen(self.default, asked, self._rerankers[self.default], (other,))

    async def warm(self) -> None:
        """Have each model on this machine run once, so that no client waits for what is done only once."""

    async def rank(self, reranker: Reranker, request: Request, seconds: float) -> Ranking:
        """Rank in ``seconds`` at most: then the best order so far.

        Raises:
            WireError: 504 where nothing at all was scored in this time.
        """
        with listening(self._on_event) if self._on_event else nullcontext():
            try:
                async with asyncio.timeout(seconds + _PATIENCE):
                    ranking = await self._rank(reranker, request, seconds)
            except TimeoutError as error:
                raise _out_of_time() from error
        if ranking.order and _learned_nothing(ranking):
            raise _out_of_time()
        return ranking

    async def _rank(self, reranker: Reranker, request: Request, seconds: float) -> Ranking:
        if isinstance(reranker, AccountedReranker):
            return await reranker.rank_async(request, budget=Budget(seconds=seconds))
        async with asyncio.timeout(seconds):  # nothing is known of it but that it can be waited for
            return await self._rank_on_thread(reranker, request)

    async def _rank_on_thread(self, reranker: Reranker, request: Request) -> Ranking:
        workers: Workers[str, Ranking]
        async with AsyncWorkers[str, Ranking](1) as workers:
            # The place is held by the thread, which may be inside long after nobody waits for it any more.
            workers.submit("rank", Work(partial(reranker.rank, request), gate=self._gate))
            [(_, outcome)] = await workers.collect(None)
        if isinstance(outcome, RankkitError):
            raise outcome
        return outcome


@dataclass(frozen=True, slots=True)
class Sorted:
    """What of a body is ranked: the documents that have a text, each with its place in the body; the places of those
    that have none; and what has to be said of it.
    """

    request: Request
    places: Sequence[int]
    without_text: Sequence[int]
    warnings: tuple[str, ...] = ()


def request_of(wire: WireRequest) -> Sorted:
    """Raises:
    InputError: the query is empty.
    """
    query = Query(without_surrogates(wire.query), instruction=without_surrogates(wire.instruction or ""))
    texts, shortened = _first_words(wire.documents, wire.max_tokens_per_doc)
    places = [place for place, text in enumerate(texts) if text.strip()]
    documents = [{"id": str(place), "text": texts[place]} for place in places]
    words = f"max_tokens_per_doc is counted in words here: {shortened} documents were cut"
    without_text = sorted(set(range(len(texts))).difference(places))
    return Sorted(Request.of(query, documents), places, without_text, (words,) if shortened else ())


def _first_words(texts: Sequence[str], most: int | None) -> tuple[Sequence[str], int]:
    """A word is a token or several, so no more is cut than was asked for; what a model cannot read it cuts itself."""
    if not most:
        return texts, 0
    ends = [_end_of_word(text, most) if len(text) > most else len(text) for text in texts]
    cut = sum(end < len(text.rstrip()) for end, text in zip(ends, texts, strict=True))
    return [text[:end] for end, text in zip(ends, texts, strict=True)], cut


def _end_of_word(text: str, number: int) -> int:
    """Where the word with this number ends, or the text."""
    found = next(itertools.islice(re.finditer(r"\S+", text), number - 1, None), None)
    return len(text) if found is None else found.end()


def _learned_nothing(ranking: Ranking) -> bool:
    """Whether time ran out before any question was answered."""
    late = any(step.late for step in ranking.steps)
    return late and not any(step.outcomes.get(outcome) for step in ranking.steps for outcome in _LEARNED)


def _out_of_time() -> Exception:
    return refused(504, "deadline", "the time of this request was over before anything was scored")
