"""What a user gives an adapter, and the reranker that comes of it."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
import threading
from pathlib import Path

import pytest

from rankkit.config.loading import load
from rankkit.core.ranking import Request
from rankkit.errors import BackendError, ConfigError, InputError, UnknownModel
from rankkit.integrations.made_from import RerankerSource
from rankkit.pipeline.cascade import BaseReranker
from tests.integrations.doubles import ANSWER, QUERY, TEXTS, Counting, scoring

MINILM = "ms-marco-MiniLM-L-12-v2"
CASCADE = {"stages": [{"model": MINILM, "drop_after": 3}, {"paradigm": "pairwise", "reorder_top": 2}]}


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"model": MINILM, "options": {"scores": "probability"}},
        {"paradigm": "pairwise"},
        {"model": CASCADE},
        {"model": Path("examples/minilm.toml")},
    ],
    ids=["nothing", "a name", "a paradigm", "a spec", "a file"],
)
def test_what_was_given_survives_copies_pickles_and_json(arguments, monkeypatch):
    monkeypatch.chdir(Path(__file__).parent.parent.parent)
    source = RerankerSource(**arguments)
    assert pickle.loads(pickle.dumps(source)) == copy.deepcopy(source) == source
    read = RerankerSource(**json.loads(json.dumps(source.to_dict())))
    assert read.spec == source.spec is not None and read.name == source.name


def test_names_are_for_people():
    assert RerankerSource().name == MINILM
    assert RerankerSource(CASCADE).name == "cascade"
    assert RerankerSource(scoring()).name == repr(scoring())


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"model": "ms-marco-MiniLM-L-12"}, UnknownModel, "Did you mean ms-marco-MiniLM-L-12-v2"),
        ({"model": 7}, ConfigError, "an object with rank"),
        ({"model": Counting}, ConfigError, "an object with rank"),
        ({"model": Counting(), "paradigm": "pairwise"}, ConfigError, "a reranker was given"),
        ({"model": Counting(), "options": {"threads": 1}}, ConfigError, "a reranker was given"),
        ({"options": {"thread": 1}}, ConfigError, "threads"),
    ],
)
def test_what_is_wrong_is_refused_before_anything_is_loaded(arguments, error, words):
    with pytest.raises(error, match=words):
        RerankerSource(**arguments)


def test_a_threshold_is_refused_where_it_is_known_that_there_are_no_scores():
    RerankerSource().refuse_threshold(0.5)
    RerankerSource(Counting()).refuse_threshold(0.5)  # nobody knows
    with pytest.raises(InputError, match="without scores"):
        RerankerSource(paradigm="listwise").refuse_threshold(0.5)


def test_a_reranker_of_python_cannot_be_written_and_what_has_only_rank_becomes_a_whole_one():
    source = RerankerSource(Counting())
    with pytest.raises(ConfigError, match="put together in Python"):
        source.to_dict()
    reranker = source.reranker()
    assert isinstance(reranker, BaseReranker) and source.reranker() is reranker
    assert reranker.rerank("q", TEXTS, top_k=2).order == (4, 3)
    assert asyncio.run(reranker.rerank_async("q", TEXTS, top_k=2)).order == (4, 3)


def test_an_error_of_what_has_only_rank_is_raised():
    class Broken:
        def rank(self, request: Request) -> object:
            raise BackendError("it is broken")

    with pytest.raises(BackendError, match="it is broken"):
        RerankerSource(Broken()).reranker().rerank("q", TEXTS)  # type: ignore[arg-type]


def test_what_was_given_is_its_makers_to_close():
    class Held(Counting):
        def close(self) -> None:
            raise AssertionError("closed by somebody else")

    source = RerankerSource(Held())
    source.reranker()
    source.close()


@pytest.mark.model
def test_a_model_is_loaded_once_for_all_threads_closed_and_loaded_again(minilm_folder):
    source, loaded = RerankerSource(str(minilm_folder)), []
    threads = [threading.Thread(target=lambda: loaded.append(source.reranker())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [first] = {id(one): one for one in loaded}.values()
    assert asyncio.run(source.reranker_async()) is first
    source.close()
    source.close()
    with pytest.raises(BackendError, match="closed"):
        first.rerank(QUERY, TEXTS)
    assert source.reranker() is not first
    assert source.reranker().rerank(QUERY, TEXTS).order[0] == ANSWER


@pytest.mark.model
def test_what_rankkit_loaded_is_written_by_its_spec(minilm_folder):
    reranker = load({"model": str(minilm_folder), "scores": "probability"})
    written = json.loads(json.dumps(RerankerSource(reranker).to_dict()))
    read = RerankerSource(**written)
    assert read.spec == reranker.spec and read.reranker() == reranker
