"""Rerankers in a row: how they are put together, what they share, and what happens when one of them fails."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rankkit.core.gates import FewerThan
from rankkit.core.judge import BoundQuestion
from rankkit.core.questions import Answer
from rankkit.core.ranking import Ranking, Request, ScoreKind
from rankkit.core.step import THRESHOLD_WITHOUT_SCORES
from rankkit.core.usage import Budget, Usage
from rankkit.errors import BackendError, BudgetExhausted, ConfigError, ConnectionFailed, ContractViolation
from rankkit.listwise.strategies.single import Single
from rankkit.listwise.strategies.sliding import Sliding
from rankkit.pairwise.difference import ScoreDifferenceJudge
from rankkit.pairwise.strategies.allpairs import AllPairs
from rankkit.pipeline.cascade import BaseReranker, Cascade
from rankkit.pipeline.fusion import fuse
from rankkit.pipeline.judged import JudgeReranker
from rankkit.pipeline.stage import Stage
from rankkit.pointwise.strategy import ScoreAll
from rankkit.testing import ScriptedJudge, check_oracle_order, check_reranker, oracle, request_of

FIVE = [1, 5, 3, 0, 4]


def scorer(sign: float = 1.0, *, name: str = "", kind: ScoreKind = ScoreKind.LOGIT, batch: int = 1):
    """Scores by relevance, or against it."""

    def answer(asked: BoundQuestion) -> Answer:
        truth = oracle().answer(asked).value
        return Answer(sign * truth)

    name = name or ("scores" if sign > 0 else "worst first")
    judge = ScriptedJudge(answer, name=name, score_kind=kind, batch=batch, fingerprints={"model": name})
    return JudgeReranker(judge, ScoreAll())


def lister(name: str = "lists"):
    """Gives an order and no scores."""
    return JudgeReranker(ScriptedJudge(oracle().answer, name=name, fingerprints={"model": name}), Single())


def broken(error: Exception | None = None, *, for_query: str = ""):
    def answer(asked: BoundQuestion) -> Answer:
        if asked.request.query.text == for_query or not for_query:
            raise error or ConnectionFailed("nobody there")
        return oracle().answer(asked)

    return JudgeReranker(ScriptedJudge(answer, name="broken", fingerprints={"model": "broken"}), ScoreAll())


@dataclass(frozen=True)
class Reversed:
    """Somebody's own: any object with ``rank``."""

    def rank(self, request: Request) -> Ranking:
        return Ranking(request, tuple(reversed(range(len(request)))), usage=Usage(calls=1))


@dataclass(frozen=True)
class Hanging:
    release: threading.Event = field(default_factory=threading.Event)

    def rank(self, request: Request) -> Ranking:
        self.release.wait(10)
        return Ranking(request, tuple(reversed(range(len(request)))))


# -- as values


def test_the_tail_is_dropped_or_kept_behind_by_name():
    dropped = (scorer() >> lister().drop_after(2)).rank(request_of(FIVE))
    assert dropped.ids == ("d1", "d4") and dropped.dropped == (2, 0, 3)
    kept = (scorer() >> scorer(-1.0).reorder_top(2)).rank(request_of(FIVE))
    assert kept.ids == ("d4", "d1", "d2", "d0", "d3") and kept.dropped == ()


def test_a_cascade_reads_as_the_pipeline():
    cascade = scorer().drop_after(20) >> lister().reorder_top(5).skip_if(FewerThan(3)).on_failure(scorer())
    assert repr(cascade) == (
        "pointwise(scores).drop_after(20) >> "
        "single()(lists).reorder_top(5).skip_if(FewerThan(candidates=3)).on_failure(pointwise(scores))"
    )
    assert repr((scorer() >> lister()).reorder_top(9).with_budget(Budget(calls=7)) >> Reversed()) == (
        "(pointwise(scores) >> single()(lists)).reorder_top(9).with_budget(Budget(calls=7)) >> Reversed()"
    )
    assert repr(scorer().drop_below(0.5).drop_at_gap() >> lister().on_failure("raise")) == (
        "pointwise(scores).drop_below(0.5).drop_at_gap() >> single()(lists).on_failure('raise')"
    )


