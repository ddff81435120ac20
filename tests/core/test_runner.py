"""The conversation of strategy, runner and judge, on a handful of documents."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankkit.core.budgeting import Account
from rankkit.core.execution import Progress
from rankkit.core.judge import BoundQuestion, Call, Reply
from rankkit.core.questions import Answer, Asking, Compare, Outcome, Score, StrategyResult, Task
from rankkit.core.ranking import Request
from rankkit.core.runner import Runner
from rankkit.core.usage import Budget, Usage
from rankkit.core.workers import drive
from rankkit.errors import ConnectionFailed, ContextTooSmall, InvalidOutput
from rankkit.pipeline.judged import JudgeReranker
from rankkit.pointwise.strategy import ScoreAll
from rankkit.testing import ScriptedJudge, check_oracle_order, check_reranker, oracle, request_of


@dataclass(frozen=True)
class Champion:
    """The winner stays: candidate 0 meets each next one; two questions may be the same, one round at a time."""

    name = "champion"
    adaptive = True
    ask_twice: bool = False

    def order(self, task: Task) -> Asking[Compare, float]:
        best = 0
        for rival in range(1, task.n):
            for _ in range(2 if self.ask_twice else 1):
                [answer] = yield [Compare(best, rival)]
            if answer.value is not None and answer.value < 0.5:
                best = rival
        rest = [index for index in range(task.n) if index != best]
        return StrategyResult((best, *rest) if task.n else ())


def counting(log: list[BoundQuestion]) -> ScriptedJudge:
    def answer(asked: BoundQuestion) -> Answer:
        log.append(asked)
        return oracle().answer(asked)

    return ScriptedJudge(answer, name="counting")


def test_a_round_of_scores_becomes_a_ranking_with_its_bill():
    ranking = JudgeReranker(oracle(batch=2), ScoreAll()).rank(request_of([1, 5, 3, 0, 4]))
    assert ranking.ids == ("d1", "d4", "d2", "d0", "d3")
    assert ranking.scores == (5.0, 4.0, 3.0, 1.0, 0.0)
    [step] = ranking.steps
    assert (step.questions, step.sequential_rounds, step.usage.calls) == (5, 1, 3)  # two questions a call: 2 + 2 + 1
    assert step.usage.input_tokens == 3 * 10
    assert step.outcomes == {"ok": 5}
    assert step.fingerprints == {"model": "scripted"}


@given(st.lists(st.integers(0, 3), max_size=30))
def test_an_oracle_gives_the_perfect_order_and_ties_keep_the_first_stage_order(relevance):
    reranker = JudgeReranker(oracle(), ScoreAll())
    check_oracle_order(reranker, relevance)
    order = reranker.rank(request_of(relevance)).order
    assert list(order) == sorted(range(len(relevance)), key=lambda index: -relevance[index])


def test_the_contract_holds_for_a_scripted_reranker():
    check_reranker(JudgeReranker(oracle(), ScoreAll()))
    check_reranker(JudgeReranker(oracle(), Champion()))


def test_nothing_is_asked_twice():
    log: list[BoundQuestion] = []
    ranking = JudgeReranker(counting(log), Champion(ask_twice=True)).rank(request_of([1, 2, 3]))
    assert ranking.ids[0] == "d2"
    assert [asked.question for asked in log] == [Compare(0, 1), Compare(1, 2)]
    assert ranking.steps[0].cached_answers == 2
    assert ranking.usage.calls == 2


def test_questions_of_many_requests_share_calls_unless_somebody_counts():
    requests = [request_of([1, 2], "first"), request_of([2, 1], "second")]
    reranker = JudgeReranker(oracle(batch=4), ScoreAll())
    together = reranker.rank_many(requests)
    assert [ranking.ids for ranking in together] == [("d1", "d0"), ("d0", "d1")]
    assert sum((ranking.usage for ranking in together), Usage()).calls == 1
    apart = reranker.rank_many(requests, budget=Budget(calls=5))
    assert [ranking.usage.calls for ranking in apart] == [1, 1]


@given(limit=st.integers(0, 12), batch=st.integers(1, 4))
def test_a_budget_of_calls_is_hard_and_what_was_scored_in_time_leads(limit, batch):
    relevance = [3, 1, 4, 1, 5, 9, 2, 6]
    ranking = JudgeReranker(oracle(batch=batch), ScoreAll()).rank(request_of(relevance), budget=Budget(calls=limit))
    scored = min(limit * batch, 8)
    assert ranking.usage.calls <= limit
    assert list(ranking.order[:scored]) == sorted(range(scored), key=lambda index: -relevance[index])
    assert list(ranking.order[scored:]) == list(range(scored, 8))
    assert ranking.steps[0].stopped == ("" if scored == 8 else f"budget of {limit} calls")
    assert ranking.steps[0].outcomes.get("unasked", 0) == 8 - scored


def test_tokens_and_questions_are_counted_before_they_are_spent():
    reranker = JudgeReranker(oracle(), ScoreAll())
    assert reranker.rank(request_of([1, 2, 3]), budget=Budget(tokens=32)).usage.tokens == 22  # a third call needs 33
    assert reranker.rank(request_of([1, 2, 3]), budget=Budget(questions=1)).steps[0].questions == 1


def failing_on(bad: str) -> ScriptedJudge:
    def answer(asked: BoundQuestion) -> Answer:
        if asked.request.query.text == bad:
            raise ConnectionFailed("no answer from the model", hint="Is the server up?")
        return oracle().answer(asked)

    return ScriptedJudge(answer, batch=2)


def test_a_failure_is_raised_or_kept_and_told():
    requests = [request_of([1, 2], "good"), request_of([1, 2], "bad")]
    with pytest.raises(ConnectionFailed, match="Is the server up"):
        JudgeReranker(failing_on("bad"), ScoreAll()).rank_many(requests)
    good, bad = JudgeReranker(failing_on("bad"), ScoreAll(), on_call_failure="partial").rank_many(requests)
    assert good.ids == ("d1", "d0") and good.steps[0].failures == ()
    assert bad.ids == ("d0", "d1") and bad.scores == (None, None)
    assert bad.steps[0].outcomes == {"failed": 2}
    assert bad.steps[0].failures == ("ConnectionFailed: no answer from the model (2x)",)
    assert bad.usage.calls == 1  # a call that failed was still made


def test_one_request_that_cannot_be_prepared_does_not_fail_its_neighbours():
    class Fussy(ScriptedJudge):
        def prepare(self, asked):
            if any(item.request.query.text == "bad" for item in asked):
                raise ContextTooSmall("the prompt does not fit")
            return super().prepare(asked)

    reranker = JudgeReranker(Fussy(oracle().answer), ScoreAll(), on_call_failure="partial")
    good, bad = reranker.rank_many([request_of([1, 2], "good"), request_of([1, 2], "bad")])
    assert good.ids == ("d1", "d0")
    assert bad.steps[0].failures == ("ContextTooSmall: the prompt does not fit (2x)",)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None, "3", (1, 2)])
def test_an_output_that_is_no_answer_is_an_error(value):
    judge = ScriptedJudge(lambda asked: Answer(value))
    reranker = JudgeReranker(judge, ScoreAll())
    if value is None:
        assert reranker.rank(request_of([1])).scores == (None,)
        return
    with pytest.raises(InvalidOutput, match="d0"):
        reranker.rank(request_of([1]))


def test_a_retry_is_made_if_the_budget_allows_and_its_answer_stands():
    class SecondTry(ScriptedJudge):
        def prepare(self, asked):
            for slot in range(len(asked)):
                better = Call((0,), self.cost, lambda: [Reply(Answer(2.0), self.cost)])
                poor = Answer(1.0, Outcome.REPAIRED, defects=("missing",))
                yield Call((slot,), self.cost, lambda poor=poor, better=better: [Reply(poor, self.cost, again=better)])

    reranker = JudgeReranker(SecondTry(oracle().answer), ScoreAll())
    assert reranker.rank(request_of([0])).scores == (2.0,)
    assert reranker.rank(request_of([0])).usage.calls == 2
    stopped = reranker.rank(request_of([0]), budget=Budget(calls=1))
    assert stopped.scores == (1.0,) and stopped.steps[0].defects == {"missing": 1}


def test_a_late_answer_is_dropped_and_the_order_so_far_comes_back_in_time():
    release = threading.Event()

    def answer(asked: BoundQuestion) -> Answer:
        if asked.question == Score(2):
            release.wait(5)
        return oracle().answer(asked)

    ranking = JudgeReranker(ScriptedJudge(answer), ScoreAll()).rank(request_of([1, 2, 3]), budget=Budget(seconds=0.2))
    release.set()
    assert ranking.order == (1, 0, 2) and ranking.scores == (2.0, 1.0, None)
    assert ranking.steps[0].stopped == "budget of 0.2 seconds"


def test_a_request_does_not_wait_for_a_slower_one():
    """Two champions' bouts: while the first request's only call hangs, the second must run all its rounds."""
    others_done = threading.Event()

    def answer(asked: BoundQuestion) -> Answer:
        if asked.request.query.text == "slow":
            assert others_done.wait(10), "the fast request was made to wait"
        elif asked.question.indices[1] == 3:
            others_done.set()
        return oracle().answer(asked)

    judge = ScriptedJudge(answer, concurrency=2)
    slow, fast = JudgeReranker(judge, Champion()).rank_many(
        [request_of([0, 1], "slow"), request_of([0, 1, 2, 3], "fast")]
    )
    assert slow.ids[0] == "d1" and fast.ids[0] == "d3" and fast.steps[0].sequential_rounds == 3


def test_a_plan_tells_the_price_without_a_call():
    log: list[BoundQuestion] = []
    reranker = JudgeReranker(counting(log), ScoreAll())
    plan = reranker.plan(request_of([1, 2, 3]))
    assert (plan.calls, plan.questions, plan.sequential_rounds, plan.exact) == (3, 3, 1, True)
    assert log == []
    actual = reranker.rank(request_of([1, 2, 3]))
    assert plan.usage.tokens == actual.usage.tokens and plan.calls == actual.usage.calls
    assert not JudgeReranker(oracle(), Champion()).plan(request_of([1, 2, 3])).exact


def test_progress_counts_answers_and_finished_requests():
    seen: list[Progress] = []
    JudgeReranker(oracle(), ScoreAll()).rank_many([request_of([1, 2]), request_of([3])], progress=seen.append)
    assert (seen[-1].done, seen[-1].total, seen[-1].answered) == (2, 2, 3)


async def _ranked(request: Request) -> tuple[str, ...]:
    return (await JudgeReranker(oracle(), ScoreAll()).rank_async(request)).ids


def test_the_async_form_gives_the_same_ranking():
    import asyncio

    assert asyncio.run(_ranked(request_of([1, 2]))) == ("d1", "d0")


@dataclass(frozen=True)
class Metered(ScriptedJudge):
    """A call may cost up to 10 tokens in and 5 out, and costs 4 and 1."""

    def prepare(self, asked):
        for call in ScriptedJudge.prepare(self, asked):
            yield Call(call.slots, Usage(calls=1, input_tokens=10, output_tokens=5, cost=0.5), call.run)


def refused(asked: BoundQuestion) -> Answer:
    error = ConnectionFailed("nobody listens")
    error.sent = False
    raise error


def broke_off(asked: BoundQuestion) -> Answer:
    raise ConnectionFailed("broke off in the middle of the reply")


@pytest.mark.parametrize(
    ("answer", "bill"),
    [
        (refused, Usage(calls=2)),
        (broke_off, Usage(calls=2, input_tokens=20, output_tokens=10, cost=1.0)),
    ],
)
def test_what_a_failed_call_may_have_cost_stays_charged(answer, bill):
    judge = Metered(answer, cost=Usage(calls=1, input_tokens=4, output_tokens=1, cost=0.1))
    ranking = JudgeReranker(judge, ScoreAll(), on_call_failure="partial").rank(request_of([1, 2]))
    assert replace(ranking.usage, seconds=0.0) == bill


def test_a_failed_call_leaves_no_room_for_others():
    judge = Metered(broke_off, cost=Usage(calls=1, input_tokens=4, output_tokens=1, cost=0.1))
    reranker = JudgeReranker(judge, ScoreAll(), on_call_failure="partial")
    ranking = reranker.rank(request_of([1, 2, 3]), budget=Budget(tokens=30))
    assert ranking.usage.calls == 2 and ranking.steps[0].stopped == "budget of 30 tokens"
    assert ranking.steps[0].notes == {"charged at its bound": 2}


def test_what_a_call_that_ran_out_of_time_may_have_cost_stays_charged():
    release = threading.Event()

    def answer(asked: BoundQuestion) -> Answer:
        release.wait(10)
        return oracle().answer(asked)

    judge = Metered(answer, cost=Usage(calls=1, input_tokens=4, output_tokens=1, cost=0.1))
    ranking = JudgeReranker(judge, ScoreAll()).rank(request_of([1, 2]), budget=Budget(seconds=0.05))
    release.set()
    assert replace(ranking.usage, seconds=0.0) == Usage(calls=1, input_tokens=10, output_tokens=5, cost=0.5)
    assert ranking.usage.seconds > 0, "the time until it was given up"


def test_a_request_in_a_batch_has_its_own_time():
    """The clock moves by one with each answer: ten requests of two calls take two each, whatever came before them."""
    now = [0.0]

    def answer(asked: BoundQuestion) -> Answer:
        now[0] += 1.0
        return oracle().answer(asked)

    runner = Runner(ScriptedJudge(answer), ScoreAll(), stage="timed")
    accounts = [Account(clock=lambda: now[0]) for _ in range(10)]
    rankings = drive(runner.run([request_of([1, 2]) for _ in accounts], accounts))
    assert [ranking.steps[0].seconds for ranking in rankings] == [2.0] * 10


@pytest.mark.parametrize(
    ("query", "document", "noted"),
    [
        ("how long do fleas live?", "A flea lives up to 100 days.", False),
        ("跳蚤能活多久?", "跳蚤最多能活一百天。", True),
        ("how long do fleas live?", "Блоха живёт до ста дней.", True),
        ("Wie lange leben Flöhe?", "Ein Floh lebt bis zu 100 Tage, Đặng Hữu.", False),
        ("12345 !?", "67 + 8 → 75", False),
    ],
)
def test_a_model_of_english_warns_of_text_in_another_script(caplog, query, document, noted):
    request = Request.of(query, [{"id": "a", "text": document, "relevance": 1.0}])
    english = JudgeReranker(oracle(), ScoreAll(), languages=("en",)).rank(request)
    assert bool(english.steps[0].notes) == noted == ("a script" in caplog.text)
    assert JudgeReranker(oracle(), ScoreAll(), languages=("en", "zh")).rank(request).steps[0].notes == {}
