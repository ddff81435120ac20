"""Sliding windows: where they lie, what they carry up, and the numbers of candidates that others get wrong."""

from __future__ import annotations

import gzip
import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rankkit.core.questions import Answer, Order
from rankkit.errors import ConfigError
from rankkit.listwise.strategies.single import Single
from rankkit.listwise.strategies.sliding import Sliding, spans
from rankkit.pipeline.judged import JudgeReranker
from rankkit.testing import oracle, request_of
from tests.listwise.strategies.play import best, play, shuffled, truth, worths

windows_and_steps = st.integers(2, 30).flatmap(lambda window: st.tuples(st.just(window), st.integers(1, window - 1)))


def test_windows_lie_from_the_back_to_the_front():
    assert spans(100, 20, 10)[:3] == [(80, 100), (70, 90), (60, 80)] and spans(100, 20, 10)[-1] == (0, 20)
    assert len(spans(100, 20, 10)) == 9
    assert spans(15, 20, 10) == [(0, 15)]  # RankGPT's loop: nothing, or seven empty prompts
    assert spans(25, 20, 10) == [(5, 25), (0, 15)]  # RankGPT's loop: (5, 25) only, so the top 5 are never seen
    assert spans(21, 20, 10) == [(1, 21), (0, 11)]
    assert spans(20, 20, 10) == [(0, 20)]
    assert spans(0, 20, 10) == []


@given(st.integers(0, 250), windows_and_steps)
def test_windows_cover_everything_and_overlap_by_what_they_carry(n, shape):
    window, step = shape
    places = spans(n, window, step)
    assert {place for start, end in places for place in range(start, end)} == set(range(n))
    assert all(0 < end - start <= window for start, end in places)
    assert all(later_end - start == window - step for (start, _), (_, later_end) in pairwise(places))


@pytest.mark.data
@pytest.mark.parametrize("name", ["rankvicuna-dl19", "vicuna7b-dl19", "vicuna13b-dl19"])
def test_windows_are_those_of_recorded_runs(data_dir, name):
    recorded: dict[str, list[tuple[int, int]]] = {}
    with gzip.open(data_dir / "recorded-listwise" / f"{name}.responses.jsonl.gz", "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            recorded.setdefault(row["qid"], []).append((row["start"], row["end"]))
    assert len(recorded) == 43
    assert all(places == spans(100, 20, 10) for places in recorded.values())


def test_three_windows_on_eight_documents_by_hand():
    played = play(Sliding(4, 2), 8, truth([0, 1, 2, 3, 4, 5, 6, 7]))
    assert played.questions == [Order((4, 5, 6, 7)), Order((2, 3, 7, 6)), Order((0, 1, 7, 6))]
    assert played.order == [7, 6, 1, 0, 3, 2, 5, 4]


@settings(max_examples=150, deadline=None)
@given(worths, windows_and_steps, st.integers(1, 4), st.one_of(st.none(), st.integers(1, 120)))
def test_each_pass_puts_window_minus_step_more_in_their_places(worth, shape, passes, depth):
    window, step = shape
    played = play(Sliding(window, step, passes, depth), len(worth), truth(worth))
    perfect = best(worth[:depth])
    sure = len(perfect) if len(perfect) <= window else passes * (window - step)
    assert played.order[: min(sure, len(perfect))] == perfect[:sure]
    assert len(played.rounds) == len(played.questions)


@settings(max_examples=100, deadline=None)
@given(worths, windows_and_steps, st.integers(2, 40))
def test_a_small_context_shrinks_window_and_step_and_the_promise_in_proportion(worth, shape, max_group_size):
    window, step = shape
    played = play(Sliding(window, step), len(worth), truth(worth), max_group_size)
    used = min(window, max_group_size)
    carried = used - max(1, step * used // window)
    assert carried >= 1
    assert played.order[:carried] == best(worth)[:carried]
    shrank = used < min(window, len(worth))
    assert played.placed.diagnostics == ((("window", float(used)),) if shrank else ())


@settings(max_examples=100, deadline=None)
@given(worths, windows_and_steps, st.integers(1, 40))
def test_with_top_k_a_question_asks_for_what_is_used_and_the_promise_stays(worth, shape, top_k):
    window, step = shape
    played = play(Sliding(window, step, top_k=top_k), len(worth), truth(worth))
    sure = min(top_k, window if len(worth) <= window else window - step)
    assert played.order[:sure] == best(worth)[:sure]
    assert all(question.top == window - step for question in played.questions[:-1])
    if played.questions:
        last = played.questions[-1]
        assert last.top == (top_k if top_k < len(last.indices) else None)


def test_a_window_with_step_10_needs_its_first_10():
    tops = [question.top for question in play(Sliding(top_k=5), 100, truth(range(100))).questions]
    assert tops == [10] * 8 + [5]
    assert {question.top for question in play(Sliding(), 100, truth(range(100))).questions} == {None}


def test_a_window_without_an_answer_stays_as_it_is():
    def deaf_to_the_first(question):
        return Answer.unasked() if 7 in question.indices else truth(range(8))(question)

    played = play(Sliding(4, 2), 8, deaf_to_the_first)
    assert played.order == [5, 4, 1, 0, 3, 2, 6, 7]


def test_passes_end_when_one_changed_nothing():
    assert play(Sliding(4, 2, passes=9), 8, truth(range(8, 0, -1))).price == (3, 3)
    assert play(Sliding(4, 2, passes=9), 8, truth(range(8))).order == list(range(7, -1, -1))
    assert play(Sliding(4, 2, passes=9), 8, truth(range(8))).price == (12, 12)  # 3 to sort, 1 to see that it is


def test_the_memo_pays_for_windows_that_a_pass_did_not_change():
    relevance = shuffled(100, 3)
    step = JudgeReranker(oracle(), Sliding(passes=2)).rank(request_of(relevance)).steps[0]
    assert step.questions + step.cached_answers == 18 and step.sequential_rounds == 18


def test_single_is_one_question_where_everything_fits_and_slides_where_not():
    worth = shuffled(100, 5)
    assert play(Single(), 100, truth(worth)).order == best(worth)
    assert play(Single(), 100, truth(worth)).price == (1, 1)
    assert play(Single(), 100, truth(worth), 100).price == (1, 1)
    small = play(Single(), 100, truth(worth), 40)
    assert [len(question.indices) for question in small.questions] == [40, 40, 40, 40]
    assert small.order[:20] == best(worth)[:20] and small.placed.diagnostics == (("window", 40.0),)
    assert play(Single(depth=30, top_k=10), 100, truth(worth)).questions == [Order(tuple(range(30)), 10)]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Sliding(20, 20), r"step of 20 carries nothing .* window of 20"),
        (lambda: Sliding(20, 30), r"step from 1 to 19"),
        (lambda: Sliding(20, 0), r"step = 0 .*\n.*1 or more"),
        (lambda: Sliding(1, 1), r"window = 1 .*\n.*2 or more"),
        (lambda: Sliding(passes=0), "passes = 0"),
        (lambda: Sliding(depth=0), "depth = 0"),
        (lambda: Sliding(top_k=0), "top_k = 0"),
        (lambda: Sliding(20.0, 10), r"window is a whole number, not 20\.0"),
        (lambda: Single(depth=-1), "depth = -1"),
    ],
)
def test_an_impossible_window_is_refused_with_the_way_out(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
