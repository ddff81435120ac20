"""The models that ``rankkit.rerank`` keeps: loaded once, few of them, and never closed under somebody's hands."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import rankkit
from rankkit.config import loading
from rankkit.config.model_cache import RerankerCache
from rankkit.core.usage import Budget
from rankkit.errors import ConfigError
from rankkit.pipeline.cascade import BaseReranker
from tests.tiny import tiny_cross_encoder


class Counted(BaseReranker):
    """Counts how often it is closed."""

    closed = 0

    async def rank_accounted(self, requests, accounts, execution):
        raise AssertionError

    def plan_accounted(self, request, account):
        raise AssertionError

    def close(self) -> None:
        self.closed += 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_cross_encoder(tmp_path_factory.mktemp("models") / "tiny")


def test_threads_that_want_the_same_at_once_share_one():
    cache, built, together = RerankerCache(2), [], threading.Barrier(20)

    def build() -> Counted:
        built.append(Counted())
        return built[-1]

    def use(_: int) -> BaseReranker:
        together.wait()
        with cache.borrowed("a", build) as reranker:
            return reranker

    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(use, range(20))) == {built[0]}
    assert len(built) == len(cache) == 1 and built[0].closed == 0


def test_the_least_recently_used_makes_way_and_is_closed():
    cache, built = RerankerCache(2), {name: Counted() for name in "abc"}
    for name in "abac":
        with cache.borrowed(name, lambda name=name: built[name]):
            pass
    assert len(cache) == 2 and [built[name].closed for name in "abc"] == [0, 1, 0]
    cache.clear()
    cache.clear()
    assert len(cache) == 0 and [built[name].closed for name in "abc"] == [1, 1, 1]


def test_one_in_use_is_closed_when_its_last_user_is_done():
    cache, first = RerankerCache(1), Counted()
    with cache.borrowed("a", lambda: first), cache.borrowed("a", Counted) as again:
        assert again is first
        with cache.borrowed("b", Counted) as other:
            cache.clear()
            assert first.closed == other.closed == 0
        assert (first.closed, other.closed, len(cache)) == (0, 1, 0)
    assert first.closed == 1


def test_what_cannot_be_built_is_tried_again():
    cache = RerankerCache(1)

    def fails() -> BaseReranker:
        raise ConfigError("not now")

    with pytest.raises(ConfigError, match="not now"), cache.borrowed("a", fails):
        raise AssertionError
    assert len(cache) == 0
    with cache.borrowed("a", Counted) as reranker:
        assert isinstance(reranker, Counted)


def test_reranking_in_one_line_loads_once_and_takes_the_keywords_of_a_reranker(folder, monkeypatch):
    rankkit.clear_cache()
    loaded, build = [], loading._built
    monkeypatch.setattr(loading, "_built", lambda spec: loaded.append(spec) or build(spec))
    with ThreadPoolExecutor(8) as pool:
        orders = list(pool.map(lambda _: rankkit.rerank("word", ["bad", "best"], model=folder).ids, range(8)))
    assert orders == [("1", "0")] * 8 and len(loaded) == 1
    steps: list[int] = []
    none = rankkit.rerank("word", iter(["bad", "best"]), model=folder, budget=Budget(calls=0))
    assert none.steps[0].stopped == "budget of 0 calls"
    rankkit.rerank("word", ["bad"], model=folder, progress=lambda progress: steps.append(progress.answered))
    assert steps and len(loaded) == 1
    rankkit.clear_cache()
    assert rankkit.rerank("word", ["bad", "best"], model=folder, threshold=1e9).ids == () and len(loaded) == 2


def test_the_paradigm_is_inferred_as_load_infers_it(folder):
    assert rankkit.rerank("word", ["bad"], model={"paradigm": "pairwise", "model": str(folder)}).ids == ("0",)
    with pytest.raises(rankkit.RankkitError, match="generate"):
        rankkit.rerank("word", ["bad"], model="smollm2-135m-instruct", options={"method": "cross-encoder"})
    with pytest.raises(ConfigError, match="there is no paradigm 'pointwize'"):
        rankkit.rerank("word", ["bad"], paradigm="pointwize")


def test_the_same_name_in_another_folder_is_another_model(tmp_path, monkeypatch):
    scores = []
    for place, layers in (("a", 7), ("b", 8)):
        (tmp_path / place).mkdir()
        tiny_cross_encoder(tmp_path / place / "tiny", max_length=8 * layers)
        monkeypatch.chdir(tmp_path / place)
        ranking = rankkit.rerank("word", ["bad"], model="./tiny")
        scores.append(ranking.steps[0].fingerprints["model"])
    assert scores[0] != scores[1]
    rankkit.clear_cache()
