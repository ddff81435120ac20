"""Haystack: BM25 finds, rankkit reranks, and the pipeline is written as YAML and read again.

It prints what BM25 found first, and below it what comes out.

    pip install 'rankkit-rerank[haystack]'
    python -m rankkit models pull ms-marco-MiniLM-L-12-v2
    python examples/haystack_pipeline.py
"""

import json
from pathlib import Path

from haystack import Document, Pipeline
from haystack.components.retrievers.in_memory import InMemoryBM25Retriever
from haystack.document_stores.in_memory import InMemoryDocumentStore

from rankkit.integrations.haystack import RankkitRanker

QUERY = "how long does an adult flea live?"

lines = (Path(__file__).parent / "documents.jsonl").read_text(encoding="utf-8").splitlines()
store = InMemoryDocumentStore()
store.write_documents(
    [Document(id=row["id"], content=row["text"], meta={"title": row["title"]}) for row in map(json.loads, lines)]
)
pipeline = Pipeline()
pipeline.add_component("retriever", InMemoryBM25Retriever(store, top_k=8))
pipeline.add_component("ranker", RankkitRanker(top_k=3, meta_fields_to_embed=["title"], meta_data_separator=". "))
pipeline.connect("retriever.documents", "ranker.documents")

result = pipeline.run({"retriever": {"query": QUERY}, "ranker": {"query": QUERY}}, include_outputs_from={"retriever"})
print("BM25:   ", [document.id for document in result["retriever"]["documents"]])
for document in result["ranker"]["documents"]:
    print(f"{document.score:8.2f}  {document.id:8}  {document.content[:80]}")

read = Pipeline.loads(pipeline.dumps(), allowed_modules=["rankkit.integrations.haystack"])
print("read again:", read.get_component("ranker").to_dict()["init_parameters"])
