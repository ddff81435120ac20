"""Any function as a model: of texts it makes scores, a preference or an order, and rankkit does the rest.

::

    reranker = rankkit.from_function(lambda query, texts: [len(text) for text in texts], name="longest first")
    reranker.rerank("how long do fleas live?", documents)

It is then a reranker as all others are: in cascades, with budgets, plans, records and ``rank_many``.
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, ClassVar, Generic, Literal, TypeVar, get_args

from rankkit.core.judge import BoundQuestion, Call, Reply
from rankkit.core.limits import Gate
from rankkit.core.questions import Answer, Compare, Order, Outcome, Question, Score, Strategy
from rankkit.core.ranking import Request, ScoreKind
from rankkit.core.usage import Usage
from rankkit.core.workers import drive
from rankkit.errors import BackendError, ConfigError, ContractViolation, InvalidOutput, RankkitError, nearest
from rankkit.listwise.parsing.reply import Defect
from rankkit.listwise.strategies.sliding import Sliding
from rankkit.pairwise.strategies.heapsort import HeapSort
from rankkit.pipeline.judged import JudgeReranker
from rankkit.pointwise.strategy import ScoreAll

#: What the function answers: a score for each text, the probability that the first of two texts is the better, or the
#: positions of the texts, best first.
Answers = Literal["scores", "preference", "order"]

Q = TypeVar("Q", bound=Question)
A = TypeVar("A")

#: How many texts a scoring function is given at once.
_BATCH = 64


def from_function(  # noqa: PLR0913 - each says one thing about the function
    function: Callable[..., Any],
    *,
    answers: Answers = "scores",
    name: str = "",
    strategy: Strategy[Any, Any] | None = None,
    score_kind: ScoreKind = ScoreKind.RELEVANCE,
    batch: int = _BATCH,
    concurrency: int = 1,
    cost: float | None = None,
    version: str = "",
) -> JudgeReranker[Any, Any]:
    """A reranker that asks ``function``, which may be ``async``.

    With ``answers="scores"`` it is called as ``function(query, texts)`` with at most ``batch`` texts of one request and
    gives a finite number each, higher is better; with ``"preference"`` as ``function(query, first, second)``, and gives
    the probability that ``first`` is the more relevant (or a truth value); with ``"order"`` as
    ``function(query, texts)``, and gives positions counted from 0, best first. Positions that are left out follow in
    the order they had, and count as a defect.

    If it has a parameter ``instruction``, it is given the request's by that name; otherwise such a request is refused.
    ``concurrency`` is how many calls may run at once, ``cost`` what one costs, for budgets and bills. ``strategy``
    stands in place of the usual one (all scored; heapsort; sliding windows). What tells its answers from those of
    another function is ``name``, ``version`` and, without a version, its code; what it closes over is not seen.

    Raises:
        ConfigError: it is no function, or a value is out of range.
    """
    if not callable(function):
        raise ConfigError(f"{function!r:.80} cannot be called", hint="Give a function of a query and texts.")
    if answers not in get_args(Answers):
        raise ConfigError(f"answers is {answers!r}", hint=nearest(str(answers), get_args(Answers)))
    for what, number, least in (("batch", batch, 1), ("concurrency", concurrency, 1), ("cost", cost or 0, 0)):
        if not number >= least:
            raise ConfigError(f"{what} is {number}", hint=f"Give {least} or more.")
    kind, usual = _KINDS[answers]
    called = name or getattr(function, "__name__", type(function).__name__)
    judge = kind(function, called, version or _code_of(function), concurrency, cost, batch, score_kind)
    return JudgeReranker(judge, strategy or usual())


@dataclass(frozen=True)
class FunctionJudge(ABC, Generic[Q, A]):
    """A function in a judge's place. Subclasses say how it is called and what its answer means."""

    function: Callable[..., Any]
    called: str
    version: str
    concurrency: int
    cost: float | None
    batch: int
    kind: ScoreKind
    gate: Gate = field(init=False, repr=False, compare=False)

    question: ClassVar[str]

    def __post_init__(self) -> None:
        object.__setattr__(self, "gate", Gate(self.concurrency))

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in vars(self).items() if name not in ("gate", "takes_instruction")}

    def __setstate__(self, state: Mapping[str, object]) -> None:
        vars(self).update(state)
        self.__post_init__()

    @property
    def name(self) -> str:
        return self.called

    @property
    def fingerprints(self) -> Mapping[str, str]:
        return {"model": f"{self.called}@{self.version}", "question": self.question, "batch": str(self.batch)}

    @property
    def score_kind(self) -> ScoreKind | None:
        return None

    @cached_property
    def takes_instruction(self) -> bool:
        try:
            return "instruction" in inspect.signature(self.function).parameters
        except (TypeError, ValueError):  # built in, and without a signature
            return False

    def max_group_size(self, request: Request) -> int | None:
        return None

    def prepare(self, asked: Sequence[BoundQuestion[Q]]) -> Iterator[Call[A]]:
        for slots in self.groups(asked):
            items = [asked[slot] for slot in slots]
            ask = partial(self._asked, items)
            yield Call(slots, self._bill, partial(self._run, ask), ask if self.waits else None)

    @property
    def waits(self) -> bool:
        """Whether it is ``async``."""
        return any(map(inspect.iscoroutinefunction, (self.function, type(self.function).__call__)))

    def _run(self, ask: Callable[[], Coroutine[Any, Any, Sequence[Reply[A]]]]) -> Sequence[Reply[A]]:
        """On a thread, which has no event loop: an ``async`` function gets one for the call."""
        return asyncio.run(ask()) if self.waits else drive(ask())

    @property
    def _bill(self) -> Usage:
        return Usage(calls=1, cost=self.cost)

    async def _asked(self, items: Sequence[BoundQuestion[Q]]) -> Sequence[Reply[A]]:
        query = items[0].request.query
        said = {"instruction": query.instruction} if self.takes_instruction else {}
        try:
            given = self.function(query.text, *self.shown(items), **said)
            given = await given if self.waits else given
        except (RankkitError, ContractViolation):
            raise
        except Exception as error:
            raise BackendError(
                f"{self.called} failed with {type(error).__name__}: {error}", hint="The error is from its own code."
            ) from error
        answers = self.read(items, given)
        return [Reply(answer, self._bill if slot == 0 else Usage()) for slot, answer in enumerate(answers)]

    def groups(self, asked: Sequence[BoundQuestion[Q]]) -> Iterable[tuple[int, ...]]:
        """Which questions go into one call; one each, if nothing else is said."""
        return ((slot,) for slot in range(len(asked)))

    @abstractmethod
    def shown(self, items: Sequence[BoundQuestion[Q]]) -> Sequence[object]:
        """What the function is given behind the query."""

    @abstractmethod
    def read(self, items: Sequence[BoundQuestion[Q]], given: Any) -> Sequence[Answer[A]]:
        """An answer a question.

        Raises:
            InvalidOutput: what it gave is no such thing.
        """

    def wrong(self, seen: str, wanted: str) -> InvalidOutput:
        return InvalidOutput(f"{self.called} gave {seen}", hint=f"It must give {wanted}.")