def test_rows_of_rows_are_one_row_and_equal():
    a, b, c = scorer(), lister(), Reversed()
    assert (a >> b) >> c == a >> (b >> c) == Cascade.of(a, b, c)
    assert len((a >> b >> c).stages) == 3
    assert Reversed() >> a == Cascade.of(Reversed(), a)
    assert a.drop_after(5) >> b != a >> b
    assert len(((a >> b).reorder_top(3) >> c).stages) == 2  # it says something of both: one stage


@pytest.mark.parametrize(
    "inside",
    [
        lambda stage: fuse(scorer(), stage),
        lambda stage: scorer().on_failure(stage),
        lambda stage: (stage >> lister()).on_failure("raise"),
        lambda stage: fuse(scorer(), scorer().on_failure(stage)),
    ],
    ids=["a member", "a stand-in", "a row that is one stage", "a member's stand-in"],
)
def test_what_is_inside_of_a_stage_gets_no_more_than_the_stage(inside):
    with pytest.raises(ConfigError, match=r"keeps 5, but only 4 candidates reach it"):
        scorer().drop_after(4) >> inside(scorer().drop_after(5))
    with pytest.raises(ConfigError, match=r"reorders the top 5, but only 4"):
        _ = scorer() >> inside(lister().reorder_top(5)).reorder_top(4)
    scorer().drop_after(5) >> inside(scorer().drop_after(5)) >> lister().drop_after(5)


def test_what_a_stage_drops_inside_does_not_count_behind_it_for_it_may_fail():
    inner = (scorer().drop_after(2) >> lister()).on_failure("keep").with_budget(Budget(seconds=9))
    assert len((inner >> lister().drop_after(3)).stages) == 2


def test_what_cannot_work_is_refused_when_it_is_built():
    with pytest.raises(ConfigError, match=r"reorders the top 50, but only 20 candidates reach it"):
        scorer().drop_after(20) >> lister().reorder_top(50)
    with pytest.raises(ConfigError, match=r"keeps 30, but only 20"):
        scorer().drop_after(20) >> Reversed() >> lister().drop_after(30)
    with pytest.raises(ConfigError, match=r"keeps 30, but only 20"):
        scorer().drop_after(20).drop_after(30)
    with pytest.raises(ConfigError, match=r"drop_after\(0\) would leave nothing"):
        scorer().drop_after(0)
    with pytest.raises(ConfigError, match=r"reorder_top\(-1\)"):
        scorer().reorder_top(-1)
    with pytest.raises(ConfigError, match=r"on_failure is 'retry'.*\n.*'keep', 'partial', 'raise', or a reranker"):
        scorer().on_failure("retry")
    with pytest.raises(ConfigError, match="a stage is a reranker, not 3"):
        Cascade.of(scorer(), 3)
    with pytest.raises(ConfigError, match="no stages"):
        Cascade(())


# -- the contract


@pytest.mark.parametrize(
    "cascade",
    [
        scorer() >> lister(),
        scorer().drop_after(4) >> lister().reorder_top(3),
        lister() >> scorer(-1.0).reorder_top(2).drop_below(-1.0),
        (scorer() >> lister()).reorder_top(3).skip_if(FewerThan(2)) >> scorer(),
        broken() >> lister(),
        scorer() >> broken().on_failure(lister()),
    ],
    ids=repr,
)
def test_a_cascade_is_a_reranker(cascade):
    assert isinstance(cascade, BaseReranker)
    check_reranker(cascade)


def test_a_rank_only_stage_keeps_the_contract_too():
    check_reranker(Reversed() >> scorer().reorder_top(3))
    check_reranker(scorer() >> Reversed())
    check_oracle_order(Reversed() >> scorer(), FIVE)


