"""The ``Reranker`` protocol, everything convenient around it, and the one that every judge and strategy make
together.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar, runtime_checkable

from rankkit.errors import ConfigError
from rankkit.judge import Judge
from rankkit.plan import Plan, plan_ranking
from rankkit.questions import Question, Strategy
from rankkit.ranking import Query, Ranking, Request
from rankkit.runner import Account, OnError, OnProgress, OnReply, Runner
from rankkit.usage import Budget

Q = TypeVar("Q", bound=Question)
A = TypeVar("A")


@runtime_checkable
class Reranker(Protocol):
    """All that a reranker must be. Any object with this method works wherever rankkit takes one."""

    def rank(self, request: Request) -> Ranking: ...


class BaseReranker(ABC):
    """A ``Reranker`` with the conveniences. Subclasses write ``rank_accounted``, for many requests at once."""

    @abstractmethod
    def rank_accounted(
        self, requests: Sequence[Request], accounts: Sequence[Account], progress: OnProgress | None
    ) -> list[Ranking]:
        """Rank each request and charge it to the account beside it. Stages of a cascade share accounts this way."""

    @abstractmethod
    def plan(self, request: Request, *, budget: Budget | None = None) -> Plan:
        """Tell calls, questions, token bounds and sequential rounds without paying for anything."""

    def rank(self, request: Request, *, budget: Budget | None = None, progress: OnProgress | None = None) -> Ranking:
        account = Account(budget)
        account.start()
        return self.rank_accounted([request], [account], progress)[0]

    def rank_many(
        self, requests: Sequence[Request], *, budget: Budget | None = None, progress: OnProgress | None = None
    ) -> list[Ranking]:
        """Rank many requests, their questions batched together. ``budget`` is for each of them."""
        return self.rank_accounted(requests, [Account(budget) for _ in requests], progress)

    def rerank(
        self,
        query: str | Query,
        documents: Sequence[object],
        *,
        top_k: int | None = None,
        threshold: float | None = None,
        budget: Budget | None = None,
    ) -> Ranking:
        """Rank plain Python values (see ``Candidate.of``), then cut at ``threshold`` and ``top_k`` where given."""
        return cut(self.rank(Request.of(query, documents), budget=budget), top_k=top_k, threshold=threshold)

    async def rank_async(self, request: Request, *, budget: Budget | None = None) -> Ranking:
        """``rank`` on a thread: the event loop goes on. Calls to one ONNX or GGUF model still share its CPUs."""
        return await asyncio.to_thread(self.rank, request, budget=budget)

    async def rerank_async(
        self,
        query: str | Query,
        documents: Sequence[object],
        *,
        top_k: int | None = None,
        threshold: float | None = None,
        budget: Budget | None = None,
    ) -> Ranking:
        return await asyncio.to_thread(self.rerank, query, documents, top_k=top_k, threshold=threshold, budget=budget)


def cut(ranking: Ranking, *, top_k: int | None, threshold: float | None) -> Ranking:
    if threshold is not None:
        ranking = ranking.above(threshold)
    return ranking if top_k is None else ranking.top(top_k)


def rank_many(
    reranker: Reranker,
    requests: Sequence[Request],
    *,
    budget: Budget | None = None,
    progress: OnProgress | None = None,
) -> list[Ranking]:
    """``rank_many`` for any object with ``rank``; those that know no budget or progress are asked one by one.

    Raises:
        ConfigError: a budget is given that the reranker could not keep.
    """
    if isinstance(reranker, BaseReranker):
        return reranker.rank_many(requests, budget=budget, progress=progress)
    if budget is not None and not budget.unlimited:
        raise ConfigError(
            f"{type(reranker).__name__} has only rank(request): nothing would keep it within a budget",
            hint="Derive it from rankkit.BaseReranker, or leave the budget out.",
        )
    return [reranker.rank(request) for request in requests]


@dataclass(frozen=True, repr=False)
class JudgeReranker(BaseReranker, Generic[Q, A]):
    """A strategy that asks and a judge that answers.

    ``on_error`` is what happens when a call fails: ``"raise"`` its error, or ``"keep"`` going without its answers,
    the first-stage order standing where nothing was learned, and the failure written into the ``Step``. ``budget`` is
    this stage's own, for each request.
    """

    judge: Judge[Q, A]
    strategy: Strategy[Q, A]
    budget: Budget = field(default_factory=Budget)
    on_error: OnError = "raise"
    on_reply: OnReply | None = None

    @property
    def name(self) -> str:
        return f"{self.strategy.name}({self.judge.name})"

    def __repr__(self) -> str:
        return self.name

    def rank_accounted(
        self, requests: Sequence[Request], accounts: Sequence[Account], progress: OnProgress | None
    ) -> list[Ranking]:
        own = [Account(self.budget, parent=account) for account in accounts]
        runner = Runner(
            self.judge,
            self.strategy,
            stage=self.name,
            on_error=self.on_error,
            progress=progress,
            on_reply=self.on_reply,
        )
        return runner.run(requests, own)

    def plan(self, request: Request, *, budget: Budget | None = None) -> Plan:
        return plan_ranking(self.judge, self.strategy, request, budget or self.budget, self.name)