class ScoringFunction(FunctionJudge[Score, float]):
    question = "score"

    @property
    def score_kind(self) -> ScoreKind:
        return self.kind

    def groups(self, asked: Sequence[BoundQuestion[Score]]) -> Iterable[tuple[int, ...]]:
        of_request: dict[int, list[int]] = {}
        for slot, item in enumerate(asked):
            of_request.setdefault(id(item.request), []).append(slot)
        for slots in of_request.values():
            yield from (tuple(slots[start : start + self.batch]) for start in range(0, len(slots), self.batch))

    def shown(self, items: Sequence[BoundQuestion[Score]]) -> Sequence[object]:
        return ([item.request.candidates[item.question.index].content for item in items],)

    def read(self, items: Sequence[BoundQuestion[Score]], given: Any) -> Sequence[Answer[float]]:
        scores = self._numbers(given)
        if len(scores) != len(items):
            raise self.wrong(f"{len(scores)} scores for {len(items)} texts", "one number a text, in their order")
        return [Answer(score) for score in scores]

    def _numbers(self, given: Any) -> list[float]:
        if isinstance(given, str | Mapping) or not isinstance(given, Iterable):
            raise self.wrong(f"a {type(given).__name__}", "a list of numbers")
        try:
            return [float(score) for score in given]
        except (TypeError, ValueError) as error:
            raise self.wrong(f"scores that are no numbers ({error})", "a list of numbers") from error


