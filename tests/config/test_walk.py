"""Rerankers are closed with all inside them, copied, and sent to other processes."""

from __future__ import annotations

import copy
import json
import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

import rankkit
from rankkit.backends.encoders.cross_encoder import CrossEncoder
from rankkit.config import load
from rankkit.core.ranking import Ranking
from rankkit.core.reranker import walk
from rankkit.errors import BackendError
from rankkit.pipeline.fusion import fuse
from rankkit.pipeline.judged import JudgeReranker
from rankkit.pointwise.cross_encoder import CrossEncoderJudge
from rankkit.pointwise.strategy import ScoreAll
from tests.backends.loopback import Loopback, chat
from tests.conftest import pulled_model
from tests.tiny import tiny_cross_encoder

DOCUMENTS = ["bad", "word", "best", "good"]


class CountedEncoder(CrossEncoder):
    """Counts how often it is closed."""

    closed = 0

    def close(self) -> None:
        self.closed += 1
        super().close()


class Reversed:
    """Has only ``rank``, and may be closed."""

    closed = 0

    def rank(self, request):
        return Ranking(request, tuple(reversed(range(len(request)))))

    def close(self) -> None:
        self.closed += 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_cross_encoder(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def encoder(folder):
    return CountedEncoder(folder)


def scoring(encoder) -> JudgeReranker:
    return JudgeReranker(CrossEncoderJudge(encoder), ScoreAll())


def test_a_walk_meets_each_reranker_once_fallbacks_too(encoder):
    one, other = scoring(encoder), Reversed()
    whole = (one >> one.reorder_top(2)) >> fuse(one, other).on_failure(other)
    assert [type(reranker).__name__ for reranker in walk(whole)] == ["Cascade", "JudgeReranker", "Fusion", "Reversed"]


def test_a_backend_that_stages_share_is_closed_once_and_the_others_too(encoder, folder):
    second, plain = CountedEncoder(folder), Reversed()
    stages = scoring(encoder) >> scoring(encoder).reorder_top(3)
    with stages >> fuse(scoring(second), plain) as whole:
        assert whole.rerank("word", DOCUMENTS).ids[0]
    assert (encoder.closed, second.closed, plain.closed) == (1, 1, 1)
    with pytest.raises(BackendError, match="closed"):
        scoring(encoder).rerank("word", DOCUMENTS)


def test_all_are_closed_though_one_fails_at_it(encoder, folder):
    class Stuck(CountedEncoder):
        def close(self) -> None:
            raise BackendError("stuck")

    with pytest.raises(BackendError, match="stuck"):
        (scoring(Stuck(folder)) >> scoring(encoder)).close()
    assert encoder.closed == 1


def test_what_was_loaded_closes_its_model_behind_a_comparison_of_scores_too(folder):
    compared = load({"paradigm": "pairwise", "model": str(folder)})
    compared.close()
    with pytest.raises(BackendError, match="closed"):
        compared.rerank("word", DOCUMENTS)


def test_a_description_is_plain_values(folder):
    stages = [{"model": str(folder), "budget": {"calls": 3}}, {"paradigm": "pairwise", "model": str(folder)}]
    described = load({"stages": stages}).describe()
    assert json.loads(json.dumps(described)) == described
    first, second = described["children"]
    assert first["strategy"] == "pointwise" and first["budget"] == {"calls": 3} and "budget" not in second
    assert second["fingerprints"]["compared by"] == "score difference"
    assert (load(folder) >> Reversed()).describe()["children"][1] == {"name": "Reversed"}


@pytest.mark.parametrize("copied", [copy.deepcopy, copy.copy, lambda one: pickle.loads(pickle.dumps(one))])
def test_copies_rank_alike_and_outlive_what_they_were_copied_from(folder, encoder, copied):
    table = str(folder)
    for original in (
        load(folder),
        load({"paradigm": "pairwise", "model": table, "aggregate": "sample", "strategy": "allpairs"}),
        load({"stages": [{"model": table, "drop_after": 3}, {"members": [{"model": table}, {"model": table}]}]}),
    ):
        expected = original.rerank("word", DOCUMENTS)
        other = copied(original)
        assert other == original and other.spec == original.spec
        original.close()
        assert other.rerank("word", DOCUMENTS).order == expected.order


def test_one_put_together_in_python_goes_through_its_parts(encoder, folder):
    loaded = load(folder)
    whole = scoring(encoder).drop_after(3) >> fuse(loaded, scoring(encoder)) >> Reversed()
    other = pickle.loads(pickle.dumps(whole))
    assert other.rerank("word", DOCUMENTS).ids == whole.rerank("word", DOCUMENTS).ids
    backends = {id(one.judge.backend) for one in walk(other) if isinstance(one, JudgeReranker)}
    assert len(backends) == 2  # the two that share one still do
    gates = {one._gate is one.judge.backend.gate for one in walk(other) if isinstance(one, JudgeReranker)}
    assert gates == {True}


def test_a_listener_is_part_of_a_copy_or_says_that_it_cannot_be(folder):
    assert load(folder, on_reply=print).rebuild is None
    with pytest.raises((TypeError, AttributeError, pickle.PicklingError)):
        pickle.dumps(load(folder, on_reply=lambda asked, reply: None))


def ranked(reranker: rankkit.BaseReranker) -> tuple[tuple[str, ...], tuple[float | None, ...]]:
    ranking = reranker.rerank("how long do fleas live?", ["Dogs bark.", "A flea lives up to 100 days.", "Fleas bite."])
    return ranking.ids, tuple(row.score for row in ranking)


@pytest.mark.model
@pytest.mark.slow
def test_a_process_pool_ranks_with_a_real_model():
    pulled_model("ms-marco-MiniLM-L-12-v2")
    spawned = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
    with load("ms-marco-MiniLM-L-12-v2") as reranker, spawned as pool:
        assert list(pool.map(ranked, [reranker, reranker])) == [ranked(reranker)] * 2


def test_a_process_pool_asks_an_endpoint_whose_key_is_in_the_environment(monkeypatch):
    monkeypatch.setenv("POOL_KEY", "planted-value")
    with Loopback() as server:
        server.behaviour = lambda asked: chat("[2] > [1] > [3]")
        table = {"endpoint": server.url, "model": "m", "key_env": "POOL_KEY", "method": "generate"}
        reranker = load(table)
        assert b"planted-value" not in pickle.dumps(reranker)
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            assert pool.submit(ranked, reranker).result()[0] == ("1", "0", "2")