RELEVANCES = st.lists(st.integers(0, 4), max_size=12)


@st.composite
def cascades(draw):
    """Up to four stages of all kinds, never wider than what reaches them."""
    width = 12
    parts = []
    for _ in range(draw(st.integers(1, 4))):
        part = draw(st.sampled_from([scorer(), scorer(-1.0, name="worst"), lister(), broken(), Reversed()]))
        part = Cascade.of(part)
        if draw(st.booleans()):
            part = part.reorder_top(draw(st.integers(1, width)))
        if draw(st.booleans()):
            width = draw(st.integers(1, width))
            part = part.drop_after(width)
        if draw(st.booleans()):
            part = part.drop_below(draw(st.integers(-2, 3)))
        parts.append(part)
    return Cascade.of(*parts)


def test_a_threshold_is_left_out_where_the_stage_with_the_scores_failed():
    ranking = (broken().on_failure("keep") >> lister()).rank(request_of([1, 2, 3]), threshold=2.0)
    assert len(ranking) == 3 and ranking.scores is None
    assert THRESHOLD_WITHOUT_SCORES in ranking.steps[-1].warnings


@settings(max_examples=50)
@given(cascades(), RELEVANCES)
def test_no_candidate_is_lost_and_the_bill_is_the_sum_of_the_stages(cascade, relevance):
    ranking = cascade.rank(request_of(relevance))
    assert sorted((*ranking.order, *ranking.dropped)) == list(range(len(relevance)))
    assert ranking.usage == sum((step.usage for step in ranking.steps), Usage())
    assert len(ranking.steps) == len(cascade.stages)
    assert (ranking.scores is None) == (ranking.score_kind is None)


@given(RELEVANCES, st.integers(1, 12), st.integers(1, 12), st.integers(1, 3))
def test_the_plan_is_what_is_then_paid(relevance, width, top, batch):
    cascade = scorer(batch=batch).drop_after(width) >> (
        scorer(-1.0, name="other", batch=batch) >> JudgeReranker(oracle(batch=batch), AllPairs())
    ).reorder_top(min(width, top))
    plan, ranking = cascade.plan(request_of(relevance)), cascade.rank(request_of(relevance))
    for figure in ("calls", "input_tokens", "output_tokens"):
        assert getattr(plan.usage, figure) == getattr(ranking.usage, figure)
    assert [(stage.questions, stage.sequential_rounds) for stage in plan.stages] == [
        (step.questions, step.sequential_rounds) for step in _inner(ranking)
    ]


def _inner(ranking: Ranking):
    return [step for step in ranking.steps if not step.skipped]


def test_a_plan_says_where_it_only_guesses():
    request = request_of(FIVE)
    exact = [stage.exact for stage in (scorer() >> scorer(-1.0, name="b")).plan(request).stages]
    assert exact == [True, True]  # all candidates reach both
    exact = [stage.exact for stage in (scorer().reorder_top(3) >> scorer(name="b").reorder_top(2)).plan(request).stages]
    assert exact == [True, False]  # which two is not known before
    exact = [stage.exact for stage in (scorer().drop_below(2) >> scorer(name="b")).plan(request).stages]
    assert exact == [True, False]  # nor how many
    assert not (Reversed() >> scorer()).plan(request).exact


def test_a_plan_keeps_to_the_budget_as_the_run_does():
    cascade = scorer() >> scorer(name="b")
    plan, ranking = (f(request_of(FIVE), budget=Budget(calls=7)) for f in (cascade.plan, cascade.rank))
    assert plan.calls == ranking.usage.calls == 7
    assert [step.stopped for step in ranking.steps] == ["", "budget of 7 calls"]


