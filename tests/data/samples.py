"""Lines of data files, for tests that make their own."""

from __future__ import annotations

import json


def candidates_line(qid: str, query: str, *ids: str) -> str:
    """A line of candidates.jsonl; a document's text is "text of" its id."""
    documents = [{"docid": name, "text": f"text of {name}", "score": 9.0 - place} for place, name in enumerate(ids)]
    return json.dumps({"qid": qid, "query": query, "candidates": documents}) + "\n"
