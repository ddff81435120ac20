"""A reranker's place in a cascade."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from rankkit.core.gates import Cut, Gate, Situation, check_depth
from rankkit.core.reranker import AccountedReranker, Reranker
from rankkit.core.usage import Budget
from rankkit.errors import ConfigError
from rankkit.pipeline.parts import name_of

#: What a cascade does when a stage fails, which is explained at ``BaseReranker.on_failure``.
OnFailure = Literal["keep", "partial", "raise"]


@dataclass(frozen=True, repr=False)
class Stage:
    """A reranker, and what holds for it here. The fields are explained at the methods of ``BaseReranker`` that set
    them: ``reorder_top``, ``drop_after`` and its like, ``skip_if``, ``on_failure`` and ``with_budget``.
    """

    reranker: Reranker
    top: int | None = None
    cuts: tuple[Cut, ...] = ()
    gates: tuple[Gate, ...] = ()
    on_failure: OnFailure | Reranker = "keep"
    budget: Budget = field(default_factory=Budget)
    instruction: str | None = None

    def __post_init__(self) -> None:
        if self.top is not None:
            check_depth("reorder_top", self.top)
        if not _ranks(self.reranker):
            raise ConfigError(
                f"a stage is a reranker, not {self.reranker!r:.80}", hint="Give any object with rank(request)."
            )
        policies = get_args(OnFailure)
        if self.on_failure not in policies if isinstance(self.on_failure, str) else not _ranks(self.on_failure):
            raise ConfigError(
                f"on_failure is {self.on_failure!r:.80}",
                hint=f"Give one of {', '.join(map(repr, policies))}, or a reranker to be run instead.",
            )
        if self.instruction and (name := self.refuses_instruction(given=True)):
            raise ConfigError(
                f"{name} cannot follow an instruction ({self.instruction[:60]!r})",
                hint="Take a language model and a prompt with $instruction.",
            )

    @property
    def name(self) -> str:
        return name_of(self.reranker)

    @property
    def fallback(self) -> Reranker | None:
        """What is run instead when this stage fails."""
        return None if isinstance(self.on_failure, str) else self.on_failure

    @property
    def is_plain(self) -> bool:
        """Whether nothing is said but the reranker."""
        said = self.top, self.cuts, self.gates, self.on_failure, self.budget, self.instruction
        return said == (None, (), (), "keep", Budget(), None)

    def refuses_instruction(self, *, given: bool) -> str:
        """Who here cannot follow an instruction, if one comes here, which may be this stage's own."""
        comes = given if self.instruction is None else bool(self.instruction)
        inside = (one for one in (self.reranker, self.fallback) if isinstance(one, AccountedReranker))
        return next(filter(None, (one.refuses_instruction() for one in inside)), "") if comes else ""

    def skip_reason(self, situation: Situation) -> str:
        """Why the first of its gates that holds would skip it, or ``""``."""
        reasons = (gate.reason(situation) for gate in self.gates)
        return next((reason for reason in reasons if reason), "")

    def gates_without_scores(self, situation: Situation) -> Sequence[Gate]:
        """The gates that cannot decide without scores."""
        return [] if situation.scores else [gate for gate in self.gates if gate.needs_scores]

    def __repr__(self) -> str:
        words = [f"reorder_top({self.top})"] if self.top is not None else []
        words += map(repr, self.cuts)
        words += [f"skip_if({', '.join(map(repr, self.gates))})"] if self.gates else []
        if self.on_failure != "keep":
            words.append(f"on_failure({name_of(self.fallback) if self.fallback else repr(self.on_failure)})")
        limits = [f"{name}={getattr(self.budget, name)}" for name in _LIMITS if getattr(self.budget, name) is not None]
        words += [f"with_budget(Budget({', '.join(limits)}))"] if limits else []
        words += [f"with_instruction({self.instruction!r})"] if self.instruction is not None else []
        name = f"({self.name})" if words and " >> " in self.name else self.name
        return ".".join([name, *words])


_LIMITS = ("questions", "calls", "tokens", "seconds", "cost")


def _ranks(value: object) -> bool:
    """A class has ``rank`` too, but only its objects are rerankers."""
    return isinstance(value, Reranker) and not isinstance(value, type)