@given(st.lists(st.floats(-9, 9, allow_nan=False), min_size=1, max_size=30), st.integers(1, 20))
def test_a_comparison_by_score_difference_changes_nothing(relevance, depth):
    wide = JudgeReranker(oracle(ScoreKind.LOGIT), ScoreAll())
    narrow = JudgeReranker(ScoreDifferenceJudge(oracle(ScoreKind.LOGIT)), AllPairs())
    alone = wide.rank(request_of(relevance))
    assert (wide >> narrow.reorder_top(depth)).rank(request_of(relevance)).order == alone.order


# -- what stages share


def test_what_one_stage_was_told_the_next_one_knows():
    same = scorer() >> Reversed() >> scorer().reorder_top(2)
    ranking = same.rank(request_of(FIVE))
    assert [step.cached_answers for step in ranking.steps] == [0, 0, 2]
    assert same.plan(request_of(FIVE)).stages[2].questions == ranking.steps[2].questions == 0


@given(st.permutations(range(6)), st.integers(2, 6))
def test_known_orders_mean_the_same_documents_in_another_place(relevance, top):
    """The same question about the same documents, which stand elsewhere: d0, d1 at 4, 5, then at 0, 1."""
    cascade = lister() >> Reversed() >> Reversed() >> lister().reorder_top(top) >> lister()
    check_oracle_order(cascade, relevance)
    nested = (Reversed() >> lister().reorder_top(top)).reorder_top(6) >> lister()
    check_oracle_order(nested, relevance)


def test_scores_are_never_of_two_kinds():
    request = request_of(FIVE)
    two = scorer(kind=ScoreKind.LOGIT) >> scorer(-1.0, name="b", kind=ScoreKind.PROBABILITY).reorder_top(2)
    ranking = two.rank(request)
    assert ranking.ids == ("d4", "d1", "d2", "d0", "d3")
    assert ranking.scores == (-4.0, -5.0, None, None, None) and ranking.score_kind == ScoreKind.PROBABILITY
    carried = (scorer(-1.0) >> lister().reorder_top(2)).rank(request)  # a listwise head: everyone keeps their score
    assert carried.ids == ("d0", "d3", "d2", "d4", "d1")
    assert carried.scores == (-1.0, 0.0, -3.0, -4.0, -5.0) and carried.score_kind == ScoreKind.LOGIT
    assert (lister() >> lister()).rank(request).scores is None


def test_the_questions_of_many_requests_stay_together():
    calls = []

    def answer(asked: BoundQuestion) -> Answer:
        calls.append(asked.request.query.text)
        return oracle().answer(asked)

    first = JudgeReranker(ScriptedJudge(answer, name="first", batch=4), ScoreAll())
    requests = [request_of([1, 2], "one"), request_of([2, 1], "two")]
    rankings = (first >> scorer(name="second", batch=4).reorder_top(2)).rank_many(requests)
    assert sum((ranking.usage for ranking in rankings), Usage()).calls == 2  # one for each stage
    assert calls == ["one", "one", "two", "two"]


def test_one_budget_for_all_and_one_for_a_stage():
    ranking = (scorer().with_budget(Budget(calls=3)) >> scorer(name="b")).rank(request_of(FIVE))
    assert [step.stopped for step in ranking.steps] == ["budget of 3 calls", ""]
    assert [step.usage.calls for step in ranking.steps] == [3, 5]
    assert ranking.ids == ("d1", "d4", "d2", "d0", "d3")


# -- failures


def test_a_failed_stage_leaves_the_order_before_it_and_says_so():
    ranking = (scorer() >> broken().reorder_top(3)).rank(request_of(FIVE))
    assert ranking.ids == ("d1", "d4", "d2", "d0", "d3") and ranking.scores == (5.0, 4.0, 3.0, 1.0, 0.0)
    assert ranking.steps[1].failures == ("ConnectionFailed: nobody there",)


def test_a_cut_protects_the_next_stage_also_behind_a_failure():
    ranking = (broken().drop_after(2) >> scorer()).rank(request_of(FIVE))
    assert ranking.ids == ("d1", "d0") and ranking.steps[1].questions == 2


