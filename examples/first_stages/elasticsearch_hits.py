"""Elasticsearch or OpenSearch, then a cross-encoder. Needs a server, and ``pip install elasticsearch``.

``python elasticsearch_hits.py http://localhost:9200``
"""

from __future__ import annotations

import sys

from articles import ARTICLES, QUERY
from elasticsearch import Elasticsearch

import rankkit
from rankkit.retrieval import from_elasticsearch

client = Elasticsearch(sys.argv[1])
for article in ARTICLES:
    client.index(index="articles", id=article["id"], document=article)
client.indices.refresh(index="articles")

response = client.search(
    index="articles", query={"multi_match": {"query": QUERY, "fields": ["title", "body"]}}, size=100
)
request = from_elasticsearch(QUERY, response, text_field="body")

for row in rankkit.load("ms-marco-MiniLM-L-12-v2").rank(request, top_k=3):
    print(row.rank, row.candidate.id, row.candidate.metadata["year"], row.candidate.text)
