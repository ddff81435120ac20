"""rerankers and its drop-in side by side, with the same weights on the same texts."""

from __future__ import annotations

import asyncio
import json
import shutil

import pytest

from rankkit.integrations import rerankers as ours
from tests.lanes import needs

needs("frameworks", "rerankers", "flashrank", "langchain_core")

import rerankers

pytestmark = pytest.mark.model

NAME = "ms-marco-MiniLM-L-12-v2"
QUERY = "how long do fleas live?"
TEXTS = ["Dogs bark.", "Adult fleas live for up to 100 days.", "Cats may have fleas.", "A flea jumps far."]
IDS = ["a", "b", "c", "d"]
METADATA = [{"from": name} for name in IDS]


@pytest.fixture(scope="module")
def rankers(minilm_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("flashrank") / NAME
    shutil.copytree(minilm_folder, folder)
    (folder / "model.onnx").rename(folder / "flashrank-MiniLM-L-12-v2_Q.onnx")
    (folder / "config.json").write_text(json.dumps({"pad_token_id": 0}))
    arguments = {"model_type": "flashrank", "verbose": 0, "cache_dir": str(folder.parent)}
    return [module.Reranker(NAME, **arguments) for module in (rerankers, ours)]


def rows(results):
    return [(one.doc_id, one.text, one.metadata, one.rank) for one in results]


def test_same_order_ids_metadata_and_ranks_scores_near(rankers):
    theirs, results = (ranker.rank(QUERY, TEXTS, doc_ids=IDS, metadata=METADATA) for ranker in rankers)
    assert rows(results) == rows(theirs)
    assert [one.score for one in results] == pytest.approx([float(one.score) for one in theirs], abs=0.05)
    assert results.has_scores == theirs.has_scores and results.results_count() == theirs.results_count()
    assert rows(results.top_k(2)) == rows(theirs.top_k(2)) and rows(results[:1]) == rows(theirs[:1])
    assert results.get_result_by_docid("b").rank == theirs.get_result_by_docid("b").rank == 1
    assert results.get_score_by_docid("b") == pytest.approx(float(theirs.get_score_by_docid("b")), abs=0.05)


@pytest.mark.parametrize("docs", [TEXTS, TEXTS[1]], ids=["several", "one"])
def test_without_ids(rankers, docs):
    theirs, results = (ranker.rank(QUERY, docs) for ranker in rankers)
    assert rows(results) == rows(theirs)


def test_documents_of_either_module(rankers):
    _, drop_in = rankers
    for module in (rerankers, ours):
        documents = [module.Document(text, doc_id=name) for text, name in zip(TEXTS, IDS, strict=True)]
        assert rows(drop_in.rank(QUERY, documents)) == rows(rankers[0].rank(QUERY, _foreign(documents)))


def _foreign(documents):
    return [rerankers.Document(one.text, doc_id=one.doc_id, metadata=one.metadata) for one in documents]


def test_score_and_rank_async(rankers):
    theirs, drop_in = rankers
    assert drop_in.score(QUERY, TEXTS[1]) == pytest.approx(float(theirs.score(QUERY, TEXTS[1])), abs=1e-6)
    both = [asyncio.run(_async(ranker)) for ranker in rankers]
    assert rows(both[1]) == rows(both[0])


async def _async(ranker):
    return await ranker.rank_async(QUERY, TEXTS, doc_ids=IDS)


def test_results_and_documents_say_the_same_of_themselves():
    made = [
        module.RankedResults([module.Result(rerankers.Document("a", 1, {"n": 2}), 0.5, 1)], "q", has_scores=True)
        for module in (rerankers.results, ours)
    ]
    assert repr(made[1]) == repr(made[0])
    assert made[1][0].n == made[0][0].n == 2 and made[1][0].document.attributes == made[0][0].document.attributes


def test_as_a_compressor_of_langchain(rankers):
    from langchain_core.documents import Document

    compressor = rankers[1].as_langchain_compressor(k=2)
    best = compressor.compress_documents(
        [Document(text, id=name) for text, name in zip(TEXTS, IDS, strict=True)], QUERY
    )
    assert best[0].id == "b" and len(best) == 2 and all("relevance_score" in document.metadata for document in best)


def test_where_theirs_prints_and_returns_none_ours_raises(capsys):
    assert rerankers.Reranker("colbert", verbose=0) is None
    assert capsys.readouterr().out
    with pytest.raises(ValueError, match="late-interaction"):
        ours.Reranker("colbert", verbose=0)
    assert capsys.readouterr().out == ""