@pytest.mark.parametrize("budget", [None, Budget(calls=99)], ids=["no limit", "limited"])
def test_a_failure_of_one_request_is_not_that_of_the_others_and_nothing_is_paid_twice(budget):
    requests = [request_of(FIVE, "good"), request_of(FIVE, "bad"), request_of(FIVE, "fine")]
    rankings = (scorer() >> broken(for_query="bad").drop_after(4)).rank_many(requests, budget=budget)
    assert [ranking.ids for ranking in rankings] == [("d1", "d4", "d2", "d0")] * 3
    assert [any(step.failures for step in ranking.steps) for ranking in rankings] == [False, True, False]
    good = rankings[0]
    assert good.usage.calls == 10 and good.usage == sum((step.usage for step in good.steps), Usage())
    assert good.steps[1].notes == {"asked again, after another request of the batch failed": 1}
    assert good.steps[2].cached_answers == 5


def test_a_stand_in_is_run_where_the_stage_failed():
    cascade = scorer(-1.0) >> broken(for_query="bad").reorder_top(3).on_failure(lister())
    good, bad = cascade.rank_many([request_of(FIVE, "good"), request_of(FIVE, "bad")])
    assert good.ids == bad.ids == ("d2", "d0", "d3", "d4", "d1")
    assert bad.steps[-1].stage == "single()(lists)" and bad.steps[-1].notes == {"in place of pointwise(broken)": 1}
    assert bad.steps[-2].failures
    neither = (scorer() >> broken().on_failure(broken())).rank(request_of(FIVE))
    assert neither.ids == ("d1", "d4", "d2", "d0", "d3")


def test_a_stand_in_is_run_when_every_question_failed_though_the_stage_itself_goes_on():
    patient = JudgeReranker(broken().judge, ScoreAll(), on_call_failure="partial")
    ranking = patient.on_failure(scorer()).rank(request_of(FIVE))
    assert ranking.ids == ("d1", "d4", "d2", "d0", "d3")


def test_a_cascade_inside_deals_with_its_own_failures():
    """What its other stages learned is not thrown away by the one around it."""
    inside = (scorer() >> scorer(-1.0).with_budget(Budget(calls=2))).reorder_top(3)
    assert (inside >> lister().skip_if(FewerThan(9))).rank(request_of(FIVE)).ids == ("d1", "d2", "d0", "d3", "d4")
    both = (broken() >> broken()).reorder_top(3).on_failure(scorer())
    assert both.rank(request_of(FIVE)).ids == ("d1", "d2", "d0", "d3", "d4")


def test_a_mistake_in_the_set_up_is_never_passed_over():
    with pytest.raises(ConfigError, match="gave no scores"):
        (scorer() >> fuse(lister(), method="scores")).rank(request_of(FIVE))


def test_an_order_is_remembered_by_documents_not_by_places():
    """The first stage asks about d2 and d3 at places 2 and 3; the last one would ask the same at places 0 and 1."""

    class BackHalfFirst:
        def rank(self, request: Request) -> Ranking:
            half = len(request) // 2
            return Ranking(request, (*range(half, len(request)), *range(half)))

    pairs = JudgeReranker(ScriptedJudge(oracle().answer), Sliding(2, 1))
    ranking = (pairs >> BackHalfFirst() >> pairs.reorder_top(2)).rank(request_of([9, 8, 5, 4]))
    assert ranking.ids == ("d2", "d3", "d0", "d1")
    assert [step.questions for step in ranking.steps] == [3, 0, 0] and ranking.steps[2].cached_answers == 1


def test_raise_stops_with_the_error():
    with pytest.raises(ConnectionFailed, match="nobody there"):
        (scorer() >> broken().on_failure("raise")).rank_many([request_of(FIVE)] * 2)
    with pytest.raises(BudgetExhausted, match=r"pointwise\(scores\) did not come to its end: budget of 3 calls"):
        scorer().on_failure("raise").rank(request_of(FIVE), budget=Budget(calls=3))


