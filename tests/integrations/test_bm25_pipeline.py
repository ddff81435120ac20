"""The pipeline that people build: BM25 finds, and a reranker puts the answer first. With FlashRank's own package and
with rankkit in its place, and with LangChain's wrapper of FlashRank beside ours.
"""

from __future__ import annotations

import importlib
import json
import logging
import shutil
import warnings
from pathlib import Path

import pytest

from tests.lanes import needs

needs("frameworks", "langchain_core", "langchain_classic", "langchain_community", "rank_bm25", "flashrank")

from flashrank import Ranker
from flashrank.Config import model_file_map
from langchain_classic.retrievers import ContextualCompressionRetriever
from langchain_core.documents import BaseDocumentCompressor, Document

from rankkit.integrations.langchain import RankkitRerank

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # that langchain-community is no longer looked after
    from langchain_community.document_compressors import FlashrankRerank
    from langchain_community.retrievers import BM25Retriever

pytestmark = pytest.mark.model

MINILM = "ms-marco-MiniLM-L-12-v2"
QUERY = "how long do fleas live?"
CORPUS = Path(__file__).parent.parent.parent / "examples" / "documents.jsonl"
#: Where BM25's words are found first: it knows nothing of what is asked.
FOUND, ANSWER = "dog", "adult"


def bm25() -> BM25Retriever:
    rows = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]
    documents = [Document(f"{row['title']}. {row['text']}", id=row["id"], metadata=row) for row in rows]
    return BM25Retriever.from_documents(documents, k=12)


def names(documents: list[Document]) -> list[str]:
    return [document.metadata["id"] for document in documents]


@pytest.fixture
def flashrank_cache(minilm_folder, tmp_path) -> Path:
    """A folder as FlashRank fills it: the same weights under its own file names, so that it has nothing to download."""
    folder = tmp_path / MINILM
    shutil.copytree(minilm_folder, folder)
    (folder / "model.onnx").rename(folder / model_file_map[MINILM])
    (folder / "config.json").write_text('{"pad_token_id": 0}')
    return tmp_path


@pytest.fixture(autouse=True)
def _logging_is_as_before():
    root = logging.getLogger()
    before = root.level, list(root.handlers)
    yield  # FlashRank calls logging.basicConfig
    root.level, root.handlers[:] = before


def reranked(compressor: BaseDocumentCompressor) -> list[Document]:
    """What comes out behind BM25, whose own order must not be what comes out."""
    found = bm25().invoke(QUERY)
    assert found[0].id == FOUND
    out = ContextualCompressionRetriever(base_compressor=compressor, base_retriever=bm25()).invoke(QUERY)
    assert names(out)[0] == ANSWER and names(out) != names(found)[: len(out)]
    return out


def test_ours_beside_langchains_wrapper_of_flashrank(minilm_folder, flashrank_cache):
    ours = reranked(RankkitRerank(model=str(minilm_folder), top_n=3, options={"scores": "probability"}))
    theirs = reranked(FlashrankRerank(client=Ranker(MINILM, cache_dir=str(flashrank_cache)), top_n=3))
    assert names(ours) == names(theirs)
    # The graph has 8-bit weights: FlashRank's scores depend on what else is in the batch, by some hundredths.
    assert [one.metadata["relevance_score"] for one in ours] == pytest.approx(
        [float(one.metadata["relevance_score"]) for one in theirs], abs=0.06
    )
    assert [one.id for one in ours] == names(ours)  # which the wrapper loses
    json.dumps([one.metadata for one in ours])  # whose scores there are numpy's


@pytest.mark.parametrize("package", ["flashrank", "rankkit.integrations.flashrank"])
def test_the_same_script_with_another_import(package, flashrank_cache):
    """FlashRank's own few lines, as its users write them."""
    flashrank = importlib.import_module(package)
    ranker = flashrank.Ranker(model_name=MINILM, cache_dir=str(flashrank_cache))
    found = bm25().invoke(QUERY)
    passages = [{"id": one.id, "text": one.page_content, "meta": one.metadata} for one in found]
    results = ranker.rerank(flashrank.RerankRequest(query=QUERY, passages=passages))
    assert [one["id"] for one in results][:3] == ["adult", "cycle", "pupa"]
    assert found[0].id == FOUND and results[0]["meta"]["id"] == ANSWER
    assert len(results) == 12 and results[0]["score"] > 0.9 > 0.1 > results[-1]["score"]
