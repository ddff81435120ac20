"""A comparator made of any pointwise judge: the better score wins, by the logistic function of the difference.

It is transitive, which real judges of pairs are not: a strategy that sorts by it must find the order of the scores.
And it is cheap: whatever is compared with whatever, each document is scored once.
"""

from __future__ import annotations

import hashlib
import math
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

from rankkit.core.judge import Backed, BoundQuestion, Call, Gated, Judge, Reply
from rankkit.core.limits import Gate
from rankkit.core.questions import Answer, Compare, Score
from rankkit.core.ranking import Request, ScoreKind
from rankkit.core.usage import Usage
from rankkit.errors import RankkitError
from rankkit.judging.batched import logistic

#: How many documents' scores are remembered, and in how many bytes. One that was forgotten is scored again.
_REMEMBERED = 1 << 16
_MOST_BYTES = 1 << 27


class ScoreDifferenceJudge:
    """Answers ``Compare(i, j)`` by logistic(score of i - score of j), with the scores of another judge.

    It remembers scores by the texts of query and document (not ids, not metadata), from round to round and from one
    ranking to the next; no answer depends on what it remembers, only the bill does. Equal texts share a score. A retry
    that the other judge advises (``Reply.again``) is not made.

    A call here is one call of the other judge's (or a few, where none of their documents is compared yet), with the
    comparisons that it completes. So a budget is asked before every run of the model, and several go on at once.
    """

    def __init__(
        self, judge: Judge[Score, float], *, remembered: int = _REMEMBERED, most_bytes: int = _MOST_BYTES
    ) -> None:
        self._judge = judge
        self._scores = _Scores(remembered, most_bytes)
        self._planning = False

    def __reduce__(self) -> tuple[object, ...]:
        # What it remembers saves work here, and is not worth its bytes elsewhere.
        return partial(type(self), self._judge, remembered=self._scores.most), ()

    @property
    def judge(self) -> Judge[Score, float]:
        """The one whose scores are compared."""
        return self._judge

    @property
    def backend(self) -> object:
        """What runs the other judge's calls, if that says so."""
        return self._judge.backend if isinstance(self._judge, Backed) else None

    @property
    def name(self) -> str:
        return self._judge.name

    @property
    def fingerprints(self) -> Mapping[str, str]:
        return {**self._judge.fingerprints, "compared by": "score difference"}

    @property
    def score_kind(self) -> ScoreKind:
        return ScoreKind.PROBABILITY

    @property
    def concurrency(self) -> int:
        return self._judge.concurrency

    @property
    def gate(self) -> Gate:
        """The other judge's; one of this judge where that has none."""
        return self._judge.gate if isinstance(self._judge, Gated) else self._own_gate

    @cached_property
    def _own_gate(self) -> Gate:
        return Gate(self._judge.concurrency)

    def max_group_size(self, request: Request) -> int | None:
        return None

    def planning(self) -> ScoreDifferenceJudge:
        """The same, remembering nothing yet, for a plan: there each call counts as made as soon as it is prepared."""
        plan = ScoreDifferenceJudge(self._judge, remembered=self._scores.most, most_bytes=self._scores.most_bytes)
        plan._planning = True
        return plan

    def prepare(self, asked: Sequence[BoundQuestion[Compare]]) -> Iterator[Call[float]]:
        runs, places = self._runs(asked)
        # Where each comparison's scores come from, and the last of the runs that it has to wait for.
        needs = [[places[key] for key in _keys(item)] for item in asked]
        ready: dict[int, list[int]] = {}
        numbers = {id(run): number for number, run in enumerate(runs)}
        for slot, sources in enumerate(needs):
            ready.setdefault(max(numbers.get(id(place.run), -1) for place in sources), []).append(slot)
        waiting: list[_Run] = []
        for number in range(-1, len(runs)):
            waiting += runs[number : number + 1] if number >= 0 else []
            if slots := ready.get(number):
                bound = sum((run.call.bound for run in waiting), Usage())
                yield Call(tuple(slots), bound, partial(_compare, tuple(waiting), [needs[slot] for slot in slots]))
                waiting = []

    def _runs(self, asked: Sequence[BoundQuestion[Compare]]) -> tuple[list[_Run], dict[bytes, _Place]]:
        """The runs of the other judge that are still to be made, and where each document's score is or will be."""
        places: dict[bytes, _Place] = {}
        runs: dict[int, _Run] = {}
        new: dict[bytes, BoundQuestion[Score]] = {}
        for item in asked:
            for key, index in zip(_keys(item), item.question.indices, strict=True):
                place = self._scores.get(key)
                if place is None or place.run.failed:
                    new[key] = BoundQuestion(item.request, Score(index))
                    continue
                places[key] = place
                if not place.run.started and not self._planning:
                    # Prepared before but never made (a budget ran out): whoever needs it now pays for it.
                    runs[id(place.run)] = place.run
        for call in self._judge.prepare(list(new.values())) if new else ():
            run = _Run(call)
            runs[id(run)] = run
            keys = list(new)
            for row, slot in enumerate(call.slots):
                places[keys[slot]] = self._scores.put(keys[slot], _Place(run, row, _size(new[keys[slot]])))
        return list(runs.values()), places


