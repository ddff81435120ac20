"""One request, ranked by one reranker in the time that is left: by itself, in no batch with others.

Encoders of rankkit run each input as if it were alone, so requests that shared a batch would gain nothing. What they
share is the backend, whose gate (``core.limits``) lets the calls of all of them in by turns.
"""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from functools import partial

from rankkit.core.async_workers import AsyncWorkers
from rankkit.core.events import OnEvent, listening
from rankkit.core.limits import Gate
from rankkit.core.ranking import Ranking, Request
from rankkit.core.reranker import AccountedReranker, Reranker
from rankkit.core.usage import Budget
from rankkit.core.workers import Work, Workers
from rankkit.errors import RankkitError
from rankkit.server.exchange import WireError
from rankkit.server.problems import refused

#: What a ranking may take beyond its time until it is ended from outside, in seconds: by itself it ends in time.
_PATIENCE = 1.0
#: Outcomes of questions that taught something.
_LEARNED = ("ok", "repaired")


class Ranker:
    """Objects that have only ``rank`` run on ``threads`` threads at most. ``on_event`` hears of every ranking."""

    def __init__(self, *, threads: int, on_event: OnEvent | None = None) -> None:
        self._gate = Gate(threads)
        self._on_event = on_event

    async def rank(self, reranker: Reranker, request: Request, seconds: float) -> Ranking:
        """Rank in ``seconds`` at most: then the best order so far. When the task is cancelled, no further call is made.

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


def _learned_nothing(ranking: Ranking) -> bool:
    """Whether time ran out before any question was answered."""
    late = any(step.late for step in ranking.steps)
    return late and not any(step.outcomes.get(outcome) for step in ranking.steps for outcome in _LEARNED)


def _out_of_time() -> WireError:
    return refused(504, "deadline", "the time of this request was over before anything was scored")
