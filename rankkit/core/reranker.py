"""The ``Reranker`` protocol, and everything convenient around it."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Protocol, runtime_checkable

from rankkit.core.budgeting import Account
from rankkit.core.plan import Plan
from rankkit.core.ranking import Query, Ranking, Request
from rankkit.core.runner import OnProgress
from rankkit.core.usage import Budget
from rankkit.errors import ConfigError


@runtime_checkable
class Reranker(Protocol):
    """All that a reranker must be. Any object with this method works wherever rankkit takes one."""

    def rank(self, request: Request) -> Ranking: ...


class AccountedReranker(ABC):
    """A ``Reranker`` that keeps accounts: it knows budgets, plans and progress. Subclasses write ``rank_accounted``,
    for many requests at once, and ``plan_accounted``; ``rankkit.BaseReranker`` adds how rerankers are put together.
    """

    #: What it was loaded from (``rankkit.config``), where it was: no part of its value.
    spec: ClassVar[object | None] = None

    def children(self) -> tuple[Reranker, ...]:
        """The rerankers that this one is made of, in order; none for one that asks a judge."""
        return ()

    @abstractmethod
    def rank_accounted(
        self, requests: Sequence[Request], accounts: Sequence[Account], progress: OnProgress | None
    ) -> list[Ranking]:
        """Rank each request and charge it to the account beside it. Stages of a cascade share accounts this way."""

    @abstractmethod
    def plan_accounted(self, request: Request, account: Account) -> Plan:
        """Tell what ``rank_accounted`` would cost on this account, without paying for anything."""

    def plan(self, request: Request, *, budget: Budget | None = None) -> Plan:
        """Tell calls, questions, token bounds and sequential rounds without paying for anything."""
        return self.plan_accounted(request, Account(budget))

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


def children_of(reranker: Reranker) -> tuple[Reranker, ...]:
    """What a reranker is made of. Of an object that has only ``rank`` nothing is known."""
    return reranker.children() if isinstance(reranker, AccountedReranker) else ()


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
    if isinstance(reranker, AccountedReranker):
        return reranker.rank_many(requests, budget=budget, progress=progress)
    if budget is not None and not budget.unlimited:
        raise ConfigError(
            f"{type(reranker).__name__} has only rank(request): nothing would keep it within a budget",
            hint="Derive it from rankkit.AccountedReranker, or leave the budget out.",
        )
    return [reranker.rank(request) for request in requests]
