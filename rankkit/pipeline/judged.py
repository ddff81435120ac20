"""The reranker that a judge and a strategy make together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from rankkit.core.budgeting import Account
from rankkit.core.judge import Judge
from rankkit.core.plan import Plan, plan_on
from rankkit.core.questions import Question, Strategy
from rankkit.core.ranking import Ranking, Request
from rankkit.core.runner import OnError, OnProgress, OnReply, Runner
from rankkit.core.usage import Budget
from rankkit.pipeline.cascade import BaseReranker

Q = TypeVar("Q", bound=Question)
A = TypeVar("A")


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
