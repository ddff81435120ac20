"""The ``Reranker`` protocol, everything convenient around it, and the one that every judge and strategy make
together.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Generic, Literal, Protocol, TypeVar, runtime_checkable

from rankkit.errors import ConfigError
from rankkit.gates import DropAfter, DropAtGap, DropBelow, Gate
from rankkit.judge import Judge
from rankkit.plan import Plan, plan_on
from rankkit.questions import Question, Strategy
from rankkit.ranking import Query, Ranking, Request
from rankkit.runner import Account, OnError, OnProgress, OnReply, Runner
from rankkit.usage import Budget

if TYPE_CHECKING:
    from rankkit.cascade import Cascade

Q = TypeVar("Q", bound=Question)
A = TypeVar("A")


@runtime_checkable
class Reranker(Protocol):
    """All that a reranker must be. Any object with this method works wherever rankkit takes one."""

    def rank(self, request: Request) -> Ranking: ...


#: What a cascade does when a stage fails, which is explained at ``BaseReranker.on_failure``.
OnFailure = Literal["keep", "partial", "raise"]


class BaseReranker(ABC):
    """A ``Reranker`` with the conveniences. Subclasses write ``rank_accounted``, for many requests at once, and
    ``plan_accounted``.

    Rerankers are put together to a ``Cascade``, cheap and wide first, expensive and narrow last::

        cross_encoder.drop_after(20) >> duo.drop_after(5)     # 5 candidates come out
        cross_encoder >> duo.reorder_top(20)                  # all come out, the best 20 in duo's order
    """

    #: What it was loaded from (``rankkit.config``), where it was: no part of its value.
    spec: ClassVar[object | None] = None

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

    # -- putting rerankers together; the words are those of ``rankkit.cascade``

    def __rshift__(self, other: Reranker) -> Cascade:
        """``self >> other``: what comes out of ``self`` goes into ``other``."""
        return _in_a_row(self, other)

    def __rrshift__(self, other: Reranker) -> Cascade:
        """``other >> self`` where ``other`` has only ``rank``."""
        return _in_a_row(other, self)

    def reorder_top(self, k: int) -> Cascade:
        """Look at the best ``k`` of what comes in only; the tail stays behind them, in its order."""
        return _in_a_row(self).as_stage(top=k)

    def drop_after(self, k: int) -> Cascade:
        """Only the best ``k`` go on, whatever happened in the stage; the others are in ``Ranking.dropped``."""
        return _in_a_row(self).dropping(DropAfter(k))

    def drop_below(self, score: float) -> Cascade:
        """Only those scored ``score`` or more go on (in the unit of this reranker's scores)."""
        return _in_a_row(self).dropping(DropBelow(score))

    def drop_at_gap(self, *, least: int = 1) -> Cascade:
        """Only those before the largest drop in score go on, at least ``least`` of them."""
        return _in_a_row(self).dropping(DropAtGap(least))

    def skip_if(self, *gates: Gate) -> Cascade:
        """Do not run where one of the gates finds the query easy; the order that stands goes on (``rankkit.gates``)."""
        return _in_a_row(self).as_stage(gates=gates)

    def on_failure(self, policy: OnFailure | Reranker) -> Cascade:
        """What follows an error, a timeout or an exhausted budget; the ``Step`` tells it in every case.

        ``"keep"`` the order before the stage (which is what a cascade does if nothing else is said); ``"partial"``
        takes what the stage had come to when its budget or time ran out; ``"raise"`` the error (``BudgetExhausted``
        for a limit); or another reranker, to be run instead.
        """
        return _in_a_row(self).as_stage(on_failure=policy)

    def within(self, budget: Budget) -> Cascade:
        """Keep this stage within limits of its own, for each request, beside those of the whole ranking."""
        return _in_a_row(self).as_stage(budget=budget)


def _in_a_row(*rerankers: Reranker) -> Cascade:
    # A cascade is made of rerankers and is one itself, so each module needs the other; this one may come later.
    from rankkit.cascade import Cascade

    return Cascade.of(*rerankers)


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


@dataclass(frozen=True, repr=False, eq=False)
class JudgeReranker(BaseReranker, Generic[Q, A]):
    """A strategy that asks and a judge that answers. Two are equal if they give the same answers for the same money.

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

    def __eq__(self, other: object) -> bool:
        return isinstance(other, JudgeReranker) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash((type(self.judge), self.name, self.on_error))

    @property
    def _identity(self) -> tuple[object, ...]:
        judge = (type(self.judge), self.judge.name, dict(self.judge.fingerprints))
        return *judge, self.strategy, self.budget, self.on_error

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

    def plan_accounted(self, request: Request, account: Account) -> Plan:
        own = Account(self.budget, parent=account)
        return plan_on(self.judge, self.strategy, request, own, self.name)
