"""Asking in both orders, remembering, and what the answers say about the judge."""

from __future__ import annotations

import pytest

from rankkit.core.questions import Answer, Compare
from rankkit.pairwise.comparisons import PATIENCE, Comparisons, SortProgram, side_by_side


def asked_by(
    comparisons: Comparisons, *rounds: list[tuple[int, int]], answer=lambda question: 0.5
) -> list[list[Compare]]:
    """Play these rounds and return the questions that they came to."""

    def program() -> SortProgram[None]:
        yield from rounds

    playing, log = comparisons.play(program()), []
    try:
        questions = next(playing)
        while True:
            log.append(list(questions))
            questions = playing.send([Answer(answer(question)) for question in questions])
    except StopIteration:
        return log


def test_both_orders_of_a_pair_are_neighbours_in_one_round_and_asked_once():
    log = asked_by(Comparisons(), [(2, 1), (0, 1)], [(1, 2)], [(1, 0), (0, 2)])
    assert log == [
        [Compare(1, 2), Compare(2, 1), Compare(0, 1), Compare(1, 0)],
        [Compare(0, 2), Compare(2, 0)],
    ]


def test_one_sided_shows_the_better_one_of_the_first_stage_first():
    assert asked_by(Comparisons(one_sided=True), [(2, 1), (0, 1)]) == [[Compare(1, 2), Compare(0, 1)]]


@pytest.mark.parametrize(
    ("straight", "turned", "probability", "better"),
    [
        (1.0, 0.0, 1.0, True),  # wins in both orders
        (1.0, 1.0, 0.5, True),  # the first shown wins each time: a draw, and the first-stage order stands
        (0.0, 0.0, 0.5, True),
        (0.0, 1.0, 0.0, False),
        (0.25, 0.5, 0.375, False),
        (None, 0.75, 0.25, False),  # one order is enough
        (0.25, None, 0.25, False),
        (None, None, None, True),  # nothing learned
    ],
)
def test_two_answers_make_one_probability(straight, turned, probability, better):
    comparisons = Comparisons()
    asked_by(comparisons, [(0, 1)], answer=lambda question: straight if question.first == 0 else turned)
    assert comparisons.probability(0, 1) == probability
    assert comparisons.better(0, 1) is better and comparisons.better(1, 0) is not better


def test_nothing_more_is_asked_once_the_budget_has_run_out():
    def program() -> SortProgram[list[bool]]:
        yield [(0, 1)]
        yield [(1, 2)]
        return [comparisons.better(0, 1), comparisons.better(2, 1)]

    comparisons = Comparisons()
    playing = comparisons.play(program())
    next(playing)
    with pytest.raises(StopIteration) as stop:
        playing.send([Answer(0.0), Answer.unasked()])
    assert comparisons.closed and stop.value.value == [False, False]


def test_after_some_rounds_in_a_row_without_an_answer_it_gives_up():
    rounds = [[(0, j)] for j in range(1, 99)]
    assert len(asked_by(Comparisons(), *rounds, answer=lambda question: None)) == PATIENCE


def test_a_judge_that_always_prefers_the_first():
    comparisons = Comparisons()
    asked_by(comparisons, [(0, 1), (0, 2)], answer=lambda question: 0.75)
    assert dict(comparisons.diagnostics()) == {"position_bias": 1.0, "first_preference": 0.75}


def test_circles_are_counted_among_decided_triples():
    # 0 > 1 > 2 > 0 is a circle; with 3 below all there are three more triples.
    wins = {(0, 1), (1, 2), (2, 0), (0, 3), (1, 3), (2, 3)}
    comparisons = Comparisons()
    pairs = [(min(pair), max(pair)) for pair in wins]
    asked_by(comparisons, pairs, answer=lambda question: float((question.first, question.second) in wins))
    assert dict(comparisons.diagnostics()) == {"position_bias": 0.0, "first_preference": 0.5, "cycles": 0.25}
    assert Comparisons().diagnostics() == ()


def test_courses_go_side_by_side():
    def program(name: int, steps: int) -> SortProgram[int]:
        for step in range(steps):
            yield [(name, 10 + step)]
        return name

    together = side_by_side([program(0, 2), program(1, 0), program(2, 1)])
    assert next(together) == [(0, 10), (2, 10)]
    assert next(together) == [(0, 11)]
    with pytest.raises(StopIteration) as stop:
        next(together)
    assert stop.value.value == [0, 1, 2]
