"""The reranker that a judge and a strategy make together."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Generic, TypeVar

from rankkit.core.budgeting import Account
from rankkit.core.execution import Execution
from rankkit.core.judge import Backed, Gated, Judge
from rankkit.core.limits import Gate
from rankkit.core.plan import Plan, plan_on
from rankkit.core.questions import Question, ScoresEach, Strategy
from rankkit.core.ranking import Ranking, Request, ScoreKind
from rankkit.core.runner import OnCallFailure, OnReply, Runner
from rankkit.core.usage import Budget
from rankkit.pipeline.cascade import BaseReranker

Q = TypeVar("Q", bound=Question)
A = TypeVar("A")


@dataclass(frozen=True, repr=False, eq=False)
class JudgeReranker(BaseReranker, Generic[Q, A]):
    """A strategy that asks and a judge that answers. Two are equal if they give the same answers at the same cost.

    ``on_call_failure`` is what follows a call that failed: ``"raise"`` its error, or go on without its answers (a
    ``"partial"`` result), the first-stage order standing where nothing was learned, and the failure written into the
    ``Step``. ``budget`` is this stage's own, for each request.
    """

    judge: Judge[Q, A]
    strategy: Strategy[Q, A]
    budget: Budget = field(default_factory=Budget)
    on_call_failure: OnCallFailure = "raise"
    on_reply: OnReply | None = None
    #: What the model was trained on, as far as that is known (``"en"``): text of another script gets a note.
    languages: tuple[str, ...] = field(default=(), compare=False)
    #: The backend's own, or one for all runs of this reranker where the backend has none.
    _gate: Gate = field(init=False, compare=False)

    def __post_init__(self) -> None:
        gate = self.judge.gate if isinstance(self.judge, Gated) else Gate(self.judge.concurrency)
        object.__setattr__(self, "_gate", gate)

    @property
    def name(self) -> str:
        return f"{self.strategy.name}({self.judge.name})"

    def __repr__(self) -> str:
        return self.name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, JudgeReranker) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash((type(self.judge), self.name, self.on_call_failure))

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in vars(self).items() if name != "_gate"}

    def __setstate__(self, state: Mapping[str, object]) -> None:
        vars(self).update(state)
        self.__post_init__()  # the gate is that of the backend which was made anew

    def resources(self) -> tuple[object, ...]:
        """The judge's backend, and the judge if that is what can be closed."""
        return (self.judge, *((self.judge.backend,) if isinstance(self.judge, Backed) else ()))

    @property
    def score_kind(self) -> ScoreKind | None:
        return self.strategy.kind_of(self.judge.score_kind) if isinstance(self.strategy, ScoresEach) else None

    @property
    def zero_to_one(self) -> bool:
        return bool(getattr(self.judge, "zero_to_one", False))

    def refuses_instruction(self) -> str:
        return "" if getattr(self.judge, "takes_instruction", False) else self.name

    def details(self) -> dict[str, object]:
        limits = {name: value for name, value in asdict(self.budget).items() if value is not None}
        said: dict[str, object] = {"judge": self.judge.name, "strategy": self.strategy.name}
        said |= {"fingerprints": dict(self.judge.fingerprints), "on_failure": self.on_call_failure}
        return said | ({"budget": limits} if limits else {})

    @property
    def _identity(self) -> tuple[object, ...]:
        judge = (type(self.judge), self.judge.name, dict(self.judge.fingerprints))
        return *judge, self.strategy, self.budget, self.on_call_failure

    async def rank_accounted(
        self, requests: Sequence[Request], accounts: Sequence[Account], execution: Execution
    ) -> list[Ranking]:
        own = [Account(self.budget, parent=account) for account in accounts]
        return await self._runner(execution).run(requests, own)

    def stream_accounted(
        self, pairs: Iterable[tuple[Request, Account]], execution: Execution, total: int | None
    ) -> AsyncGenerator[Ranking, None]:
        own = ((request, Account(self.budget, parent=account)) for request, account in pairs)
        return self._runner(execution).stream(own, total=total)

    def _runner(self, execution: Execution) -> Runner[Q, A]:
        return Runner(
            self.judge,
            self.strategy,
            stage=self.name,
            execution=execution,
            on_failure=self.on_call_failure,
            on_reply=self.on_reply,
            gate=self._gate,
            languages=self.languages,
        )

    def plan_accounted(self, request: Request, account: Account) -> Plan:
        own = Account(self.budget, parent=account)
        return plan_on(self.judge, self.strategy, request, own, self.name)
