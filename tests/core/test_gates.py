"""Gates that skip a stage for easy queries, and cuts that drop a tail."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankkit.core.gates import (
    DropAfter,
    DropAtGap,
    DropBelow,
    EntropyBelow,
    FewerThan,
    MarginAbove,
    Situation,
    TimeBelow,
    TopScoreAbove,
    entropy_of,
)
from rankkit.core.ranking import Candidate, Query, Request, ScoreKind, step_to_dict
from rankkit.core.usage import Budget
from rankkit.errors import ConfigError
from rankkit.pipeline.judged import JudgeReranker
from rankkit.pointwise.strategy import ScoreAll
from rankkit.testing import ScriptedJudge, oracle, request_of


def scorer(name: str = "scores"):
    return JudgeReranker(
        ScriptedJudge(oracle().answer, name=name, score_kind=ScoreKind.LOGIT, fingerprints={"model": name}), ScoreAll()
    )


@pytest.mark.parametrize(
    ("gate", "situation", "reason"),
    [
        (TopScoreAbove(5), Situation(2, (7.5, 1.0)), "top score 7.5 is above 5"),
        (TopScoreAbove(7.5), Situation(2, (7.5, 1.0)), ""),
        (TopScoreAbove(5), Situation(2), ""),
        (MarginAbove(2), Situation(3, (5.0, 1.5, 1.0)), "margin 3.5 is above 2"),
        (MarginAbove(2), Situation(3, (5.0, 4.5, 1.0)), ""),
        (MarginAbove(2), Situation(1, (5.0,)), ""),
        (EntropyBelow(0.5), Situation(2, (9.0, 0.0)), "entropy 0.001234 is below 0.5"),
        (EntropyBelow(0.5), Situation(2, (1.0, 1.0)), ""),
        (EntropyBelow(0.5), Situation(2), ""),
        (FewerThan(3), Situation(2), "2 candidates are fewer than 3"),
        (FewerThan(2), Situation(2), ""),
        (TimeBelow(1), Situation(2, seconds_left=0.25), "0.25 s left are less than 1 s"),
        (TimeBelow(1), Situation(2, seconds_left=2.0), ""),
        (TimeBelow(1), Situation(2), ""),
    ],
    ids=str,
)
def test_a_gate_holds_and_says_why_or_does_not(gate, situation, reason):
    assert gate.reason(situation) == reason


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20))
def test_entropy_lies_between_certainty_and_chance(scores):
    assert -1e-9 <= entropy_of(scores) <= math.log(len(scores)) + 1e-9


def test_entropy_of_equal_scores_is_that_of_chance():
    assert entropy_of([3.0] * 4) == pytest.approx(math.log(4))


def test_a_skipped_stage_costs_nothing_and_its_step_says_why():
    gated = scorer() >> scorer("expensive").reorder_top(3).skip_if(FewerThan(2), MarginAbove(2.0))
    clear = gated.rank(request_of([0, 9, 1]))
    assert clear.ids == ("d1", "d2", "d0") and clear.usage.calls == 3
    assert clear.steps[1].stage == "pointwise(expensive)"
    assert clear.steps[1].skipped == "margin 8 is above 2"
    assert step_to_dict(clear.steps[1])["skipped"] == "margin 8 is above 2"
    hard = gated.rank(request_of([8, 9, 1]))
    assert hard.steps[1].skipped == "" and hard.usage.calls == 6


def test_easy_and_hard_queries_go_their_ways_in_one_run():
    gated = scorer() >> scorer("expensive").skip_if(TopScoreAbove(5))
    rankings = gated.rank_many([request_of([9, 1]), request_of([1, 2]), request_of([0, 6])])
    assert [ranking.steps[1].skipped for ranking in rankings] == [
        "top score 9 is above 5",
        "",
        "top score 6 is above 5",
    ]


def test_the_first_stage_is_gated_by_the_retrievers_scores():
    candidates = (Candidate("a", "one", score=9.0), Candidate("b", "two", score=1.0))
    ranking = scorer().skip_if(MarginAbove(5)).rank(Request(Query("q"), candidates))
    assert ranking.steps[0].skipped == "margin 8 is above 5" and ranking.scores is None


def test_a_gate_without_scores_lets_the_stage_run_and_that_is_told():
    ranking = scorer().skip_if(MarginAbove(5)).rank(request_of([1, 2]))
    assert ranking.ids == ("d1", "d0")
    assert ranking.steps[0].notes == {"MarginAbove(bound=5) had no scores": 1}


def test_a_stage_that_would_not_finish_is_not_begun():
    cascade = scorer() >> scorer("slow").skip_if(TimeBelow(30))
    assert cascade.rank(request_of([1, 2])).steps[1].skipped == ""
    assert "s left are less than 30 s" in cascade.rank(request_of([1, 2]), budget=Budget(seconds=9)).steps[1].skipped


def test_gates_in_a_plan():
    """A gate that only counts is decided; one on scores cannot be, so the stage is paid for in the plan."""
    cascade = scorer() >> scorer("b").skip_if(FewerThan(3)) >> scorer("c").skip_if(MarginAbove(0.5))
    plan = cascade.plan(request_of([1, 3]))
    assert [(stage.questions, stage.exact) for stage in plan.stages] == [(2, True), (0, True), (2, False)]


# -- cuts


@pytest.mark.parametrize(
    ("cut", "scores", "kept"),
    [
        (DropAfter(2), (3.0, 2.0, 1.0), [0, 1]),
        (DropAfter(5), (3.0, None), [0, 1]),
        (DropBelow(2.0), (3.0, 2.0, 1.0, None), [0, 1]),
        (DropBelow(9.0), (3.0, 2.0), []),
        (DropAtGap(), (9.0, 8.0, 3.0, 2.0), [0, 1]),
        (DropAtGap(least=3), (9.0, 8.0, 3.0, 2.0), [0, 1, 2]),
        (DropAtGap(), (9.0, 6.0, 3.0), [0]),
        (DropAtGap(), (4.0, 4.0, 4.0), [0, 1, 2]),
        (DropAtGap(), (4.0,), [0]),
        (DropAtGap(), (), []),
        (DropAtGap(), (4.0, 1.0, None), [0]),
    ],
    ids=str,
)
def test_a_cut_keeps(cut, scores, kept):
    assert list(cut.kept(scores)) == kept


@given(st.lists(st.integers(0, 9), max_size=12), st.integers(1, 4))
def test_a_gap_cut_keeps_a_head_of_at_least_so_many(worths, least):
    scores = sorted(map(float, worths), reverse=True)
    kept = list(DropAtGap(least).kept(scores))
    assert kept == list(range(len(kept))) and len(kept) >= min(least, len(scores))


def test_a_cut_by_scores_drops_and_counts():
    ranking = (scorer().drop_below(2) >> scorer("b")).rank(request_of([1, 5, 3, 0]))
    assert ranking.ids == ("d1", "d2") and ranking.dropped == (0, 3)
    assert ranking.steps[0].notes == {"dropped by drop_below(2)": 2}
    assert ranking.steps[1].questions == 2
    assert scorer().drop_at_gap().rank(request_of([9, 8, 1])).ids == ("d0", "d1")


def test_a_cut_by_scores_is_left_out_where_its_stage_gave_none():
    """Its bound is in the unit of that stage: the scores of another one must not be held against it."""
    skipped = (scorer() >> scorer("b").drop_below(99).skip_if(FewerThan(5))).rank(request_of([1, 2]))
    assert skipped.ids == ("d1", "d0") and skipped.steps[1].notes == {"drop_below(99) had no scores": 1}


def test_a_query_without_anything_above_the_threshold_keeps_nothing():
    ranking = (scorer().drop_below(99) >> scorer("b")).rank(request_of([1, 2]))
    assert ranking.ids == () and ranking.dropped == (1, 0)


def test_a_gap_needs_a_sensible_least():
    with pytest.raises(ConfigError, match=r"drop_at_gap\(0\)"):
        DropAtGap(0)
