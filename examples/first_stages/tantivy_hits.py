"""Tantivy, then a cross-encoder. Needs ``pip install tantivy``; runs in memory."""

from __future__ import annotations

import tantivy
from articles import ARTICLES, QUERY

import rankkit
from rankkit.retrieval import from_tantivy

schema = tantivy.SchemaBuilder()
schema.add_text_field("id", stored=True, tokenizer_name="raw")
schema.add_text_field("title", stored=True)
schema.add_text_field("body", stored=True, tokenizer_name="en_stem")
schema.add_integer_field("year", stored=True)
index = tantivy.Index(schema.build())
writer = index.writer()
for article in ARTICLES:
    writer.add_document(tantivy.Document(**article))
writer.commit()
index.reload()

searcher = index.searcher()
parsed, _ = index.parse_query_lenient(QUERY, ["title", "body"])
request = from_tantivy(QUERY, searcher.search(parsed, 100), searcher, text_field="body")

for row in rankkit.load("ms-marco-MiniLM-L-12-v2").rank(request, top_k=3):
    print(row.rank, row.candidate.id, row.candidate.metadata["year"], row.candidate.text)
