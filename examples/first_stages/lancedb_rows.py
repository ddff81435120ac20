"""LanceDB, then a cross-encoder. Needs ``pip install lancedb``; runs in a temporary folder."""

from __future__ import annotations

import tempfile

import lancedb
from articles import ARTICLES, QUERY, embed

import rankkit
from rankkit.retrieval import from_lancedb

with tempfile.TemporaryDirectory() as folder:
    rows = [{**article, "vector": embed(str(article["body"]))} for article in ARTICLES]
    table = lancedb.connect(folder).create_table("articles", rows)
    search = table.search(embed(QUERY)).limit(100)
    request = from_lancedb(QUERY, search, text_field="body", distance_score="inverse")

for row in rankkit.load("ms-marco-MiniLM-L-12-v2").rank(request, top_k=3):
    print(row.rank, row.candidate.id, row.candidate.metadata["year"], row.candidate.text)
