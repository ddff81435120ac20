"""The one-line API of rerankers over rankkit's models."""

from __future__ import annotations

import asyncio
import copy
import pickle
from types import SimpleNamespace

import pytest

from rankkit.errors import ConfigError, InputError, InvalidDocument, ModelNotPulled
from rankkit.integrations.rerankers import Document, RankedResults, Reranker, Result
from rankkit.integrations.rerankers_models import choose
from tests.integrations.rerankers_for_tests import Backwards, NotToBeAsked
from tests.tiny import tiny_cross_encoder

TEXTS = ["bad", "best", "best", ""]


@pytest.fixture
def ranker(tmp_path):
    return Reranker(str(tiny_cross_encoder(tmp_path)))


def test_results_best_first_with_ids_scores_and_ranks(ranker):
    results = ranker.rank("word", TEXTS, doc_ids=["a", "b", "c", "d"], metadata=[{"n": place} for place in range(4)])
    assert [(one.doc_id, one.score, one.rank) for one in results] == [
        ("b", 3.25, 1),
        ("c", 3.25, 2),
        ("a", -0.75, 3),
        ("d", -0.75, 4),
    ]
    assert results.has_scores and results.query == "word" and results.results_count() == len(results) == 4
    assert [one.n for one in results.top_k(2)] == [1, 2]
    assert results.get_score_by_docid("a") == -0.75 and results.get_result_by_docid("c").rank == 2
    assert results.get_score_by_docid("nobody") is None is results.get_result_by_docid("nobody")
    assert results[0].text == "best" and [one.rank for one in results[1:3]] == [2, 3]
    assert type(results[0].score) is float and "doc_id='b'" in repr(results)


def test_ids_left_out_are_positions(ranker):
    assert [one.doc_id for one in ranker.rank("word", TEXTS)] == [1, 2, 0, 3]
    [only] = ranker.rank("word", "best")
    assert (only.doc_id, only.rank, only.metadata) == (0, 1, {})


def test_documents_come_back_as_the_very_objects(ranker):
    documents = [Document(text, doc_id=f"d{place}", metadata={"n": place}) for place, text in enumerate(TEXTS)]
    results = ranker.rank("word", documents)
    assert [one.document for one in results] == [documents[place] for place in (1, 2, 0, 3)]
    assert results[0].document is documents[1]
    [only] = ranker.rank("word", documents[0])
    assert only.document is documents[0]


def test_what_is_said_beside_documents_goes_into_copies(ranker):
    documents = [Document("bad", "old", {"n": 1}), Document("best")]
    before = copy.deepcopy([vars(one) for one in documents])
    first, second = ranker.rank("word", documents, doc_ids=["x", "y"], metadata=[{"m": 1}, {"m": 2}])
    assert (first.doc_id, first.m, second.doc_id, second.metadata) == ("y", 2, "x", {"m": 1})
    assert [vars(one) for one in documents] == before
    assert [one.doc_id for one in ranker.rank("word", documents)] == [1, "old"]


def test_documents_of_the_original_are_read_by_their_attributes(ranker):
    foreign = SimpleNamespace(text="best", doc_id=7, metadata={"n": 1}, document_type="text")
    results = ranker.rank("word", ["bad", foreign])
    assert (results[0].doc_id, results[0].n, results[1].doc_id) == (7, 1, 0)


@pytest.mark.parametrize(
    "document", [None, 5, {"text": "a"}, SimpleNamespace(text="a", doc_id=1, document_type="image")]
)
def test_what_is_no_text_is_named(ranker, document):
    with pytest.raises(InvalidDocument, match="document 1"):
        ranker.rank("word", ["a", document])


@pytest.mark.parametrize("beside", [{"doc_ids": ["a"]}, {"metadata": [{}]}])
def test_one_id_for_each_document(ranker, beside):
    with pytest.raises(InputError, match="2 documents, and 1"):
        ranker.rank("word", ["a", "b"], **beside)


def test_no_documents_no_call():
    ranker = Reranker(NotToBeAsked())
    assert list(ranker.rank("word", [])) == list(asyncio.run(ranker.rank_async("word", []))) == []


def test_a_method_without_scores_gives_none():
    results = Reranker(Backwards()).rank("q", ["a", "b"])
    assert [(one.text, one.score, one.rank) for one in results] == [("b", None, 1), ("a", None, 2)]
    assert not results.has_scores and results.top_k(1)[0].text == "b"
    with pytest.raises(InputError, match="without scores"):
        Reranker(Backwards()).score("q", "a")


def test_one_text_has_a_score(ranker):
    assert ranker.score("word", "best") == 3.25


