"""LangChain: BM25 finds, rankkit reranks.

It prints what BM25 found first, and below it what comes out.

    pip install 'rankkit-rerank[langchain]' langchain-classic langchain-community rank-bm25
    python -m rankkit models pull ms-marco-MiniLM-L-12-v2
    python examples/langchain_retriever.py
"""

import json
from pathlib import Path

from langchain_classic.retrievers import ContextualCompressionRetriever
from langchain_community.retrievers import BM25Retriever
from langchain_core.documents import Document

from rankkit.integrations.langchain import RankkitRerank

QUERY = "how long do fleas live?"

lines = (Path(__file__).parent / "documents.jsonl").read_text(encoding="utf-8").splitlines()
documents = [
    Document(f"{row['title']}. {row['text']}", id=row["id"], metadata={"title": row["title"]})
    for row in map(json.loads, lines)
]
bm25 = BM25Retriever.from_documents(documents, k=12)
reranking = ContextualCompressionRetriever(base_compressor=RankkitRerank(top_n=3), base_retriever=bm25)

print("BM25:   ", [document.id for document in bm25.invoke(QUERY)])
for document in reranking.invoke(QUERY):
    print(f"{document.metadata['relevance_score']:8.2f}  {document.id:8}  {document.page_content[:80]}")
