"""Any JSON at all: either a request or a refusal, and a reply that holds each document once, best first."""

from __future__ import annotations

import json
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from rankkit.server.dialects import DIALECTS, PATHS, find
from rankkit.server.exchange import WireError
from tests.server.dialects.answering import ranked

text = st.text(max_size=12)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | text | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)
documents = st.lists(
    text | st.dictionaries(st.sampled_from(["text", "title", "id", "image"]), text, max_size=3), max_size=6
)
#: Every field of every dialect, and some of none.
FIELDS = sorted({name for row in DIALECTS.values() for name in row.body.model_fields})
OTHERS = ["text_1", "text_2", "queries", "items", "data_1", "data_2", "truncation_direction", "priority", "unknown"]
LISTS = ("documents", "texts", "input", "text_2", "queries")

likely = st.fixed_dictionaries(
    {"query": st.just("which?") | text},
    optional={
        **{key: documents | text | st.lists(text) for key in LISTS},
        **{key: st.integers(-2, 9) | st.none() for key in ("top_n", "top_k", "max_tokens_per_doc", "max_doc_length")},
        **{
            key: st.booleans() | st.none()
            for key in ("return_documents", "return_text", "return_input", "raw_scores", "truncation", "use_activation")
        },
        "rank_fields": st.lists(st.sampled_from(["text", "title", "year"]), max_size=2),
        "text_1": text,
        "model": text | st.just("default/not-specified"),
    },
)
bodies = likely | st.dictionaries(st.sampled_from([*FIELDS, *OTHERS]), json_values)
agents = st.sampled_from(["curl/8", "cohere/7.3.1", "litellm/1.110.2", "python-requests/2"])


def answered(dialect, body):
    try:
        wire = dialect.read(body)
    except WireError as error:
        assert 400 <= error.problem.status < 500
        assert error.problem.message and error.problem.message.isprintable()
        assert len(error.problem.message) < 1000
        written = dialect.write_problem(error.problem)
        assert written.status == error.problem.status
        json.dumps(written.json, allow_nan=False).encode()
        return None
    assert len(wire.documents) == len(wire.originals)
    assert all(isinstance(one, str) for one in (wire.query, *wire.documents, *wire.warnings))
    assert wire.top_n is None or wire.top_n >= 0
    return wire


def checked_rows(body, form):
    rows = body if isinstance(body, list) else body.get("results", body.get("data"))
    indices = [row["index"] for row in rows]
    assert len(set(indices)) == len(indices)
    scores = [row.get("relevance_score", row.get("score")) for row in rows]
    assert all(type(score) is float and (0 <= score <= 1 or form == "raw") for score in scores)
    return indices, scores


@given(path=st.sampled_from(PATHS), agent=agents, body=bodies)
def test_a_body_is_a_request_or_a_refusal_and_its_reply_is_in_order(path, agent, body):
    dialect = find(path, {"user-agent": agent}, body)
    wire = answered(dialect, body)
    if wire is None:
        return
    written = dialect.write(ranked(wire))
    json.dumps(written.json, allow_nan=False, ensure_ascii=False).encode()
    indices, scores = checked_rows(written.json, wire.score_form)
    n = len(wire.documents)
    assert len(indices) == (n if wire.top_n is None else min(n, wire.top_n)) and set(indices) <= set(range(n))
    if dialect.name == "score":
        assert indices == sorted(indices)
    else:
        assert all(later <= earlier for earlier, later in pairwise(scores))


@given(name=st.sampled_from(sorted(DIALECTS)), body=st.dictionaries(st.sampled_from([*FIELDS, *OTHERS]), json_values))
def test_no_body_is_more_than_a_dialect_can_refuse(name, body):
    answered(DIALECTS[name], body)
