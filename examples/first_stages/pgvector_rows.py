"""PostgreSQL with pgvector, then a cross-encoder. Needs a server that has it, and ``pip install psycopg[binary]``.

``python pgvector_rows.py postgresql://localhost/articles``
"""

from __future__ import annotations

import sys

import psycopg
from articles import ARTICLES, QUERY, embed

import rankkit
from rankkit.retrieval import from_pgvector

with psycopg.connect(sys.argv[1]) as connection, connection.cursor() as cursor:
    cursor.execute("CREATE EXTENSION IF NOT EXISTS vector")
    cursor.execute("CREATE TEMPORARY TABLE articles (id text, title text, body text, year int, embedding vector(64))")
    cursor.executemany(
        "INSERT INTO articles VALUES (%(id)s, %(title)s, %(body)s, %(year)s, %(embedding)s::vector)",
        [{**article, "embedding": str(embed(str(article["body"])))} for article in ARTICLES],
    )
    cursor.execute(
        "SELECT id, title, body, year, embedding <=> %s::vector AS distance FROM articles ORDER BY distance LIMIT 100",
        [str(embed(QUERY))],
    )
    request = from_pgvector(
        QUERY,
        cursor.fetchall(),
        columns=cursor,
        text_field="body",
        distance_field="distance",
        distance_score="cosine",
    )

for row in rankkit.load("ms-marco-MiniLM-L-12-v2").rank(request, top_k=3):
    print(row.rank, row.candidate.id, row.candidate.metadata["distance"], row.candidate.text)
