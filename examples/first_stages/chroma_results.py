"""Chroma, then a cross-encoder. Needs ``pip install chromadb``; runs in memory."""

from __future__ import annotations

import chromadb
from articles import ARTICLES, QUERY, embed

import rankkit
from rankkit.retrieval import from_chroma

collection = chromadb.EphemeralClient().create_collection("articles", embedding_function=None)
collection.add(
    ids=[str(article["id"]) for article in ARTICLES],
    documents=[str(article["body"]) for article in ARTICLES],
    embeddings=[embed(str(article["body"])) for article in ARTICLES],
    metadatas=[{"title": article["title"], "year": article["year"]} for article in ARTICLES],
)

found = collection.query(query_embeddings=[embed(QUERY)], n_results=5)
request = from_chroma(QUERY, found)

for row in rankkit.load("ms-marco-MiniLM-L-12-v2").rank(request, top_k=3):
    print(row.rank, row.candidate.id, row.candidate.metadata["year"], row.candidate.text)
