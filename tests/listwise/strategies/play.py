"""A game of strategy against judge without a runner: it plays the rounds, and holds every question to the rules."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from rankkit.core.questions import Answer, Choose, Order, Question, Strategy, StrategyResult, Task

Reply = Callable[[Question], Answer]


@dataclass(frozen=True)
class Played:
    placed: StrategyResult
    rounds: list[list[Question]]

    @property
    def order(self) -> list[int]:
        return list(self.placed.order)

    @property
    def questions(self) -> list[Question]:
        return [question for questions in self.rounds for question in questions]

    @property
    def seen(self) -> set[int]:
        return {index for question in self.questions for index in question.indices}

    @property
    def price(self) -> tuple[int, int]:
        """Questions and rounds."""
        return len(self.questions), len(self.rounds)


def truth(worth: Sequence[float]) -> Reply:
    """A judge that is always right. Where only the ``top`` need to be, it is no better than it must: it reverses the
    rest.
    """

    places = {index: place for place, index in enumerate(best(worth))}

    def reply(question: Question) -> Answer:
        if isinstance(question, Choose):
            return Answer(min(question.indices, key=places.__getitem__))
        order = sorted(question.indices, key=places.__getitem__)
        top = len(order) if question.top is None else question.top
        return Answer((*order[:top], *reversed(order[top:])))

    return reply


def silence(question: Question) -> Answer:
    return Answer.unasked()


def noise(seed: int, silent: float = 0.2) -> Reply:
    """Any answer that is one, and now and then none."""
    rng = random.Random(seed)

    def reply(question: Question) -> Answer:
        if rng.random() < silent:
            return Answer.unasked()
        if isinstance(question, Choose):
            return Answer(rng.choice(question.indices))
        return Answer(tuple(rng.sample(question.indices, len(question.indices))))

    return reply


def play(strategy: Strategy, n: int, reply: Reply, max_group_size: int | None = None) -> Played:
    """Play to the end. At most 10,000 rounds; every question has to be one that a judge can answer."""
    asking = strategy.order(Task(n, max_group_size))
    rounds: list[list[Question]] = []
    answers = None
    try:
        while len(rounds) < 10_000:
            asked = list(next(asking) if answers is None else asking.send(answers))
            assert asked, "an empty round"
            for question in asked:
                check(question, n, max_group_size)
            rounds.append(asked)
            answers = [reply(question) for question in asked]
    except StopIteration as stop:
        placed = stop.value
        assert sorted(placed.order) == list(range(n)), "the result is a permutation"
        return Played(placed, rounds)
    raise AssertionError("it never ends")


def check(question: Question, n: int, max_group_size: int | None) -> None:
    indices = question.indices
    assert 2 <= len(indices) <= (n if max_group_size is None else max_group_size)
    assert len(set(indices)) == len(indices) and set(indices) <= set(range(n))
    if isinstance(question, Order) and question.top is not None:
        assert 1 <= question.top < len(indices)


def best(worth: Sequence[float]) -> list[int]:
    """The perfect order; ties keep the first stage's."""
    return sorted(range(len(worth)), key=lambda index: (-worth[index], index))


def shuffled(n: int, seed: int, grades: int | None = None) -> list[int]:
    """What ``n`` candidates are worth: all different, or one of a few ``grades``."""
    rng = random.Random(seed)
    return rng.sample(range(n), n) if grades is None else [rng.randrange(grades) for _ in range(n)]


#: What candidates are worth: 0 to 250 of them, with and without ties.
worths = st.builds(
    shuffled,
    st.one_of(st.integers(0, 60), st.integers(0, 250)),
    st.integers(0, 10_000),
    st.sampled_from([None, None, 4]),
)
limits = st.one_of(st.none(), st.integers(2, 40))
