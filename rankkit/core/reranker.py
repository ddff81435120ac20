"""The ``Reranker`` protocol, and everything convenient around it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Sequence, Sized
from contextlib import ExitStack, aclosing
from functools import partial
from itertools import islice
from types import TracebackType
from typing import Any, ClassVar, Protocol, Self, TypeVar, runtime_checkable

from rankkit.core.budgeting import Account
from rankkit.core.documents import OnEmpty
from rankkit.core.events import logger
from rankkit.core.execution import Execution, OnProgress
from rankkit.core.plan import Plan
from rankkit.core.printing import clip
from rankkit.core.ranking import Query, Ranking, Request, ScoreKind
from rankkit.core.step import THRESHOLD_LEFT_OUT, THRESHOLD_WITHOUT_SCORES
from rankkit.core.usage import Budget
from rankkit.core.workers import drive
from rankkit.errors import ConfigError, InputError, InstructionRefused

T = TypeVar("T")

#: How many requests go through a pipeline together where each stage takes them as one batch.
_TOGETHER = 64


@runtime_checkable
class Reranker(Protocol):
    """All that a reranker must be. Any object with this method works wherever rankkit takes one."""

    def rank(self, request: Request) -> Ranking: ...


@runtime_checkable
class Closeable(Protocol):
    """What holds memory, connections or threads until it is closed."""

    def close(self) -> None: ...


@runtime_checkable
class Composed(Protocol):
    """What names the objects that it is made of."""

    def children(self) -> Iterable[object]: ...


class AccountedReranker(ABC):
    """A ``Reranker`` that keeps accounts: it knows budgets, plans and progress. Subclasses write ``rank_accounted``,
    for many requests at once, and ``plan_accounted``; ``rankkit.BaseReranker`` adds how rerankers are put together.

    Every form of ranking takes the same keywords in the same meaning: ``top_k`` keeps the best so many, ``threshold``
    those with at least this score, ``budget`` limits each request by itself (``Budget.seconds`` from its first call,
    not while it waits for its turn), ``progress`` is called as the run goes on.
    """

    #: What it was loaded from (``rankkit.config``), where it was: no part of its value.
    spec: ClassVar[object | None] = None
    #: What builds an equal one elsewhere: by it a reranker is copied and sent to another process. Without it, by parts.
    rebuild: ClassVar[partial[Reranker] | None] = None
    #: Whether candidates come out with scores, if only with an earlier stage's; ``None`` where that is not known.
    leaves_scores: ClassVar[bool | None] = None

    @property
    def score_kind(self) -> ScoreKind | None:
        """What the scores mean that it gives each document by itself, whatever else is in the list; ``None`` where it
        gives none, they are of comparisons or put together, or nobody knows.
        """
        return None

    @property
    def zero_to_one(self) -> bool:
        """Whether these are a service's that promises numbers between 0 and 1 for the relevance of a document."""
        return False

    def children(self) -> tuple[Reranker, ...]:
        """The rerankers that this one is made of, in order; none for one that asks a judge."""
        return ()

    def planned_children(self) -> tuple[Reranker, ...]:
        """Those of the children that are asked if nothing fails, in order: what a plan counts."""
        return self.children()

    def resources(self) -> tuple[object, ...]:
        """What this one, its children aside, holds of models and servers; ``close`` closes those that can be."""
        return ()

    def refuses_instruction(self) -> str:
        """The name of whoever inside cannot follow a request's instruction; empty where all can, or nothing is known
        of them.
        """
        inside = (child.refuses_instruction() for child in self.children() if isinstance(child, AccountedReranker))
        return next(filter(None, inside), "")

    def details(self) -> dict[str, object]:
        """What ``describe`` says of this one, its children aside."""
        return {}

    def describe(self) -> dict[str, object]:
        """Names, limits and fingerprints of this reranker and its children as plain values, for logs and reports."""
        return _description(self)

    def close(self) -> None:
        """Give back the models' memory and the connections of this reranker and of all its children, each backend once
        though several share it. Again changes nothing. A closed model raises ``BackendError``; a server may be asked
        again.
        """
        held = [one for part in walk(self) for one in _closeable_of(part)]
        with ExitStack() as closing:  # which closes all of them though one of them fails
            for resource in {id(one): one for one in held}.values():
                closing.callback(resource.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __reduce_ex__(self, protocol: Any) -> str | tuple[Any, ...]:
        return super().__reduce_ex__(protocol) if self.rebuild is None else (self.rebuild, ())

    @abstractmethod
    async def rank_accounted(
        self, requests: Sequence[Request], accounts: Sequence[Account], execution: Execution
    ) -> list[Ranking]:
        """Rank each request and charge it to the account beside it. Stages of a cascade share accounts this way.

        It must wait for nothing but ``execution.workers`` (and other rerankers): then it runs with and without an event
        loop.
        """

    @abstractmethod
    def plan_accounted(self, request: Request, account: Account) -> Plan:
        """What ``rank_accounted`` would cost on this account, without paying for anything."""

    async def stream_accounted(
        self, pairs: Iterable[tuple[Request, Account]], execution: Execution, total: int | None
    ) -> AsyncGenerator[Ranking, None]:
        """``rank_accounted`` for requests that come from an iterator, a few at a time, in order."""
        coming = iter(pairs)
        while batch := list(islice(coming, _TOGETHER)):
            requests, accounts = zip(*batch, strict=True)
            for ranking in await self.rank_accounted(requests, accounts, execution):
                yield ranking

    def plan(self, request: Request, *, budget: Budget | None = None) -> Plan:
        """Calls, questions, token bounds and sequential rounds without paying for anything."""
        return self.plan_accounted(request, Account(budget))

    # -- for programs without an event loop

    def rank(
        self,
        request: Request,
        *,
        top_k: int | None = None,
        threshold: float | None = None,
        budget: Budget | None = None,
        progress: OnProgress | None = None,
    ) -> Ranking:
        refuse_threshold(self, threshold)
        one = self._rank_one(request, budget, Execution(progress))
        return cut(drive(one), top_k=top_k, threshold=threshold)

    def rerank(
        self,
        query: str | Query,
        documents: Iterable[object],
        *,
        top_k: int | None = None,
        threshold: float | None = None,
        budget: Budget | None = None,
        progress: OnProgress | None = None,
        on_empty: OnEmpty = "error",
        instruction: str = "",
    ) -> Ranking:
        """Rank plain Python values (see ``Candidate.of``). ``on_empty="skip"`` leaves out documents without a text, and
        counts them in ``Ranking.request.notes``. ``instruction`` says what counts beside the query.

        Raises:
            InstructionRefused: there is an instruction, and a model here that cannot follow one.
        """
        request = Request.of(query, documents, on_empty=on_empty, instruction=instruction)
        return self.rank(request, top_k=top_k, threshold=threshold, budget=budget, progress=progress)

    def rank_many(
        self,
        requests: Iterable[Request],
        *,
        top_k: int | None = None,
        threshold: float | None = None,
        budget: Budget | None = None,
        progress: OnProgress | None = None,
    ) -> list[Ranking]:
        """Rank many requests, their questions batched together. ``budget`` is for each of them."""
        many = self.iter_rank_many(requests, top_k=top_k, threshold=threshold, budget=budget, progress=progress)
        return list(many)

    def iter_rank_many(
        self,
        requests: Iterable[Request],
        *,
        top_k: int | None = None,
        threshold: float | None = None,
        budget: Budget | None = None,
        progress: OnProgress | None = None,
    ) -> Iterator[Ranking]:
        """``rank_many`` for any number of requests: they are taken as they are needed, and each ranking is given as
        soon as it and those before it are there.
        """
        refuse_threshold(self, threshold)
        rankings = self._stream(requests, budget, Execution(progress))
        try:
            while (ranking := drive(_next(rankings))) is not None:
                yield cut(ranking, top_k=top_k, threshold=threshold)
        finally:
            drive(_closed(rankings))

    # -- for programs with one

    async def rank_async(
        self,
        request: Request,
        *,
        top_k: int | None = None,
        threshold: float | None = None,
        budget: Budget | None = None,
        progress: OnProgress | None = None,
    ) -> Ranking:
        """``rank`` while the event loop goes on. When the task is cancelled, no further call is made and the one that
        runs is ended.
        """
        refuse_threshold(self, threshold)
        ranking = await self._rank_one(request, budget, Execution(progress, on_loop=True))
        return cut(ranking, top_k=top_k, threshold=threshold)

    async def rerank_async(
        self,
        query: str | Query,
        documents: Iterable[object],
        *,
        top_k: int | None = None,
        threshold: float | None = None,
        budget: Budget | None = None,
        progress: OnProgress | None = None,
        on_empty: OnEmpty = "error",
        instruction: str = "",
    ) -> Ranking:
        request = Request.of(query, documents, on_empty=on_empty, instruction=instruction)
        return await self.rank_async(request, top_k=top_k, threshold=threshold, budget=budget, progress=progress)

    async def rank_many_async(
        self,
        requests: Iterable[Request],
        *,
        top_k: int | None = None,
        threshold: float | None = None,
        budget: Budget | None = None,
        progress: OnProgress | None = None,
    ) -> list[Ranking]:
        many = self.iter_rank_many_async(requests, top_k=top_k, threshold=threshold, budget=budget, progress=progress)
        return [ranking async for ranking in many]

    async def iter_rank_many_async(
        self,
        requests: Iterable[Request],
        *,
        top_k: int | None = None,
        threshold: float | None = None,
        budget: Budget | None = None,
        progress: OnProgress | None = None,
    ) -> AsyncIterator[Ranking]:
        refuse_threshold(self, threshold)
        async with aclosing(self._stream(requests, budget, Execution(progress, on_loop=True))) as rankings:
            async for ranking in rankings:
                yield cut(ranking, top_k=top_k, threshold=threshold)

    # -- what both have in common

    async def _rank_one(self, request: Request, budget: Budget | None, execution: Execution) -> Ranking:
        account = Account(budget)
        self._accept(request)
        account.start()
        [ranking] = await self.rank_accounted([request], [account], execution)
        return ranking

    def _stream(
        self, requests: Iterable[Request], budget: Budget | None, execution: Execution
    ) -> AsyncGenerator[Ranking, None]:
        if not isinstance(requests, Iterable):
            raise InputError(
                f"requests are an iterable of Request, not {type(requests).__name__}",
                hint="Collect what comes asynchronously, or rank each with rank_async.",
            )
        total = len(requests) if isinstance(requests, Sized) else None
        accepted = ((self._accept(request), Account(budget)) for request in requests)
        return self.stream_accounted(accepted, execution, total)

    def _accept(self, request: Request) -> Request:
        """Refuse a request, before anything is paid for it, whose instruction somebody would drop."""
        if request.query.instruction and (name := self.refuses_instruction()):
            raise InstructionRefused(
                f"{name} cannot follow an instruction ({clip(request.query.instruction, 60)!r} was given)",
                hint="Take a language model and a prompt with $instruction, or have this stage leave it out "
                '(with_instruction(""), instruction = "").',
            )
        return request


async def _next(rankings: AsyncGenerator[Ranking, None]) -> Ranking | None:
    return await anext(rankings, None)


async def _closed(rankings: AsyncGenerator[Ranking, None]) -> None:
    await rankings.aclose()


def children_of(reranker: Reranker) -> tuple[Reranker, ...]:
    """What a reranker is made of. Of an object that has only ``rank`` nothing is known; one that has ``children`` too
    may mean other things than rerankers by it.
    """
    if isinstance(reranker, AccountedReranker):
        return reranker.children()
    if isinstance(reranker, type) or not isinstance(reranker, Composed):
        return ()
    return tuple(child for child in reranker.children() if isinstance(child, Reranker))


def walk(reranker: Reranker) -> Iterator[Reranker]:
    """The reranker and all inside it, fallbacks too, each before its children; one that stands twice comes once."""
    seen: set[int] = set()
    waiting = [reranker]
    while waiting:
        one = waiting.pop()
        if id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += reversed(children_of(one))


def walk_planned(reranker: Reranker) -> Iterator[Reranker]:
    """The reranker and all inside it that are asked if nothing fails, each before its children, in the order of a plan:
    one that stands twice comes twice.
    """
    yield reranker
    # One that has only ``rank`` is one stage of a plan, whatever is inside.
    for child in reranker.planned_children() if isinstance(reranker, AccountedReranker) else ():
        yield from walk_planned(child)


def _closeable_of(reranker: Reranker) -> list[Closeable]:
    """What a reranker holds itself; one of which only ``rank`` is known may close itself."""
    held = reranker.resources() if isinstance(reranker, AccountedReranker) else (reranker,)
    return [one for one in held if isinstance(one, Closeable)]


def _description(reranker: Reranker) -> dict[str, object]:
    known = isinstance(reranker, AccountedReranker)
    described: dict[str, object] = {"name": repr(reranker) if known else type(reranker).__name__}
    if isinstance(reranker, AccountedReranker):
        described |= reranker.details()
    inside = [_description(child) for child in children_of(reranker)]
    return described | ({"children": inside} if inside else {})


def refuse_threshold(reranker: Reranker, threshold: float | None) -> None:
    """Refuse, before anything is paid for, a threshold on what is known to give no scores.

    Raises:
        InputError: names what gives scores.
    """
    if threshold is not None and getattr(reranker, "leaves_scores", None) is False:
        raise InputError(
            f"a threshold of {threshold:g}, but {reranker!r} gives an order without scores",
            hint="Use top_k, or a method and strategy with scores.",
        )


def cut(ranking: Ranking, *, top_k: int | None, threshold: float | None) -> Ranking:
    """Cut at ``threshold``, then at ``top_k``. Whether a cascade's last order has scores can differ from query to query
    (a stage was skipped, or failed): where it has none of its own, or none at all for that reason, the threshold is
    left out, and the last step says so.
    """
    lost = ranking.scores is None and any(step.trouble or step.skipped for step in ranking.steps)
    if threshold is not None and (ranking.scores_from or lost):
        words = THRESHOLD_WITHOUT_SCORES if lost else THRESHOLD_LEFT_OUT
        logger.warning("a %s", words)
        ranking = ranking.noted(words)
    elif threshold is not None:
        ranking = ranking.above(threshold)
    return ranking if top_k is None else ranking.top(top_k)


def iter_rank_many(
    reranker: Reranker,
    requests: Iterable[Request],
    *,
    budget: Budget | None = None,
    progress: OnProgress | None = None,
) -> Iterator[Ranking]:
    """``iter_rank_many`` for any object with ``rank``; those that know no budget or progress are asked one by one.

    Raises:
        ConfigError: a budget is given that the reranker could not keep.
    """
    if isinstance(reranker, AccountedReranker):
        return reranker.iter_rank_many(requests, budget=budget, progress=progress)
    if budget is not None and not budget.unlimited:
        raise ConfigError(
            f"{type(reranker).__name__} has only rank(request): nothing would keep it within a budget",
            hint="Derive it from rankkit.BaseReranker, or leave the budget out.",
        )
    return map(reranker.rank, requests)


def rank_many(
    reranker: Reranker,
    requests: Iterable[Request],
    *,
    budget: Budget | None = None,
    progress: OnProgress | None = None,
) -> list[Ranking]:
    """``rank_many`` for any object with ``rank`` (see ``iter_rank_many``)."""
    return list(iter_rank_many(reranker, requests, budget=budget, progress=progress))
