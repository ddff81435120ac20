"""Any function as a model: scores, a preference or an order, sync and async."""

from __future__ import annotations

import asyncio
import math
import pickle
import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rankkit
from rankkit.core.ranking import Query, Request
from rankkit.core.usage import Budget
from rankkit.errors import BackendError, ConfigError, InputError, InvalidOutput
from rankkit.pairwise.strategies.allpairs import AllPairs
from rankkit.testing import check_reranker

WORDS = ["a", "bbb", "cc", "dddd"]


def lengths(query: str, texts: list[str]) -> list[int]:
    return [len(text) for text in texts]


def longer(query: str, first: str, second: str) -> bool:
    return len(first) > len(second)


def by_length(query: str, texts: list[str]) -> list[int]:
    return sorted(range(len(texts)), key=lambda place: -len(texts[place]))


async def lengths_later(query: str, texts: list[str]) -> list[int]:
    await asyncio.sleep(0)
    return lengths(query, texts)


class Lengths:
    async def __call__(self, query: str, texts: list[str]) -> Any:
        return np.array(lengths(query, texts), dtype=np.float32)


MADE = {
    "scores": rankkit.from_function(lengths),
    "preference": rankkit.from_function(longer, answers="preference"),
    "order": rankkit.from_function(by_length, answers="order"),
    "async": rankkit.from_function(lengths_later),
    "object": rankkit.from_function(Lengths()),
}


@pytest.mark.parametrize("kind", MADE)
def test_it_ranks_on_threads_and_on_a_loop(kind: str) -> None:
    reranker = MADE[kind]
    assert reranker.rerank("q", WORDS).texts == ("dddd", "bbb", "cc", "a")
    assert asyncio.run(reranker.rerank_async("q", WORDS)).texts == ("dddd", "bbb", "cc", "a")
    requests = [Request.of("q", WORDS), Request.of("p", WORDS[:2])]
    assert [ranking.texts[0] for ranking in reranker.rank_many(requests)] == ["dddd", "bbb"]


@pytest.mark.parametrize("kind", MADE)
def test_it_keeps_what_every_reranker_promises(kind: str) -> None:
    check_reranker(MADE[kind])


def test_scores_are_its_own_and_plain_numbers() -> None:
    ranking = rankkit.from_function(Lengths(), score_kind=rankkit.ScoreKind.SIMILARITY).rerank("q", WORDS)
    assert ranking.scores == (4.0, 3.0, 2.0, 1.0) and ranking.score_kind == "similarity"
    assert all(type(score) is float for score in ranking.scores or ())
    assert rankkit.from_function(by_length, answers="order").rerank("q", WORDS).scores is None


def test_texts_come_in_batches_of_one_request_and_title_first() -> None:
    seen: list[tuple[str, list[str]]] = []

    def score(query: str, texts: list[str]) -> list[float]:
        seen.append((query, texts))
        return [0.0] * len(texts)

    reranker = rankkit.from_function(score, batch=2)
    documents = [{"title": "T", "text": "one"}, "two", "three"]
    reranker.rank_many([Request.of("q", documents), Request.of("p", ["four"])])
    assert sorted(seen) == [("p", ["four"]), ("q", ["T one", "two"]), ("q", ["three"])]


def test_calls_cost_what_is_said_and_budgets_hold() -> None:
    reranker = rankkit.from_function(lengths, batch=1, cost=0.5)
    assert reranker.plan(Request.of("q", WORDS)).usage.cost == 2.0
    ranking = reranker.rerank("q", WORDS, budget=Budget(cost=1.0))
    assert ranking.usage.calls == 2 and ranking.usage.cost == 1.0
    assert sorted(ranking.order) == [0, 1, 2, 3] and ranking.steps[0].stopped


def test_no_more_calls_run_at_once_than_are_allowed() -> None:
    inside, most, lock = 0, 0, threading.Lock()

    def score(query: str, texts: list[str]) -> list[float]:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        threading.Event().wait(0.01)
        with lock:
            inside -= 1
        return [0.0] * len(texts)

    reranker = rankkit.from_function(score, batch=1, concurrency=2)

    async def several() -> None:
        await asyncio.gather(*(reranker.rerank_async("q", WORDS) for _ in range(3)))

    asyncio.run(several())
    assert most == 2