def test_the_same_while_an_event_loop_goes_on(ranker):
    async def both():
        return await asyncio.gather(*(ranker.rank_async("word", TEXTS, doc_ids=list("abcd")) for _ in range(2)))

    expected = repr(ranker.rank("word", TEXTS, doc_ids=list("abcd")))
    assert [repr(one) for one in asyncio.run(both())] == [expected] * 2


def test_all_of_it_travels_to_another_process(ranker):
    results = ranker.rank("word", TEXTS)
    assert repr(pickle.loads(pickle.dumps(results))) == repr(results)
    assert repr(pickle.loads(pickle.dumps(ranker)).rank("word", TEXTS)) == repr(results)
    assert repr(copy.deepcopy(results[0])) == repr(results[0])
    ranker.close()
    assert "Reranker(" in repr(ranker)


def test_results_and_documents_by_hand():
    document = Document("a", 1, {"n": 2})
    assert Result(document, rank=1).n == 2 and Result(document, score=0.5).text == "a"
    assert document.attributes[0] == "text" and document == Document("a", 1, {"n": 2}) != Document("b")
    with pytest.raises(AttributeError, match="'absent'"):
        _ = Result(document, rank=1).absent
    with pytest.raises(InputError):
        Result(document)
    with pytest.raises(InvalidDocument):
        Document()
    assert Document(document_type="image", image_path="a.png").text is None
    unsorted = RankedResults([Result(document, 0.1), Result(document, 0.9), Result(document, 0.9)], "q", True)
    assert unsorted.top_k(2) == unsorted.results[1:]


# -- which model is meant


@pytest.mark.parametrize(
    ("arguments", "model", "probabilities"),
    [
        (("flashrank",), "ms-marco-MiniLM-L-12-v2", True),
        (("cross-encoder",), "mixedbread-ai/mxbai-rerank-base-v1", False),
        (("cross-encoder", "zh"), "BAAI/bge-reranker-base", False),
        (("ms-marco-MiniLM-L-12-v2",), "ms-marco-MiniLM-L-12-v2", True),
        (("ms-marco-MiniLM-L-12-v2", "en", "cross-encoder"), "ms-marco-MiniLM-L-12-v2", False),
        (("ms-marco-TinyBERT-L-2-v2", "en", "FlashRankRanker"), "ms-marco-TinyBERT-L-2-v2", True),
        (("BAAI/bge-reranker-base", "en", "TransformerRanker"), "BAAI/bge-reranker-base", False),
        (("minilm",), "minilm", False),
    ],
)
def test_families_and_types_as_there(arguments, model, probabilities):
    chosen = choose(*arguments)
    assert (chosen.model, chosen.probabilities, chosen.paradigm) == (model, probabilities, None)


@pytest.mark.parametrize("name", ["cohere", "jina", "colbert", "lit5", "monovlm", "upr", "mxbaiv2", "pylate"])
def test_a_family_without_a_counterpart_says_why_and_names_those_there_are(name):
    with pytest.raises(ConfigError, match="Families here: cross-encoder, flashrank"):
        Reranker(name, api_key="secret")
    with pytest.raises(ConfigError):
        Reranker("some-model", model_type=name)


def test_names_that_cannot_be_served():
    with pytest.raises(ConfigError, match="Did you mean cross-encoder"):
        Reranker("minilm", model_type="crossencoder")
    with pytest.raises(ConfigError, match="no default model for the language 'fr'"):
        Reranker("cross-encoder", lang="fr")
    with pytest.raises(ConfigError, match="MODEL"):
        Reranker("t5")
    with pytest.raises(ConfigError, match="no server is named"):
        Reranker("rankgpt")
    with pytest.raises(ConfigError, match="environment") as raised:
        Reranker("flashrank", api_key="secret")
    assert "secret" not in str(raised.value)


def test_a_model_that_is_not_here_is_an_error_and_not_none(tmp_path, monkeypatch):
    monkeypatch.setenv("RANKKIT_HOME", str(tmp_path))
    with pytest.raises(ModelNotPulled, match="models pull"):
        Reranker("cross-encoder", verbose=0)


def test_a_language_model_behind_a_server_is_listwise(monkeypatch):
    monkeypatch.setenv("SOME_KEY", "secret")
    for name in ("rankgpt4", "gpt-4"):
        ranker = Reranker(name, endpoint="http://127.0.0.1:9/v1", api_key_env="SOME_KEY")
        assert repr(ranker._source.reranker()) == "sliding(20, 10)(generate gpt-4)" and "secret" not in repr(ranker)
