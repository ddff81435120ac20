"""Run several askings side by side, as one: their rounds go out together."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from itertools import islice
from typing import TypeVar

from rankkit.core.questions import Answer, Question

Q = TypeVar("Q", bound=Question)
A = TypeVar("A")
R = TypeVar("R")


def in_lockstep(
    askings: Sequence[Generator[Sequence[Q], Sequence[Answer[A]], R]],
) -> Generator[Sequence[Q], Sequence[Answer[A]], list[R]]:
    """Merge the first rounds of all ``askings`` into one, then their second ones, ...; return what each returns.

    It takes as many rounds as the longest of them. They must not depend on one another within a round.
    """
    results: dict[int, R] = {}
    rounds: dict[int, Sequence[Q]] = {}

    def advance(number: int, answers: Sequence[Answer[A]] | None) -> None:
        rounds.pop(number, None)
        try:
            rounds[number] = next(askings[number]) if answers is None else askings[number].send(answers)
        except StopIteration as stop:
            results[number] = stop.value

    for number in range(len(askings)):
        advance(number, None)
    while rounds:
        asked = dict(rounds)
        answers = iter((yield [question for questions in asked.values() for question in questions]))
        for number, questions in asked.items():
            advance(number, list(islice(answers, len(questions))))
    return [results[number] for number in range(len(askings))]
