"""Qdrant, then a cross-encoder. Needs ``pip install qdrant-client``; runs in memory."""

from __future__ import annotations

from articles import ARTICLES, QUERY, embed
from qdrant_client import QdrantClient, models

import rankkit
from rankkit.retrieval import from_qdrant

client = QdrantClient(":memory:")
client.create_collection("articles", vectors_config=models.VectorParams(size=64, distance=models.Distance.COSINE))
client.upsert(
    "articles",
    [
        models.PointStruct(id=number, vector=embed(str(article["body"])), payload=article)
        for number, article in enumerate(ARTICLES)
    ],
)

found = client.query_points("articles", query=embed(QUERY), limit=100)
request = from_qdrant(QUERY, found, text_field="body", id_field="id")

for row in rankkit.load("ms-marco-MiniLM-L-12-v2").rank(request, top_k=3):
    print(row.rank, row.candidate.id, row.candidate.metadata["year"], row.candidate.text)