def test_what_was_learned_before_a_limit_counts_only_if_asked_for():
    few = Budget(calls=3)
    assert scorer().drop_after(5).rank(request_of(FIVE), budget=few).order == (0, 1, 2, 3, 4)
    assert scorer().on_failure("partial").rank(request_of(FIVE), budget=few).order == (1, 2, 0, 3, 4)


def test_other_peoples_errors_are_failures_too_but_not_their_broken_promises():
    class Foreign:
        def rank(self, request):
            raise OSError("disk on fire")

    kept = (scorer() >> Foreign()).rank(request_of(FIVE))
    assert kept.ids[0] == "d1" and kept.steps[1].failures == (
        "BackendError: Foreign failed with OSError: disk on fire",
    )
    with pytest.raises(BackendError, match="disk on fire"):
        (scorer() >> Cascade.of(Foreign()).on_failure("raise")).rank(request_of(FIVE))

    class Inventing:
        def rank(self, request):
            return Ranking(request_of([1, 2]), (0, 1))

    with pytest.raises(ContractViolation, match="Inventing must return a Ranking of the request"):
        (scorer() >> Inventing()).rank(request_of(FIVE))


# -- time


def hanging_judge(release: threading.Event):
    def answer(asked: BoundQuestion) -> Answer:
        release.wait(10)
        return oracle().answer(asked)

    return JudgeReranker(ScriptedJudge(answer, name="hangs", fingerprints={"model": "hangs"}), ScoreAll())


@pytest.mark.parametrize("kind", ["judge", "rank only"])
def test_a_deadline_over_a_stage_that_hangs_gives_the_order_before_it(kind):
    release = threading.Event()
    stage = hanging_judge(release) if kind == "judge" else Hanging(release)
    ranking = (scorer() >> stage).rank(request_of(FIVE), budget=Budget(seconds=0.3))
    release.set()
    assert ranking.ids == ("d1", "d4", "d2", "d0", "d3") and ranking.scores[0] == 5.0
    assert "seconds" in ranking.steps[1].stopped


def test_time_is_shared_out_and_what_is_left_is_passed_on():
    hanging = Hanging()
    ranking = (hanging >> scorer() >> lister()).rank(request_of(FIVE), budget=Budget(seconds=1.2))
    hanging.release.set()
    assert ranking.ids[0] == "d1"
    assert [step.stopped for step in ranking.steps] == ["budget of 0.4 seconds", "", ""]  # a third of it


def test_a_stand_in_has_time_left():
    hanging = Hanging()
    cascade = Cascade.of(hanging).on_failure(scorer())
    ranking = cascade.rank(request_of(FIVE), budget=Budget(seconds=0.4))
    hanging.release.set()
    assert ranking.ids[0] == "d1"


def test_a_stage_has_a_deadline_of_its_own():
    hanging = Hanging()
    ranking = (Cascade.of(hanging).with_budget(Budget(seconds=0.1)) >> scorer()).rank(request_of(FIVE))
    hanging.release.set()
    assert ranking.steps[0].stopped == "budget of 0.1 seconds" and ranking.ids[0] == "d1"


def test_each_of_many_requests_has_its_whole_deadline():
    hanging = Hanging()
    rankings = (scorer() >> hanging).rank_many([request_of(FIVE)] * 3, budget=Budget(seconds=0.3))
    hanging.release.set()
    assert [ranking.ids[0] for ranking in rankings] == ["d1"] * 3
    # The hanging stage uses what the first leaves, for each request.
    assert [ranking.steps[1].stopped[:11] for ranking in rankings] == ["budget of 0"] * 3
    assert all(ranking.steps[1].seconds > 0.2 for ranking in rankings)


def test_a_stage_says_what_it_is():
    stage = Stage(scorer(), top=3)
    assert repr(stage) == "pointwise(scores).reorder_top(3)" and stage.name == "pointwise(scores)"
