"""TourRank: tournaments of group stages; who advances earns a point, and points over all tournaments make the order.

Chen et al., "TourRank: Utilizing Large Language Models for Documents Ranking with a Tournament-Inspired Strategy",
arXiv 2406.11678.
"""

from __future__ import annotations

import random
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rankkit.core.questions import Answer, Asking, Order, StrategyResult, Task
from rankkit.core.ranking import ScoreKind
from rankkit.errors import ConfigError
from rankkit.listwise.strategies.lockstep import in_lockstep
from rankkit.listwise.strategies.windows import (
    Permutation,
    at_least,
    fitting,
    head_of,
    question,
    shrinkage,
    spelled,
)

#: (how many advance, the largest group) stage by stage, as in the paper: 100 to 50 to 20 to 10 to 5 to 2.
STAGES = ((50, 20), (20, 10), (10, 20), (5, 20), (2, 20))

#: Points by candidate, and whether any question was answered.
_Points = tuple[list[int], bool]


@dataclass(frozen=True, slots=True)
class TourRank:
    """Promise, with a judge that is always right: nobody has more points than the best candidate. The order is by
    points, ties keep the first stage's; the points come out as scores (``WINS``).

    Each stage deals its entrants out by rank, so that every group has strong and weak ones, and shows each group in an
    order of its own, from ``seed``. Only who advances matters: that is the ``top`` of each question. A stage that fewer
    candidates enter than may advance is left out, and one whose groups would not send one candidate each is played in
    steps, so any number of candidates will do. Where a group's question has no answer, its first-stage best advance.

    Price for 100 candidates: 13 questions a tournament, 5 rounds in all, because the tournaments go side by side: the
    default of 10, the paper's best, is 130 questions in 5 rounds.
    """

    tournaments: int = 10
    stages: tuple[tuple[int, int], ...] = STAGES
    seed: int = 0
    depth: int | None = None

    adaptive = True

    def __post_init__(self) -> None:
        at_least(1, "tournaments", self.tournaments)
        at_least(1, "depth", self.depth)
        if not self.stages:
            raise ConfigError("a tournament without stages", hint=f"The paper's are {STAGES}.")
        for advance, group in self.stages:
            at_least(1, "the number that advance from a stage", advance)
            at_least(2, "the size of a group", group)
        kept = [advance for advance, _ in self.stages]
        if any(later >= earlier for earlier, later in pairwise(kept)):
            raise ConfigError(f"stages that do not narrow: {kept} advance", hint="Let fewer advance at each stage.")

    @property
    def name(self) -> str:
        given = (("stages", self.stages, STAGES), ("seed", self.seed, 0), ("depth", self.depth, None))
        return spelled("tourrank", self.tournaments, given=given)

    def order(self, task: Task) -> Asking[Order, Permutation]:
        head = head_of(task, self.depth)
        wanted = min(head, max(group for _, group in self.stages))
        diagnostics = shrinkage(wanted, fitting(wanted, task))
        if min(head, fitting(2, task)) < 2:
            return StrategyResult(tuple(range(task.n)), diagnostics=diagnostics)
        results = yield from in_lockstep([self._tournament(head, task, number) for number in range(self.tournaments)])
        if not any(answered for _, answered in results):
            return StrategyResult(tuple(range(task.n)), diagnostics=diagnostics)
        points = [sum(earned[index] for earned, _ in results) for index in range(head)]
        order = (*sorted(range(head), key=lambda index: -points[index]), *range(head, task.n))
        scores = tuple(float(points[index]) if index < head else None for index in order)
        return StrategyResult(order, scores, ScoreKind.WINS, diagnostics)

    def most_questions(self, task: Task) -> int:
        """As many as without any answer: how many advance from a group does not depend on who does."""
        asking, most = self.order(task), 0
        answers: list[Answer[Permutation]] | None = None
        while True:
            try:
                asked = next(asking) if answers is None else asking.send(answers)
            except StopIteration:
                return most
            most += len(asked)
            answers = [Answer.unasked() for _ in asked]

    def _tournament(
        self, head: int, task: Task, number: int
    ) -> Generator[Sequence[Order], Sequence[Answer[Permutation]], _Points]:
        rng = random.Random(f"{self.seed}/{number}")
        points, answered, entrants = [0] * head, False, list(range(head))
        last = len(self.stages) - 1
        for stage, (advance, size) in enumerate(self.stages):
            # Fewer candidates than may leave the last stage are still worth one question.
            advance = min(advance, head - 1) if stage == last else advance
            while len(entrants) > advance:
                groups = dealt(entrants, advance, fitting(size, task))
                played = [(group, places) for group, places in groups if len(group) > 1]
                answers = yield [question(rng.sample(group, len(group)), places) for group, places in played]
                answered = answered or any(answer.value is not None for answer in answers)
                winners = [index for group, _ in groups if len(group) == 1 for index in group]
                for (group, places), answer in zip(played, answers, strict=True):
                    winners += (group if answer.value is None else answer.value)[:places]
                entrants = sorted(winners)
                for index in entrants:
                    points[index] += 1
        return points, answered


def dealt(entrants: Sequence[int], advance: int, size: int) -> list[tuple[list[int], int]]:
    """Groups of at most ``size``, dealt like cards, each with how many advance from it: at least one, never all.

    ``advance`` do in all, or one a group where there are more groups than that; a few less where some group would
    otherwise have nothing to decide. A group of one, which only pairs can leave over, advances unplayed.
    """
    count = -(-len(entrants) // size)
    each, more = divmod(max(advance, count), count)
    groups = [list(entrants[number::count]) for number in range(count)]
    return [(group, max(1, min(each + (number < more), len(group) - 1))) for number, group in enumerate(groups)]
