"""The active strategy: sure of the top k where it can be, and honest about how sure."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rankkit.config.kinds import parse
from rankkit.core.questions import Answer, Compare, Task
from rankkit.core.ranking import ScoreKind
from rankkit.core.step import TOO_CLOSE
from rankkit.core.usage import Budget
from rankkit.errors import ConfigError
from rankkit.pairwise.strategies.active import DISAGREEING, PROBED, Active, falling, followed
from rankkit.pairwise.strategies.posterior import Posterior, normal_cdf
from rankkit.pairwise.strategies.tournament import Tournament
from rankkit.pipeline.judged import JudgeReranker
from rankkit.testing import check_reranker, oracle, request_of
from tests.pairwise.strategies.test_strategies import best_first, conduct, shuffled, truth

relevances = st.lists(st.integers(0, 5), max_size=20)
tops = st.none() | st.integers(1, 24)


#: Thousands of simulated lists.
pytestmark = pytest.mark.slow


def erring(relevance: Sequence[float], share: float, seed: int) -> Callable[[Compare], Answer[float]]:
    """Right but for a share of the pairs, of which both orders are wrong, each time that they are asked."""
    right = truth(relevance)

    def answer(question: Compare) -> Answer[float]:
        value = right(question).value or 0.0
        pair = sorted(question.indices)
        return Answer(1.0 - value if random.Random(f"{seed} {pair}").random() < share else value)

    return answer


# -- promises


@settings(deadline=None, max_examples=40)
@given(relevance=relevances, top=tops, one_sided=st.booleans(), together=st.integers(1, 12))
def test_a_judge_that_is_right_gives_the_exact_top_in_order(relevance, top, one_sided, together):
    strategy = Active(top_k=top, one_sided=one_sided, together=together, questions=2000)
    placed = conduct(strategy, len(relevance), truth(relevance)).placed
    assert sorted(placed.order) == list(range(len(relevance)))
    assert list(placed.order[:top]) == best_first(relevance)[:top]


@settings(deadline=None, max_examples=60)
@given(relevance=relevances, top=tops, limit=st.integers(1, 90), one_sided=st.booleans(), draw=st.randoms())
def test_any_answers_give_a_permutation_within_the_questions_allowed(relevance, top, limit, one_sided, draw):
    strategy = Active(top_k=top, questions=limit, one_sided=one_sided)
    program = conduct(strategy, len(relevance), lambda _: Answer(draw.choice([None, 0.0, 0.2, 0.5, 1.0])))
    assert sorted(program.placed.order) == list(range(len(relevance)))
    assert len(program.questions) == len(set(program.questions)) <= limit
    assert len(program.questions) <= strategy.most_questions(Task(len(relevance)))
    assert all(program.rounds), "a round must ask something"
    scores = program.placed.scores
    if scores is not None:
        assert all(0.0 <= chance <= 1.0 for chance in scores) and sorted(scores, reverse=True) == list(scores)


def test_the_chances_add_up_to_the_places_there_are():
    placed = conduct(Active(top_k=5), 40, erring(shuffled(40, 1), 0.2, 1)).placed
    assert placed.kind is ScoreKind.PROBABILITY
    assert sum(placed.scores or ()) == pytest.approx(5)


def test_the_exact_top_10_of_100_takes_160_comparisons_behind_a_useful_first_stage():
    noise = random.Random(2)
    for _ in range(5):
        relevance = [noise.gauss(-item / 40, 1) for item in range(100)]
        program = conduct(Active(top_k=10, questions=160, one_sided=True), 100, truth(relevance))
        assert list(program.placed.order[:10]) == best_first(relevance)[:10]


def test_where_a_judge_errs_more_questions_make_a_better_top():
    def found(strategy: Active | Tournament) -> float:
        hits = 0
        for seed in range(6):
            noise = random.Random(seed)
            relevance = [noise.gauss(-item / 30, 1) for item in range(60)]
            order = conduct(strategy, 60, erring(relevance, 0.2, seed)).placed.order
            hits += len(set(order[:10]) & set(best_first(relevance)[:10]))
        return hits / 60

    few, many = (found(Active(top_k=10, questions=limit, one_sided=True)) for limit in (120, 360))
    assert found(Tournament(top_k=10, one_sided=True)) < many and few < many


def test_it_stops_when_the_top_is_settled():
    relevance = [10.0] + [1.0 - item / 100 for item in range(19)]
    enough, all_there_are = (
        conduct(Active(top_k=1, questions=10_000, confidence=share), 20, truth(relevance)) for share in (0.8, 1.0)
    )
    assert enough.placed.order[0] == all_there_are.placed.order[0] == 0
    assert dict(enough.placed.diagnostics)["settled"] >= 0.8 and enough.placed.notes == ()
    assert enough.comparisons < all_there_are.comparisons


def test_too_close_to_call_is_said_and_how_close():
    ranking = JudgeReranker(oracle(), Active(top_k=5, questions=30)).rank(request_of(shuffled(30, 3)))
    [step] = ranking.steps
    assert step.notes == {TOO_CLOSE: 1} and step.warnings == (TOO_CLOSE,)
    assert step.diagnostics["settled"] < 0.9 and step.diagnostics["too_close"] >= 2
    assert ranking.score_kind is ScoreKind.PROBABILITY and TOO_CLOSE in repr(ranking)


def test_the_rate_of_wrong_answers_is_seen():
    rates = [
        dict(conduct(Active(top_k=10, questions=400), 50, erring(shuffled(50, 4), share, 4)).placed.diagnostics)[
            "error_rate"
        ]
        for share in (0.0, 0.3)
    ]
    assert rates[0] < 0.07 < 0.15 < rates[1] < 0.4


# -- both orders of a pair


def test_one_order_is_enough_where_the_judge_has_no_favour_for_a_position():
    questions = conduct(Active(top_k=5), 40, truth(shuffled(40, 5))).questions
    asked = set(questions)
    both = {frozenset(q.indices) for q in questions if Compare(q.second, q.first) in asked}
    assert len(both) == PROBED
    assert all(q.first < q.second for q in questions[2 * PROBED :])


def test_a_favour_for_a_position_is_averaged_out_to_the_end():
    right = truth(shuffled(40, 6))

    def favouring(question: Compare) -> Answer[float]:
        loses = right(question).value == 0.0
        return Answer(1.0) if loses and sum(question.indices) % 3 == 0 else right(question)

    program = conduct(Active(top_k=5), 40, favouring)
    assert len(program.questions) == 2 * program.comparisons
    assert dict(program.placed.diagnostics)["position_bias"] > DISAGREEING


@pytest.mark.parametrize("limit", [1, 2, 7, 41, 57])
def test_the_questions_allowed_are_all_used(limit):
    assert len(conduct(Active(top_k=10, questions=limit), 60, truth(shuffled(60, 7))).questions) == limit


def test_answers_that_contradict_one_another_cancel_out():
    once, twice, contradicted = (Posterior(4, 1, 0.0) for _ in range(3))
    once.update({(0, 1): 1.0})
    twice.update({(0, 1): 1.0, (1, 0): 0.0})
    contradicted.update({(0, 1): 1.0, (1, 0): 1.0})
    assert twice.in_top[0] > once.in_top[0] > contradicted.in_top[0]
    assert contradicted.means[0] == pytest.approx(contradicted.means[1], abs=0.02)


# -- the parts


def test_before_anything_is_asked_the_first_stage_is_believed_as_far_as_it_correlates():
    assert list(Posterior(5, 2, 0.0).means) == [0.0] * 5
    far, near = (Posterior(10, 3, correlation).in_top for correlation in (0.3, 0.9))
    assert near[0] > far[0] > 0.3 > far[9] > near[9]
    assert near.sum() == pytest.approx(3)


def test_what_all_answers_say_together_is_taken_in_whether_at_once_or_one_after_another():
    answers = {(0, 1): 0.0, (1, 2): 1.0, (2, 3): 0.9, (0, 3): 0.2}
    at_once, one_by_one = Posterior(4, 2, 0.5), Posterior(4, 2, 0.5)
    seen: dict[tuple[int, int], float] = {}
    for pair, value in answers.items():
        seen[pair] = value
        one_by_one.update(seen)
    for _ in range(4):
        at_once.update(answers)
        one_by_one.update(answers)
    assert one_by_one.means == pytest.approx(at_once.means, abs=0.01)


def test_one_answer_moves_the_means_as_the_exact_posterior_has_it():
    """Against numbers: two candidates, one answer, the double integral summed on a grid."""
    posterior = Posterior(2, 1, 0.0)
    for _ in range(5):
        posterior.update({(0, 1): 1.0})
    grid = np.linspace(-6, 6, 601)
    one, other = np.meshgrid(grid, grid, indexing="ij")
    rate = posterior.error_rate
    weights = np.exp(-(one**2 + other**2) / 2) * (rate + (1 - 2 * rate) * normal_cdf((one - other) / 0.1))
    assert posterior.means[0] == pytest.approx(float((weights * one).sum() / weights.sum()), abs=0.005)


def test_the_normal_distribution_is_exact():
    values = normal_cdf(np.array([[0.0, 1.959963984540054], [-8.0, 8.0]]))
    assert values.shape == (2, 2)
    assert values.ravel().tolist() == pytest.approx([0.5, 0.975, 6.220960574271e-16, 1.0], rel=1e-9, abs=0)


@given(st.lists(st.floats(0, 1), max_size=12))
def test_falling_values_fall_and_keep_their_sum(values):
    found = falling(values)
    assert all(one >= other for one, other in pairwise(found))
    assert sum(found) == pytest.approx(sum(values))
    if values == sorted(values, reverse=True):
        assert found == pytest.approx(values)


def test_an_order_follows_all_wins_or_there_is_none():
    assert followed([(2, 0), (0, 1)], [0.0, 9.0, -1.0, 5.0]) == [3, 2, 0, 1]
    assert followed([(2, 0), (0, 1), (1, 2)], [0.0, 0.0, 0.0, 0.0]) is None


# -- calibration


def test_of_those_said_to_be_in_the_top_with_a_probability_such_a_share_is():
    """150 simulated queries, with as many wrong answers as it happens; the benchmark has 2,000."""
    told: list[tuple[float, bool]] = []
    for seed in range(150):
        drawn = random.Random(seed)
        relevance = [0.5 * rank + 0.87 * drawn.gauss(0, 1) for rank in (Posterior(30, 5, 0.5).means / 0.5).tolist()]
        share = drawn.choice([0.05, 0.1, 0.2, 0.3])
        placed = conduct(Active(top_k=5, questions=80, one_sided=True), 30, erring(relevance, share, seed)).placed
        best = set(best_first(relevance)[:5])
        told += [(chance, item in best) for item, chance in zip(placed.order, placed.scores or (), strict=True)]
    for low, high in ((0.0, 0.1), (0.1, 0.3), (0.3, 0.5), (0.5, 0.7), (0.7, 0.9), (0.9, 1.01)):
        inside = [(chance, is_in) for chance, is_in in told if low <= chance < high]
        assert len(inside) > 50
        said, was = (sum(values) / len(inside) for values in zip(*inside, strict=True))
        assert abs(said - was) < 0.1, (low, high, said, was)


# -- its place in the library


def test_the_contract_and_the_budget_around_it():
    check_reranker(JudgeReranker(oracle(), Active(top_k=2, questions=9)))
    ranking = JudgeReranker(oracle(), Active(top_k=3)).rank(request_of(range(20)), budget=Budget(calls=17))
    assert ranking.usage.calls == 17 and ranking.steps[0].stopped == "budget of 17 calls"
    assert sorted(ranking.order) == list(range(20)) and ranking.scores is not None


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"questions": 0}, "questions is 0"),
        ({"together": 0}, "together is 0"),
        ({"confidence": 0.0}, "confidence of 0.0"),
        ({"confidence": 1.5}, "confidence of 1.5"),
        ({"correlation": 1.0}, "correlation of 1.0"),
        ({"correlation": -0.1}, "correlation of -0.1"),
    ],
)
def test_numbers_that_mean_nothing_are_refused(option, words):
    with pytest.raises(ConfigError, match=words):
        Active(**option)


def test_it_is_built_from_a_spec_with_its_options():
    options = {"questions": 200, "confidence": 0.9, "correlation": 0.4, "together": 5}
    spec = parse({"paradigm": "pairwise", "strategy": "active", "strategy_options": options})
    assert spec.build_strategy() == Active(top_k=10, **options)
    assert spec.gives_scores


def test_a_spec_is_checked_without_numpy():
    code = "import sys; from rankkit.pairwise import Active; Active(questions=5); sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