@pytest.mark.parametrize(
    ("answers", "given", "words"),
    [
        ("scores", [1.0], "1 scores for 4 texts"),
        ("scores", None, "gave a NoneType"),
        ("scores", "1234", "gave a str"),
        ("scores", ["high"] * 4, "no numbers"),
        ("scores", [math.nan] * 4, "answered nan"),
        ("preference", "A", "gave 'A'"),
        ("preference", 1.5, "gave 1.5"),
        ("preference", math.nan, "gave nan"),
        ("order", [0, 1, 2, 4], "position 4"),
        ("order", [0, 1, 2, -1], "position -1"),
        ("order", [0, 1, 2, "3"], "position '3'"),
        ("order", [True, 0, 2, 3], "position True"),
        ("order", {0: 1}, "gave a dict"),
        ("order", 3, "gave a int"),
    ],
)
def test_an_answer_that_is_none_says_what_was_seen(answers: Any, given: Any, words: str) -> None:
    with pytest.raises(InvalidOutput, match=words):
        rankkit.from_function(lambda *_: given, answers=answers, name="mine").rerank("q", WORDS)


@given(st.lists(st.integers(0, 3), min_size=1))
def test_an_order_with_gaps_and_repeats_is_completed_and_counted(listed: list[int]) -> None:
    ranking = rankkit.from_function(lambda *_: listed, answers="order", name="mine").rerank("q", WORDS)
    named = list(dict.fromkeys(listed))
    assert list(ranking.order) == [*named, *(place for place in range(4) if place not in named)]
    defects = set(ranking.steps[0].defects)
    assert ("repeated" in defects) == (len(named) < len(listed)) and ("missing" in defects) == (len(named) < 4)


def test_an_empty_order_teaches_nothing() -> None:
    ranking = rankkit.from_function(lambda *_: [], answers="order", name="mine").rerank("q", WORDS)
    assert ranking.order == (0, 1, 2, 3) and ranking.steps[0].outcomes == {"unreadable": 1}


def test_its_own_errors_are_told_from_rankkits() -> None:
    def broken(query: str, texts: list[str]) -> list[float]:
        return [1 / 0]

    with pytest.raises(BackendError, match="broken failed with ZeroDivisionError"):
        rankkit.from_function(broken).rerank("q", WORDS)


def test_an_instruction_reaches_a_function_that_takes_one() -> None:
    def score(query: str, texts: list[str], *, instruction: str) -> list[int]:
        return [len(text) if "long" in instruction else -len(text) for text in texts]

    reranker = rankkit.from_function(score)
    assert reranker.rerank("q", WORDS, instruction="long ones").texts[0] == "dddd"
    assert reranker.rerank("q", WORDS).texts[0] == "a"
    with pytest.raises(InputError, match=r"lengths\) cannot follow an instruction"):
        rankkit.from_function(lengths).rank(Request(Query("q", instruction="x"), Request.of("q", WORDS).candidates))


def test_other_code_or_another_version_is_another_model() -> None:
    def fingerprint(reranker: Any) -> str:
        return str(reranker.describe()["fingerprints"])

    one = rankkit.from_function(lambda q, t: [1] * len(t), name="f")
    two = rankkit.from_function(lambda q, t: [2] * len(t), name="f")
    three = rankkit.from_function(lambda q, t: [1] * len(t), name="f", version="3")
    assert len({fingerprint(made) for made in (one, two, three)}) == 3
    assert one != two and one == rankkit.from_function(lambda q, t: [1] * len(t), name="f")


def test_it_is_copied_into_another_process_if_the_function_is() -> None:
    copy = pickle.loads(pickle.dumps(rankkit.from_function(lengths, concurrency=3)))
    assert copy.rerank("q", WORDS).texts[0] == "dddd" and copy.judge.gate.places == 3


def test_another_strategy() -> None:
    ranking = rankkit.from_function(longer, answers="preference", strategy=AllPairs()).rerank("q", WORDS)
    assert ranking.texts == ("dddd", "bbb", "cc", "a") and ranking.score_kind == "wins"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"function": 3}, "cannot be called"),
        ({"answers": "score"}, "answers is 'score'"),
        ({"batch": 0}, "batch is 0"),
        ({"concurrency": 0}, "concurrency is 0"),
        ({"cost": -1.0}, "cost is -1"),
        ({"cost": math.nan}, "cost is nan"),
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        rankkit.from_function(**{"function": lengths, **wrong})
