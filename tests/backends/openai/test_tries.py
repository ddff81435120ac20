"""Budgets are hard for tries, too: what was sent is charged, answered or not, and no further try begins that the budget
has no room for. A real server counts what it received.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rankkit.backends.http.circuit import Circuit
from rankkit.backends.openai.endpoint import Endpoint
from rankkit.backends.openai.probe import Capabilities
from rankkit.config.kinds import parse
from rankkit.core.judge import BoundQuestion
from rankkit.core.questions import Compare
from rankkit.core.ranking import Ranking
from rankkit.core.usage import Budget, Usage
from rankkit.errors import ServerFailed
from rankkit.pairwise.prompted import PromptedJudge
from rankkit.pipeline.judged import JudgeReranker
from rankkit.prompting.loading import load_prompt
from rankkit.testing import request_of
from tests.backends.loopback import Cuts, Hangs, Loopback, Raw, Reply, Says, chat, error

#: Real waits between tries.
pytestmark = pytest.mark.slow

SOON = {"retry-after-ms": "1"}
#: What one try may come to, and whether it is made again.
OUTCOMES: dict[str, tuple[Reply, bool]] = {
    "fine": (chat("A"), False),
    "failed": (error(500, "oops", SOON), True),
    "busy": (error(429, "slow down", SOON), True),
    "conflict": (error(409, "once more", SOON), True),
    "hidden": (Says({"error": {"message": "oops", "code": 502}}, headers=SOON), True),
    "refused": (error(400, "no"), False),
    "no JSON": (Says("<html>"), False),
    "no choice": (Says({"choices": []}), False),
    "compressed": (Raw(b"never", {"Content-Encoding": "br"}), False),
}
REQUEST = request_of([0, 1, 2])  # six comparisons
#: What the server says that an answer took.
REAL = Usage(calls=1, input_tokens=100, output_tokens=10)


@pytest.fixture(scope="module")
def server() -> Iterator[Loopback]:
    with Loopback() as loopback:
        yield loopback


def reranker(server: Loopback, *, retries: int, timeout: float = 5.0) -> JudgeReranker:
    endpoint = Endpoint(
        "little",
        base_url=server.url,
        retries=retries,
        timeout=timeout,
        concurrency=1,
        context_length=4096,
        circuit=Circuit(failures=10_000),
    )
    judge = PromptedJudge(endpoint, load_prompt("prp"), by_text=True)
    strategy = parse({"paradigm": "pairwise", "strategy": "allpairs"}).build_strategy()
    return JudgeReranker(judge, strategy, on_call_failure="partial")


def bound_of(ranker: JudgeReranker) -> Usage:
    (call,) = ranker.judge.prepare([BoundQuestion(REQUEST, Compare(0, 1))])
    return call.bound


def expected(outcomes: Sequence[str], retries: int, most: int) -> tuple[int, int]:
    """How many requests the server gets for six questions, and how many of them it answers well."""
    left, received, fine = list(outcomes), 0, 0
    for _ in range(6):
        for tried in range(1 + retries):
            if received == most:
                break
            outcome = left.pop(0) if len(left) > 1 else left[0]
            received += 1
            fine += outcome == "fine"
            if not OUTCOMES[outcome][1] or tried == retries:
                break
    return received, fine


def play(server: Loopback, outcomes: Sequence[str]) -> None:
    server.asked.clear()
    server.script(*(OUTCOMES[outcome][0] for outcome in outcomes))


scripts = st.lists(st.sampled_from(sorted(OUTCOMES)), min_size=1, max_size=12)


@settings(max_examples=25, deadline=None)
@given(outcomes=scripts, retries=st.integers(0, 3), most=st.integers(0, 14))
def test_what_the_server_received_is_what_is_charged(server, outcomes, retries, most):
    received, fine = expected(outcomes, retries, most)
    with_limit, without = Budget(calls=most), expected(outcomes, retries, 99)

    def checked(ranking: Ranking, received: int, fine: int) -> None:
        assert len(server.asked) == ranking.usage.calls == received
        assert ranking.usage.tokens == fine * REAL.tokens + (received - fine) * bound.tokens
        assert ranking.steps[0].notes.get("charged at its bound", 0) == received - fine

    with reranker(server, retries=retries) as ranker:
        bound = bound_of(ranker)
        play(server, outcomes)
        checked(ranker.rank(REQUEST, budget=with_limit), received, fine)
        assert len(server.asked) <= most
        play(server, outcomes)
        checked(asyncio.run(ranker.rank_async(REQUEST, budget=with_limit)), received, fine)
        play(server, outcomes)
        checked(ranker.rank(REQUEST), *without)
        play(server, outcomes)
        checked(asyncio.run(ranker.rank_async(REQUEST)), *without)


@settings(max_examples=15, deadline=None)
@given(outcomes=scripts, retries=st.integers(0, 3), bounds=st.floats(0.0, 9.0))
def test_a_budget_of_tokens_holds_for_tries(server, outcomes, retries, bounds):
    with reranker(server, retries=retries) as ranker:
        most = int(bounds * bound_of(ranker).tokens)
        play(server, outcomes)
        ranking = ranker.rank(REQUEST, budget=Budget(tokens=most))
    assert ranking.usage.tokens <= most
    assert ranking.usage.calls == len(server.asked)


@pytest.mark.parametrize("bad", [Hangs(), Cuts()], ids=["hangs", "breaks off"])
@pytest.mark.parametrize(("most", "received"), [(1, 1), (2, 2), (3, 3)])
def test_tries_that_hang_or_break_off(server: Loopback, bad: Reply, most: int, received: int):
    server.asked.clear()
    server.script(bad, bad, chat("A"))
    with reranker(server, retries=2, timeout=0.3) as ranker:
        ranking = ranker.rank(request_of([0, 1]), budget=Budget(calls=most))
        bound = bound_of(ranker)
    assert len(server.asked) == ranking.usage.calls == received
    fine = 1 if most == 3 else 0
    assert ranking.usage.tokens == fine * REAL.tokens + (received - fine) * bound.tokens


def test_the_error_says_why_it_was_not_tried_again(server: Loopback):
    play(server, ["failed"])
    with reranker(server, retries=3) as ranker:
        judged = JudgeReranker(ranker.judge, ranker.strategy)
        with pytest.raises(ServerFailed, match=r"Not tried again: budget of 2 calls\."):
            judged.rank(REQUEST, budget=Budget(calls=2))
    assert len(server.asked) == 2


def test_a_try_that_reached_no_server_costs_nothing(server: Loopback):
    with Loopback() as gone:
        pass
    with reranker(gone, retries=1) as ranker:
        ranking = ranker.rank(request_of([0, 1]), budget=Budget(calls=2))
    assert ranking.usage.calls == 2 and ranking.usage.tokens == 0


def test_what_finds_out_what_a_server_takes_is_in_no_bill(server: Loopback):
    server.asked.clear()

    def strict(asked):
        return error(400, "temperature is not supported") if "temperature" in asked.body else chat("A")

    server.behaviour = strict
    with reranker(server, retries=2) as ranker:
        ranking = ranker.rank(request_of([0, 1]), budget=Budget(calls=2))
    assert ranking.usage.calls == 2 and ranking.usage.tokens == 2 * REAL.tokens
    assert len(server.asked) == 3
    assert not ranking.steps[0].stopped


def test_failures_while_something_is_found_out_are_in_no_bill(server: Loopback):
    logprobs = {"content": [{"top_logprobs": [{"token": "A", "logprob": -0.1}, {"token": "B", "logprob": -3.0}]}]}
    server.asked.clear()
    server.script(error(500, "oops", SOON), chat("A", logprobs=logprobs))
    endpoint = Endpoint("little", base_url=server.url, retries=2, concurrency=1, context_length=4096)
    strategy = parse({"paradigm": "pairwise", "strategy": "allpairs"}).build_strategy()
    with JudgeReranker(PromptedJudge(endpoint, load_prompt("prp")), strategy) as ranker:
        ranking = ranker.rank(request_of([0, 1]), budget=Budget(calls=2))
    assert ranking.usage.calls == 2
    assert len(server.asked) == 4


def test_a_content_filter_that_refuses_after_a_failed_try(server: Loopback):
    server.asked.clear()
    server.script(error(500, "oops", SOON), error(400, "flagged by our content policy", code="content_filter"))
    declared = Capabilities()
    with Endpoint("little", base_url=server.url, retries=1, context_length=4096, capabilities=declared) as endpoint:
        judge = PromptedJudge(endpoint, load_prompt("prp"), by_text=True)
        strategy = parse({"paradigm": "pairwise", "strategy": "allpairs"}).build_strategy()
        ranking = JudgeReranker(judge, strategy).rank(request_of([0, 1]))
    assert ranking.usage.calls == len(server.asked) == 3
    assert ranking.steps[0].notes == {"charged at its bound": 1}
