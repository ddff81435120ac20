"""Test doubles and the contract that every reranker must keep, for rankkit's own tests and for those of your rerankers.

::

    from rankkit.testing import check_reranker

    def test_my_reranker() -> None:
        check_reranker(MyReranker())
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from rankkit.backends.protocols import Continuations, Generated, Permuted
from rankkit.core.judge import BoundQuestion, Call, Reply
from rankkit.core.questions import Answer, Choose, Compare, Order, Question, Score
from rankkit.core.ranking import Candidate, Query, Ranking, Request, ScoreKind
from rankkit.core.reranker import Reranker
from rankkit.core.usage import Budget, Usage
from rankkit.errors import ContractViolation, DuplicateIds
from rankkit.pipeline.cascade import BaseReranker
from rankkit.prompting.template import Prompt

Q = TypeVar("Q", bound=Question)
A = TypeVar("A")


def request_of(relevance: Sequence[float], query: str = "the query") -> Request:
    """A request whose candidate ``i`` is worth ``relevance[i]`` to ``OracleJudge``, in this first-stage order."""
    candidates = (
        Candidate(id=f"d{index}", text=f"document {index}", metadata={"relevance": worth})
        for index, worth in enumerate(relevance)
    )
    return Request(Query(query), tuple(candidates))


@dataclass(frozen=True)
class ScriptedJudge(Generic[Q, A]):
    """Answers by a function of yours, ``batch`` questions a call, so that faults and odd answers can be had on demand.

    The function may raise a ``RankkitError``: the call then fails with it.
    """

    answer: Callable[[BoundQuestion[Q]], Answer[A]]
    batch: int = 1
    name: str = "scripted"
    score_kind: ScoreKind | None = None
    concurrency: int = 1
    limit: int | None = None
    fingerprints: Mapping[str, str] = field(default_factory=lambda: {"model": "scripted"})
    cost: Usage = field(default_factory=lambda: Usage(calls=1, input_tokens=10, output_tokens=1))

    def max_group_size(self, request: Request) -> int | None:
        return self.limit

    def prepare(self, asked: Sequence[BoundQuestion[Q]]) -> Iterable[Call[A]]:
        for start in range(0, len(asked), self.batch):
            part = asked[start : start + self.batch]
            slots = tuple(range(start, start + len(part)))
            yield Call(slots, self.cost, lambda part=part: self._replies(part))  # type: ignore[misc]

    def _replies(self, part: Sequence[BoundQuestion[Q]]) -> list[Reply[A]]:
        answers = [self.answer(asked) for asked in part]
        return [Reply(answer, self.cost if slot == 0 else Usage()) for slot, answer in enumerate(answers)]


def oracle(
    kind: ScoreKind | None = ScoreKind.RELEVANCE, *, batch: int = 1, limit: int | None = None
) -> ScriptedJudge[Question, object]:
    """A judge that is always right: it reads each candidate's ``metadata["relevance"]``. Ties keep the order."""
    return ScriptedJudge(_truth, batch=batch, name="oracle", score_kind=kind, limit=limit)


def _truth(asked: BoundQuestion[Question]) -> Answer[object]:
    def worth(index: int) -> float:
        value = asked.request.candidates[index].metadata["relevance"]
        return float(value)  # type: ignore[arg-type]

    match asked.question:
        case Score(index):
            return Answer(worth(index))
        case Compare(first, second):
            return Answer(0.5 if worth(first) == worth(second) else float(worth(first) > worth(second)))
        case Order(indices):
            return Answer(tuple(sorted(indices, key=lambda index: (-worth(index), index))))
        case Choose(indices):
            return Answer(min(indices, key=lambda index: (-worth(index), index)))


@dataclass(frozen=True)
class ScriptedModel:
    """A language model that says what you tell it to, with every capability; a token is a word.

    ``say`` gives the text for a prompt, or a whole ``Generated`` (to be cut off, or to refuse); it may raise an error.
    ``worth`` gives the log-probability of a continuation, ``None`` for one that is not shown.
    """

    say: Callable[[Prompt], str | Generated] = lambda prompt: ""
    worth: Callable[[Prompt, str], float | None] = lambda prompt, text: 0.0
    context_length: int | None = None
    concurrency: int = 1
    name: str = "scripted model"
    fingerprint: str = "scripted"
    thinking_tokens: int = 0

    def count_tokens(self, prompt: Prompt) -> int:
        return len(words_of(prompt).split())

    def price(self, *, input_tokens: int, output_tokens: int) -> float | None:
        return None

    def generate(self, prompt: Prompt, *, max_tokens: int, stop: Sequence[str] = ()) -> Generated:
        said = self.say(prompt)
        generated = Generated(said) if isinstance(said, str) else said
        return replace(generated, usage=self._bill(prompt, generated.text))

    def score_continuations(self, prompt: Prompt, continuations: Sequence[str]) -> Continuations:
        return Continuations(tuple(self.worth(prompt, text) for text in continuations), self._bill(prompt, ""))

    def permute(
        self, prompt: Prompt, labels: Sequence[str], *, top: int, opening: str = "", separator: str = " > "
    ) -> Permuted:
        worths = [self.worth(prompt, label) or 0.0 for label in labels]
        order = sorted(range(len(labels)), key=lambda place: -worths[place])[:top]
        return Permuted(tuple(order), self._bill(prompt, " ".join(labels[place] for place in order)))

    def _bill(self, prompt: Prompt, said: str) -> Usage:
        return Usage(calls=1, input_tokens=self.count_tokens(prompt), output_tokens=len(said.split()))


