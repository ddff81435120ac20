"""What the pairwise strategies share: asking in both orders, remembering, and going on where nothing was learned.

A strategy's *sort program* yields lists of pairs that it needs decided, all at once, and then looks up which is
``better``. ``Comparisons.play`` turns that into rounds of ``Compare`` questions: a pair is asked only once, both orders
of it in the same round, and what has no answer is decided by the first stage.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from typing import TypeVar

from rankkit.core.questions import Answer, Compare, Outcome
from rankkit.pairwise.aggregation.matrix import WinMatrix

T = TypeVar("T")
Pair = tuple[int, int]

#: An algorithm at work: yields the pairs to be decided side by side, returns what it makes of them.
SortProgram = Generator[Sequence[Pair], None, T]

#: So many rounds in a row without a single answer, and no more is asked.
PATIENCE = 5


class Comparisons:
    """The comparisons of one ranking: what was asked, and what is known from it.

    With ``one_sided``, which a program may change on its way, new pairs are asked in first-stage order only.
    """

    def __init__(self, *, one_sided: bool = False) -> None:
        self.one_sided = one_sided
        self._asked: dict[Pair, float | None] = {}
        self._fruitless = 0
        self._closed = False

    def play(self, program: SortProgram[T]) -> Generator[Sequence[Compare], Sequence[Answer[float]], T]:
        """Run a program to its end. When the budget has run out, or nothing is answered any more, it is not asked for
        further pairs but still comes to its end, so the best order so far is what it returns.
        """
        try:
            pairs = next(program)
            while True:
                questions = [] if self._closed else self._new(pairs)
                if questions:
                    self._note(questions, (yield questions))
                pairs = program.send(None)
        except StopIteration as stop:
            result: T = stop.value
            return result

    def _new(self, pairs: Iterable[Pair]) -> list[Compare]:
        wanted = dict.fromkeys((min(pair), max(pair)) for pair in pairs)
        questions = []
        for i, j in wanted:
            if (i, j) not in self._asked:
                questions += [Compare(i, j)] if self.one_sided else [Compare(i, j), Compare(j, i)]
        return questions

    def _note(self, questions: Sequence[Compare], answers: Sequence[Answer[float]]) -> None:
        for question, answer in zip(questions, answers, strict=True):
            self._asked[question.first, question.second] = answer.value
        self._fruitless = 0 if any(answer.value is not None for answer in answers) else self._fruitless + 1
        spent = any(answer.outcome is Outcome.UNASKED for answer in answers)
        self._closed = self._closed or spent or self._fruitless >= PATIENCE

    @property
    def closed(self) -> bool:
        """Whether no more will be asked."""
        return self._closed

    @property
    def asked(self) -> int:
        """How many questions were put, with or without an answer."""
        return len(self._asked)

    @property
    def answers(self) -> dict[Pair, float]:
        """P(first beats second) by the pair as it was shown, in the order of asking."""
        return {pair: value for pair, value in self._asked.items() if value is not None}

    def met(self, i: int, j: int) -> bool:
        """Whether they were compared, in either order and with or without an answer."""
        return (i, j) in self._asked or (j, i) in self._asked

    def wins(self) -> list[Pair]:
        """Winner and loser of each pair that has an answer; a draw is won by the first stage's better one."""
        pairs = dict.fromkeys((min(pair), max(pair)) for pair in self.answers)
        return [(i, j) if self.better(i, j) else (j, i) for i, j in pairs]

    def probability(self, i: int, j: int) -> float | None:
        """P(i beats j), the mean over both orders; the one there is if the other has no answer; ``None`` for nothing
        learned.
        """
        straight, turned = self._asked.get((i, j)), self._asked.get((j, i))
        if straight is None or turned is None:
            return straight if turned is None else 1.0 - turned
        return (straight + 1.0 - turned) / 2.0

    def better(self, i: int, j: int) -> bool:
        """Whether i goes above j. A draw, or nothing learned, leaves them in first-stage order."""
        probability = self.probability(i, j)
        return i < j if probability is None or probability == 0.5 else probability > 0.5

    def matrix(self, n: int) -> WinMatrix:
        return WinMatrix(n, self.answers)

    def both_orders(self) -> tuple[int, int]:
        """How many pairs have an answer in both orders, and in how many of them both name the same position."""
        both = self._in_both_orders()
        return len(both), sum((p - 0.5) * (q - 0.5) > 0 for p, q in both)

    def diagnostics(self) -> tuple[tuple[str, float], ...]:
        """How far the answers can be trusted; what they do not show is left out.

        ``position_bias`` is the share of pairs of which both orders name the same position as the winner,
        ``first_preference`` the mean probability given to the one shown first: of pairs asked in both orders 0.5 for a
        fair judge; where each pair is asked in one order, that holds for candidates in no particular order only.
        ``cycles`` is the share of circles (a beats b beats c beats a) among the triples that were decided in full.
        """
        both = self._in_both_orders()
        found: list[tuple[str, float]] = []
        if both:
            found.append(("position_bias", self.both_orders()[1] / len(both)))
            found.append(("first_preference", sum(p + q for p, q in both) / (2 * len(both))))
        elif self.one_sided and self.answers:
            found.append(("first_preference", sum(self.answers.values()) / len(self.answers)))
        share = self._share_of_cycles()
        return (*found, *((("cycles", share),) if share is not None else ()))

    def _in_both_orders(self) -> list[tuple[float, float]]:
        """For each pair with both answers: that with the first stage's better one shown first, then the other."""
        answers = self.answers
        return [(straight, answers[j, i]) for (i, j), straight in answers.items() if i < j and (j, i) in answers]

    def _share_of_cycles(self) -> float | None:
        """Sets of items are bits of an integer: 100 items' 161,700 triples are counted in milliseconds."""
        beaten: dict[int, int] = {}
        beaten_by: dict[int, int] = {}
        wins = [pair for i, j in {(min(pair), max(pair)) for pair in self._asked} for pair in self._decided(i, j)]
        for winner, loser in wins:
            beaten[winner] = beaten.get(winner, 0) | 1 << loser
            beaten_by[loser] = beaten_by.get(loser, 0) | 1 << winner
        met = {item: beaten.get(item, 0) | beaten_by.get(item, 0) for pair in wins for item in pair}
        # Every triple is met at each of its three sides.
        triples = sum((met[i] & met[j]).bit_count() for i, j in wins) // 3
        circles = sum((beaten.get(j, 0) & beaten_by.get(i, 0)).bit_count() for i, j in wins) // 3
        return circles / triples if triples else None

    def _decided(self, i: int, j: int) -> list[Pair]:
        probability = self.probability(i, j)
        if probability is None or probability == 0.5:
            return []
        return [(i, j) if probability > 0.5 else (j, i)]


def side_by_side(programs: Iterable[SortProgram[T]]) -> SortProgram[list[T]]:
    """Advance several programs together: the pairs that they want next are one list. Returns their results."""
    running = dict(enumerate(programs))
    results: dict[int, T] = {}
    while running:
        wanted: list[Pair] = []
        for place, program in list(running.items()):
            try:
                wanted += next(program)
            except StopIteration as stop:
                results[place] = stop.value
                del running[place]
        if running:
            yield wanted
    return [results[place] for place in sorted(results)]