class _Run:
    """One call of the other judge, made by whoever needs it first, and once."""

    def __init__(self, call: Call[float]) -> None:
        self.call = call
        self.started = False
        self.error: RankkitError | None = None
        self._answers: list[Answer[float]] | None = None
        self._lock = threading.Lock()

    @property
    def failed(self) -> bool:
        return self.error is not None

    def make(self) -> tuple[Usage, tuple[str, ...]]:
        """Make the call unless it was; the cost and the notes of what was done just now.

        Raises:
            RankkitError: the call's own, to everybody who asks.
        """
        with self._lock:
            if self.error is not None:
                raise self.error
            if self._answers is not None:
                return Usage(), ()
            self.started = True
            try:
                replies = self.call.run()
            except RankkitError as error:
                self.error = error
                raise
            self._answers = [reply.answer for reply in replies]
            self.call = replace(self.call, run=_done)  # lets go of the tokenised texts
            return sum((reply.usage for reply in replies), Usage()), tuple(n for reply in replies for n in reply.notes)

    def answer(self, row: int) -> Answer[float]:
        assert self._answers is not None
        return self._answers[row]


def _done() -> Sequence[Reply[float]]:
    raise AssertionError("a run is made once")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a document's score is or will be: row ``row`` of what a run gives. ``size``: in bytes, at most."""

    run: _Run
    row: int
    size: int


@dataclass
class _Scores:
    """The last documents' scores, ``most`` of them in ``most_bytes``, shared by threads."""

    most: int
    most_bytes: int
    _places: OrderedDict[bytes, _Place] = field(default_factory=OrderedDict)
    _bytes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: bytes) -> _Place | None:
        with self._lock:
            if key in self._places:
                self._places.move_to_end(key)
            return self._places.get(key)

    def put(self, key: bytes, place: _Place) -> _Place:
        with self._lock:
            before = self._places.pop(key, None)
            self._bytes += place.size - (before.size if before else 0)
            self._places[key] = place
            while self._places and (len(self._places) > self.most or self._bytes > self.most_bytes):
                _, forgotten = self._places.popitem(last=False)
                self._bytes -= forgotten.size
            return place


def _keys(asked: BoundQuestion[Compare]) -> list[bytes]:
    """A hash for each document, of all that a model reads: the query's text and the document's."""
    candidates = asked.request.candidates
    return [_key(asked.request.query.text, candidates[index].content) for index in asked.question.indices]


def _key(query: str, content: str) -> bytes:
    read = query.encode("utf-8", "surrogatepass")
    return hashlib.sha256(b"%d:%s%s" % (len(read), read, content.encode("utf-8", "surrogatepass"))).digest()


def _size(item: BoundQuestion[Score]) -> int:
    """A hash and a score, and until the model has run its tokenised text: fewer tokens than characters."""
    return 512 + 2 * len(item.request.candidates[item.question.index].content)


def _compare(own: Sequence[_Run], needs: Iterable[Sequence[_Place]]) -> list[Reply[float]]:
    """Make the call's own runs, then answer its comparisons. Runs of other calls are waited for, or made where nobody
    did; one that failed fails only the comparisons that needed it.
    """
    cost, notes = Usage(), ()  # type: tuple[Usage, tuple[str, ...]]
    for run in own:
        made, remarks = run.make()
        cost, notes = cost + made, notes + remarks
    replies: list[Reply[float]] = []
    for sources in needs:
        answer, made, remarks = _difference(sources)
        replies.append(Reply(answer, cost + made, notes + remarks))
        cost, notes = Usage(), ()
    return replies


def _difference(sources: Sequence[_Place]) -> tuple[Answer[float], Usage, tuple[str, ...]]:
    cost, notes = Usage(), ()  # type: tuple[Usage, tuple[str, ...]]
    answers: list[Answer[float]] = []
    for place in sources:
        try:
            made, remarks = place.run.make()
        except RankkitError as error:
            return Answer.failed(error), cost, notes
        cost, notes = cost + made, notes + remarks
        answers.append(place.run.answer(place.row))
    first, second = answers
    if first.value is None or second.value is None:
        return (first if first.value is None else second), cost, notes
    if not (math.isfinite(first.value) and math.isfinite(second.value)):
        return Answer(math.nan), cost, notes
    return (
        replace(first, value=logistic(first.value - second.value), defects=first.defects + second.defects),
        cost,
        notes,
    )