def words_of(prompt: Prompt) -> str:
    """All that a prompt says, turns one after the other."""
    return prompt if isinstance(prompt, str) else "\n".join(message.content for message in prompt)


def check_reranker(reranker: Reranker, *, budgeted: bool = True) -> None:
    """Hold a reranker against the contract. Works on any documents, so real models can be checked too.

    A permutation comes out, input is untouched, the same call gives the same ranking, 0 / 1 / many candidates work,
    ids are unique, usage adds up, ``rank_many`` agrees with ``rank``, and (with ``budgeted``, for a ``BaseReranker``)
    a budget of nothing stops it.

    Raises:
        ContractViolation: names the promise that was broken.
    """
    for count in (0, 1, 2, 12):
        _check_ranking(reranker, _sample(count))
    _check_duplicates()
    if isinstance(reranker, BaseReranker):
        _check_many(reranker)
        if budgeted:
            _check_budget(reranker)


def check_oracle_order(reranker: Reranker, relevance: Sequence[float], *, top: int | None = None) -> None:
    """A reranker built on ``oracle()`` must put the ``top`` best (all when ``None``) first, best first."""
    ranking = reranker.rank(request_of(relevance))
    got = [relevance[index] for index in ranking.order[:top]]
    best = sorted(relevance, reverse=True)[:top]
    _promise(got == best, f"an oracle's order comes out: {best[:10]} was due, {got[:10]} came")


def _sample(count: int) -> Request:
    words = ("rivers", "mountains", "clouds", "trains", "bridges", "violins")
    candidates = (
        Candidate(
            id=f"doc-{position}",
            text=f"A short text about {words[position % len(words)]}, number {position}.",
            score=float(-position),
            metadata={"relevance": float(position * 7 % 5), "tags": ["kept"]},
        )
        for position in range(count)
    )
    return Request(Query("Which trains cross the bridges?", id="q1"), tuple(candidates))


def _check_ranking(reranker: Reranker, request: Request) -> None:
    before = copy.deepcopy(request)
    ranking = reranker.rank(request)
    _promise(isinstance(ranking, Ranking), "rank returns a Ranking")
    _promise(request == before, "the input is untouched")
    _promise(all(out in request.candidates for out in ranking.candidates), "the candidates are the ones handed in")
    _promise(ranking.usage == sum((step.usage for step in ranking.steps), Usage()), "usage is the sum of the steps")
    again = reranker.rank(request)
    _promise(again.order == ranking.order and again.scores == ranking.scores, "the same call gives the same ranking")
    if ranking.scores is not None:
        _promise(all(type(score) in (float, type(None)) for score in ranking.scores), "scores are plain floats")


def _check_many(reranker: BaseReranker) -> None:
    requests = [_sample(count) for count in (3, 0, 5)]
    many = reranker.rank_many(requests)
    one_by_one = [reranker.rank(request) for request in requests]
    _promise([r.order for r in many] == [r.order for r in one_by_one], "rank_many agrees with rank")


def _check_duplicates() -> None:
    twice = (Candidate("same", "one"), Candidate("same", "two"))
    try:
        Request(Query("anything"), twice)
    except DuplicateIds:
        return
    raise ContractViolation("duplicate ids are refused")


def _check_budget(reranker: BaseReranker) -> None:
    request = _sample(6)
    ranking = reranker.rank(request, budget=Budget(calls=0))
    _promise(ranking.usage.calls == 0, "a budget of 0 calls makes none")
    _promise(sorted((*ranking.order, *ranking.dropped)) == list(range(6)), "out of budget, the ranking is still whole")
    _promise(any(step.stopped for step in ranking.steps), "out of budget, a Step says so")


def _promise(kept: object, promise: str) -> None:
    if not kept:
        raise ContractViolation(f"broken promise: {promise}")