class PreferringFunction(FunctionJudge[Compare, float]):
    question = "compare"

    def shown(self, items: Sequence[BoundQuestion[Compare]]) -> Sequence[object]:
        return [items[0].request.candidates[index].content for index in items[0].question.indices]

    def read(self, items: Sequence[BoundQuestion[Compare]], given: Any) -> Sequence[Answer[float]]:
        try:
            share = float(given)
        except (TypeError, ValueError):
            raise self.wrong(f"{given!r:.60}", "a probability, or True for the first") from None
        if not 0.0 <= share <= 1.0:
            raise self.wrong(f"{share}", "a probability between 0 and 1")
        return [Answer(share)]


class OrderingFunction(FunctionJudge[Order, tuple[int, ...]]):
    question = "order"

    def shown(self, items: Sequence[BoundQuestion[Order]]) -> Sequence[object]:
        return ([items[0].request.candidates[index].content for index in items[0].question.indices],)

    def read(self, items: Sequence[BoundQuestion[Order]], given: Any) -> Sequence[Answer[tuple[int, ...]]]:
        indices = items[0].question.indices
        if isinstance(given, str | Mapping) or not isinstance(given, Iterable):
            raise self.wrong(f"a {type(given).__name__}", "a list of positions, counted from 0")
        listed = list(given)
        places = [_place(one) for one in listed]
        if wrong := [one for one, place in zip(listed, places, strict=True) if not 0 <= place < len(indices)]:
            raise self.wrong(f"the position {wrong[0]!r:.40}", f"positions from 0 to {len(indices) - 1}")
        named = list(dict.fromkeys(places))
        defects = tuple(
            str(defect.value)
            for defect, holds in (
                (Defect.REPEATED, len(named) < len(places)),
                (Defect.MISSING, len(named) < len(indices)),
            )
            if holds
        )
        if not named:
            return [Answer(None, Outcome.UNREADABLE, defects)]
        rest = [place for place in range(len(indices)) if place not in set(named)]
        order = tuple(indices[place] for place in (*named, *rest))
        return [Answer(order, Outcome.REPAIRED if defects else Outcome.OK, defects)]


def _place(value: object) -> int:
    """A position; -1 for what is none. Numpy's whole numbers are whole numbers."""
    try:
        number = value.__index__()  # type: ignore[attr-defined]
    except (AttributeError, TypeError):
        return -1
    return -1 if isinstance(value, bool) else int(number)


def _code_of(function: Callable[..., Any]) -> str:
    """12 hex digits over its code, as far as that can be seen."""
    inner = function
    while isinstance(inner, partial):
        inner = inner.func
    code = getattr(inner, "__code__", None) or getattr(type(inner).__call__, "__code__", None)
    seen = repr(type(inner)) if code is None else f"{code.co_code!r} {_constants(code)} {code.co_names}"
    return hashlib.sha256(seen.encode()).hexdigest()[:12]


def _constants(code: Any) -> str:
    """Those of functions inside it too, whose ``repr`` would hold an address."""
    parts = (f"{one.co_code!r} {_constants(one)}" if hasattr(one, "co_code") else repr(one) for one in code.co_consts)
    return ", ".join(parts)


_KINDS: Mapping[str, tuple[type[FunctionJudge[Any, Any]], Callable[[], Strategy[Any, Any]]]] = {
    "scores": (ScoringFunction, ScoreAll),
    "preference": (PreferringFunction, HeapSort),
    "order": (OrderingFunction, Sliding),
}
