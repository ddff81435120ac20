"""Rerankers side by side: reciprocal ranks, weighted ranks and scores, checked by hand."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankkit.config import load
from rankkit.core.ranking import Ranking, Request, ScoreKind
from rankkit.core.usage import Budget, Usage
from rankkit.errors import ConfigError, ConnectionFailed
from rankkit.listwise.strategies.single import Single
from rankkit.pipeline.fusion import fuse, normalised
from rankkit.pipeline.judged import JudgeReranker
from rankkit.pointwise.strategy import ScoreAll
from rankkit.testing import ScriptedJudge, check_reranker, oracle, request_of
from tests.backends.loopback import Loopback, chat

#: Side by side, with real waits.
pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Fixed:
    """Says the same of every request: an order, and scores along it."""

    order: tuple[int, ...]
    scores: tuple[float | None, ...] | None = None

    def rank(self, request: Request) -> Ranking:
        kind = ScoreKind.LOGIT if self.scores else None
        inside = tuple(place for place in range(len(request)) if place not in self.order)
        return Ranking(request, self.order, self.scores, kind, Usage(calls=1), dropped=inside)


def scorer(name: str = "scores", **changes):
    judge = ScriptedJudge(oracle().answer, name=name, score_kind=ScoreKind.LOGIT, fingerprints={"model": name})
    return JudgeReranker(judge, ScoreAll(), **changes)


def broken():
    def answer(asked):
        raise ConnectionFailed("nobody there")

    return JudgeReranker(ScriptedJudge(answer, name="broken", fingerprints={"model": "broken"}), ScoreAll())


THREE = request_of([0, 0, 0])


def test_reciprocal_ranks_add_up():
    ranking = fuse(Fixed((0, 1, 2)), Fixed((2, 0, 1))).rank(THREE)
    assert ranking.order == (0, 2, 1) and ranking.score_kind is ScoreKind.FUSED
    assert ranking.scores == pytest.approx((1 / 61 + 1 / 62, 1 / 63 + 1 / 61, 1 / 62 + 1 / 63))
    assert ranking.usage.calls == 2 and len(ranking.steps) == 2


def test_weights_count_in_every_method():
    first, second = Fixed((0, 1, 2), (3.0, 2.0, 1.0)), Fixed((2, 1, 0), (3.0, 2.0, 1.0))
    for method in ("rrf", "weighted", "scores"):
        assert fuse(first, second, method=method, weights=[1, 3]).rank(THREE).order == (2, 1, 0)
        assert fuse(first, second, method=method, weights=[3, 1]).rank(THREE).order == (0, 1, 2)
    assert fuse(first, second, method="weighted", weights=[1, 3]).rank(THREE).scores == (10 / 3, 8 / 3, 2)


def test_scores_are_made_comparable_before_they_are_added():
    small, large = Fixed((0, 1, 2), (0.9, 0.8, 0.0)), Fixed((1, 2, 0), (1000.0, 500.0, 0.0))
    ranking = fuse(small, large, method="scores").rank(THREE)
    assert ranking.order == (1, 0, 2)
    assert ranking.scores == pytest.approx((8 / 9 + 1, 1.0, 0.5))


def test_equal_sums_keep_the_first_stage_order():
    assert fuse(Fixed((0, 1, 2)), Fixed((2, 1, 0)), method="weighted").rank(THREE).order == (0, 1, 2)
    assert fuse(Fixed((1, 0, 2)), Fixed((0, 1, 2))).rank(THREE).order == (0, 1, 2)


@pytest.mark.parametrize("normalise", ["minmax", "zscore", "rank"])
def test_one_candidate_is_no_worst_one(normalise):
    [score] = fuse(scorer("a"), scorer("b"), method="scores", normalise=normalise).rank(request_of([7])).scores
    assert score == {"minmax": 2.0, "zscore": 0.0, "rank": 2.0}[normalise]


def test_a_member_whose_scores_are_all_equal_has_no_say():
    flat, sharp = Fixed((0, 1, 2), (4.0, 4.0, 4.0)), Fixed((2, 1, 0), (3.0, 2.0, 1.0))
    for normalise in ("minmax", "zscore"):
        assert fuse(flat, sharp, method="scores", normalise=normalise).rank(THREE).order == (2, 1, 0)


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20),
    st.sampled_from(["minmax", "zscore"]),
)
def test_normalising_never_turns_the_order_or_overflows(scores, how):
    out = normalised(scores, how)
    assert all(-1e9 < value < 1e9 for value in out)
    for one, other in zip(range(len(scores)), range(1, len(scores)), strict=False):
        if scores[one] >= scores[other]:
            assert out[one] >= out[other]
    if how == "minmax":
        assert max(out) == 1.0


@given(st.permutations(range(5)), st.permutations(range(5)), st.permutations(range(5)))
def test_the_order_of_the_members_does_not_matter(first, second, third):
    request = request_of([0] * 5)
    members = [Fixed(tuple(order)) for order in (first, second, third)]
    assert fuse(*members).rank(request).order == fuse(*reversed(members)).rank(request).order


def test_a_candidate_that_nobody_kept_is_dropped():
    ranking = fuse(Fixed((0,)), Fixed((2,))).rank(THREE)
    assert ranking.order == (0, 2) and ranking.dropped == (1,)
    both = fuse(Fixed((0, 1)), Fixed((1, 2))).rank(THREE)
    assert both.order[0] == 1 and both.dropped == ()


def test_a_fusion_is_a_reranker():
    for method in ("rrf", "weighted", "scores"):
        check_reranker(fuse(scorer("a"), scorer("b"), method=method))
    check_reranker(fuse(scorer("a"), scorer("b")) >> scorer("c").reorder_top(3))
    check_reranker(scorer("a").drop_after(5) >> fuse(scorer("b"), scorer("c")).drop_after(2))


def test_a_fusion_reads_as_what_it_is_and_compares():
    assert repr(fuse(scorer("a"), scorer("b"))) == "fuse(pointwise(a), pointwise(b))"
    assert repr(fuse(scorer("a"), scorer("b"), method="scores", weights=[1, 2], normalise="zscore")) == (
        "fuse(pointwise(a), pointwise(b), method='scores', weights=(1.0, 2.0), normalise='zscore')"
    )
    assert fuse(Fixed((0,)), weights=[1]) == fuse(Fixed((0,)))
    assert fuse(Fixed((0,)), k=10) != fuse(Fixed((0,)))


def test_the_plan_is_what_is_paid_and_members_share_what_they_know():
    fusion = fuse(scorer("a"), scorer("b"), scorer("a"))
    plan, ranking = fusion.plan(request_of([1, 2, 3])), fusion.rank(request_of([1, 2, 3]))
    assert plan.calls == ranking.usage.calls == 6
    assert [stage.questions for stage in plan.stages] == [step.questions for step in ranking.steps] == [3, 3, 0]


def test_a_member_that_fails_is_left_out_or_ends_it():
    left_out = fuse(scorer("a"), broken()).rank(request_of([1, 2]))
    assert left_out.ids == ("d1", "d0") and left_out.scores == pytest.approx((1 / 61, 1 / 62))
    assert left_out.steps[1].failures == ("ConnectionFailed: nobody there",)
    nobody = fuse(broken(), broken()).rank(request_of([1, 2]))
    assert nobody.ids == ("d0", "d1") and nobody.scores is None
    with pytest.raises(ConnectionFailed):
        fuse(scorer("a"), broken(), on_member_failure="raise").rank(request_of([1, 2]))


def test_one_budget_for_all_members():
    ranking = fuse(scorer("a"), scorer("b")).rank(request_of([1, 2, 3]), budget=Budget(calls=4))
    assert ranking.usage.calls == 4 and ranking.ids == ("d2", "d1", "d0")  # what the second had time for is no vote


@dataclass(frozen=True)
class Hanging:
    release: threading.Event = field(default_factory=threading.Event)

    def rank(self, request: Request) -> Ranking:
        self.release.wait(10)
        return Ranking(request, tuple(range(len(request))))


def together(size: int, most: list[int]):
    """An answerer that waits until ``size`` members ask at once, a second at most, and notes how many did."""
    asking, lock = threading.Barrier(size), threading.Lock()

    def answer(asked):
        try:
            asking.wait(1)
            with lock:
                most.append(size)
        except threading.BrokenBarrierError:
            with lock:
                most.append(1)
        return oracle().answer(asked)

    return answer


class Remote(ScriptedJudge):
    """Waits for a server, as judges of endpoints do."""

    waits = True


def waiting(answer, name: str, **changes):
    fingerprints = {"model": changes.pop("model", name)}
    judge = Remote(answer, name=name, fingerprints=fingerprints, concurrency=4, **changes)
    return JudgeReranker(judge, ScoreAll())


def test_members_that_wait_for_a_server_wait_at_the_same_time():
    most, events = [], []
    shared = together(2, most)
    fusion = fuse(waiting(shared, "a"), scorer(), waiting(shared, "b"))
    ranking = fusion.rank(request_of([1]), progress=events.append)
    assert most == [2, 2]
    assert [step.stage for step in ranking.steps] == ["pointwise(a)", "pointwise(scores)", "pointwise(b)"]
    assert ranking.usage.calls == fusion.plan(request_of([1])).calls == 3 and len(events) == 6


def test_models_on_this_machine_keep_their_turns_however_many_threads_they_have():
    most: list[int] = []
    shared = together(2, most)
    members = [
        JudgeReranker(ScriptedJudge(shared, name=name, fingerprints={"model": name}, concurrency=4), ScoreAll())
        for name in ("a", "b")
    ]
    fuse(*members).rank(request_of([1]))
    assert set(most) == {1}


def test_two_endpoints_are_asked_at_the_same_time():
    pytest.importorskip("openai", reason="the openai extra is not installed")
    with Loopback() as server:
        both = threading.Barrier(2)

        def answer(asked):
            both.wait(10)
            return chat("[2] > [1]")

        server.behaviour = answer
        members = [{"paradigm": "listwise", "model": name, "endpoint": server.url} for name in ("large", "other")]
        ranking = load({"members": members}).rerank("word", ["bad", "good"])
    assert ranking.ids == ("1", "0") and ranking.usage.calls == 2


@pytest.mark.parametrize(("second", "budget"), [("b", Budget(calls=9)), ("a", None)])
def test_where_a_limit_or_a_memo_is_shared_they_keep_their_turns(second, budget):
    most: list[int] = []
    shared = together(2, most)
    members = waiting(shared, "a"), waiting(shared, "b", model=second)
    ranking = fuse(*members).rank(request_of([1]), budget=budget)
    assert set(most) == {1}
    assert ranking.usage.calls == (1 if second == "a" else 2)


def test_the_error_of_the_first_member_that_failed_ends_it_whoever_was_first():
    def fails(name):
        def answer(asked):
            raise ConnectionFailed(name)

        return waiting(answer, name)

    for _ in range(20):
        with pytest.raises(ConnectionFailed, match="one"):
            fuse(fails("one"), fails("two"), on_member_failure="raise").rank(THREE)
        with pytest.raises(ConnectionFailed, match="one"):
            fuse(fails("one"), broken(), fails("two"), on_member_failure="raise").rank(THREE)
        assert fuse(fails("one"), fails("two"), scorer()).rank(THREE).steps[0].failures == ("ConnectionFailed: one",)


def test_a_deadline_is_shared_out_to_the_members():
    hanging = Hanging()
    ranking = fuse(hanging, scorer()).rank(request_of([1, 2]), budget=Budget(seconds=0.5))
    hanging.release.set()
    assert ranking.ids == ("d1", "d0")
    assert [step.stopped for step in ranking.steps] == ["budget of 0.25 seconds", ""]


def test_orders_without_scores_cannot_be_fused_by_score():
    lister = JudgeReranker(oracle(None), Single())
    with pytest.raises(ConfigError, match=r"single\(\)\(oracle\) gave no scores.*\n.*rrf"):
        fuse(lister, scorer(), method="scores").rank(request_of([1, 2]))
    assert fuse(lister, scorer(), method="scores", normalise="rank").rank(request_of([1, 2])).scores == (2.0, 1.0)
    # Nor can an order with the scores of a stage before, which are not what the last one says.
    with pytest.raises(ConfigError, match=r"gave no scores"):
        fuse(scorer() >> lister, scorer(), method="scores").rank(request_of([1, 2]))


@pytest.mark.parametrize(
    ("members", "options", "words"),
    [
        ((), {}, "no rerankers"),
        ((Fixed((0,)),), {"method": "rff"}, r"method is 'rff'\n.*rrf"),
        ((Fixed((0,)),), {"normalise": "softmax"}, "normalise is 'softmax'"),
        ((Fixed((0,)),), {"weights": [1, 2]}, "2 weights for 1 rerankers"),
        ((Fixed((0,)),), {"weights": [0]}, r"weights are \(0.0,\)"),
        ((Fixed((0,)),), {"weights": [float("nan")]}, "weights are"),
        ((Fixed((0,)),), {"k": -1}, "k is -1"),
        (("bm25",), {}, "'bm25' is no reranker"),
    ],
)
def test_what_cannot_be_fused_is_refused_when_it_is_built(members, options, words):
    with pytest.raises(ConfigError, match=words):
        fuse(*members, **options)
