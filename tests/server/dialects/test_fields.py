"""What fields mean: documents of all shapes, switches, and what is left aside."""

from __future__ import annotations

import pytest

from tests.server.dialects.bodies import KEYS, body_of, read, refusal

# -- no documents at all


@pytest.mark.parametrize(
    ("name", "status"),
    [("tei", 400), ("llama.cpp", 400), ("infinity", 422), ("cohere-v1", 422), ("cohere-v2", 422)],
)
def test_an_empty_list_is_refused_where_the_format_does(name, status):
    problem = refusal(name, body_of(name, []))
    assert (problem.status, problem.kind) == (status, "empty")


@pytest.mark.parametrize("name", ["jina", "voyage", "mixedbread", "vllm", "shared", "openrouter", "pinecone"])
def test_elsewhere_there_is_nothing_to_rank(name):
    assert read(name, body_of(name, [])).documents == ()


def test_null_is_a_document_without_text_for_tei_only():
    assert read("tei", body_of("tei", ["a", None])).documents == ("a", "")
    assert "a document is a string" in refusal("voyage", body_of("voyage", [None])).message


# -- objects

TAKE_OBJECTS = ["cohere-v1", "cohere-v2", "jina", "mixedbread", "vllm", "openrouter", "pinecone", "shared"]


@pytest.mark.parametrize("name", TAKE_OBJECTS)
@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({"text": "words"}, "words"),
        ({"id": "7", "text": "words"}, "words"),
        ({"text": ""}, ""),
        ({}, ""),
        ({"title": "A", "body": "B"}, "title: A\nbody: B"),
        ({"body": "B", "title": "A"}, "body: B\ntitle: A"),
        ({"title": "A", "year": 1999, "tags": ["x"], "none": None}, 'title: A\nyear: 1999\ntags: ["x"]'),
        ({"text": "words", "image": None}, "words"),
        ({"content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]}, "one\ntwo"),
    ],
)
def test_objects_are_texts_in_the_order_of_their_fields(name, document, text):
    wire = read(name, body_of(name, [document]))
    assert wire.documents == (text,) and wire.originals == (document,) and wire.warnings == ()


@pytest.mark.parametrize("name", TAKE_OBJECTS)
def test_fields_and_images_that_are_not_read_are_said(name):
    wire = read(name, body_of(name, [{"text": "words", "title": "A"}, {"text": "t", "image": "data:"}]))
    assert wire.documents == ("words", "t")
    assert any("no other field is read" in words for words in wire.warnings)
    assert "images of documents are not read" in wire.warnings
    assert "images are not read" in refusal(name, body_of(name, [{"image": "data:"}])).message


@pytest.mark.parametrize("name", ["voyage", "tei", "llama.cpp", "infinity"])
def test_objects_are_refused_where_the_format_has_strings_only(name):
    assert ".0: a document is a string (seen: an object)" in refusal(name, body_of(name, [{"text": "a"}])).message


@pytest.mark.parametrize("name", ["cohere-v1", "mixedbread", "pinecone", "shared"])
def test_rank_fields_say_what_is_read_and_in_which_order(name):
    document = {"text": "words", "title": "A", "author": {"name": "N"}}
    for fields, text in [
        (["title", "text"], "title: A\ntext: words"),
        (["text", "title"], "text: words\ntitle: A"),
        (["title"], "A"),
        (["author.name", "missing"], "N"),
    ]:
        wire = read(name, body_of(name, [document], rank_fields=fields))
        assert wire.documents == (text,) and wire.warnings == ()
    assert "none of the rank_fields" in refusal(name, body_of(name, [document], rank_fields=["x"])).message
    assert "rank_fields has no meaning" in read(name, body_of(name, rank_fields=["x"])).warnings[0]
    assert "rank_fields.0" in refusal(name, body_of(name, rank_fields=[1])).message


def test_mixedbread_takes_documents_in_parts():
    assert read("mixedbread", body_of("mixedbread", [["one", {"text": "two"}]])).documents == ("one\ntwo",)
    assert "input.0.0" in refusal("mixedbread", body_of("mixedbread", [[5]])).message


# -- switches


@pytest.mark.parametrize(
    ("name", "fields", "expected"),
    [
        ("cohere-v1", {}, False),
        ("cohere-v1", {"return_documents": True}, True),
        ("cohere-v2", {"return_documents": True}, False),
        ("jina", {}, True),
        ("jina", {"return_documents": False}, False),
        ("voyage", {}, False),
        ("voyage", {"return_documents": True}, True),
        ("mixedbread", {}, False),
        ("mixedbread", {"return_input": True}, True),
        ("tei", {}, False),
        ("tei", {"return_text": True}, True),
        ("vllm", {}, True),
        ("vllm", {"return_documents": False}, True),
        ("llama.cpp", {}, False),
        ("infinity", {}, False),
        ("infinity", {"return_documents": True}, True),
        ("openrouter", {}, True),
        ("pinecone", {}, True),
        ("pinecone", {"return_documents": False}, False),
        ("shared", {}, False),
        ("shared", {"return_documents": True}, True),
        ("shared-without-documents", {"return_documents": True}, False),
    ],
)
def test_whether_documents_come_back(name, fields, expected):
    assert read(name, body_of(name, **fields)).return_documents is expected


@pytest.mark.parametrize(
    ("name", "fields", "form"),
    [
        ("tei", {"raw_scores": True}, "raw"),
        ("tei", {"raw_scores": False}, "promised"),
        ("infinity", {"raw_scores": True}, "raw"),
        ("cohere-v2", {"raw_scores": True}, "raw"),
        ("vllm", {"raw_scores": True}, "raw"),
        ("vllm", {"use_activation": False}, "raw"),
        ("vllm", {"use_activation": True}, "promised"),
        ("vllm", {"activation": False}, "raw"),
        ("vllm", {"softmax": False}, "raw"),
    ],
)
def test_raw_scores_on_request(name, fields, form):
    assert read(name, body_of(name, **fields)).score_form == form


@pytest.mark.parametrize("name", KEYS)
def test_instructions_are_read_by_both_names(name):
    assert read(name, body_of(name, instruction="find facts")).instruction == "find facts"
    assert read(name, body_of(name, instruct="find facts")).instruction == "find facts"
    both = read(name, body_of(name, instruction="this", instruct="that"))
    assert both.instruction == "this" and "instruct was left aside" in both.warnings[0]


@pytest.mark.parametrize(
    ("name", "fields", "limit"),
    [
        ("cohere-v2", {"max_tokens_per_doc": 512}, 512),
        ("vllm", {"max_tokens_per_doc": 0}, None),
        ("vllm", {"max_tokens_per_doc": 512}, 512),
        ("jina", {"max_doc_length": 512}, 512),
        ("shared", {"max_tokens_per_doc": 512}, 512),
    ],
)
def test_documents_are_cut_where_the_body_says(name, fields, limit):
    wire = read(name, body_of(name, **fields))
    assert wire.max_tokens_per_doc == limit and wire.warnings == ()
    [key] = fields
    assert f"{key}: it is 0 or more" in refusal(name, body_of(name, **{key: -1})).message


@pytest.mark.parametrize(
    ("name", "fields", "words"),
    [
        ("cohere-v1", {"max_chunks_per_doc": 10}, "max_chunks_per_doc"),
        ("cohere-v2", {"relevant_spans": {"mode": "enabled"}}, "relevant_spans"),
        ("cohere-v2", {"return_documents": True}, "return_documents"),
        ("cohere-v2", {"priority": 3}, "priority has no meaning here"),
        ("jina", {"max_doc_length": 9, "return_embeddings": True}, "return_embeddings"),
        ("voyage", {"truncation": False}, "truncation"),
        ("voyage", {"max_tokens_per_doc": 9}, "max_tokens_per_doc"),
        ("mixedbread", {"rewrite_query": True}, "rewrite_query"),
        ("tei", {"truncate": False}, "truncate"),
        ("tei", {"truncation_direction": "Left"}, "truncation_direction"),
        ("vllm", {"truncate_prompt_tokens": 100}, "truncate_prompt_tokens"),
        ("vllm", {"truncation_side": "left"}, "truncation_side"),
        ("vllm", {"cache_salt": "x"}, "cache_salt"),
        ("llama.cpp", {"return_documents": True}, "return_documents"),
        ("infinity", {"user": "x"}, "user"),
        ("openrouter", {"provider": {"order": ["x"]}}, "provider"),
        ("pinecone", {"parameters": {"max_chunks": 3}}, "parameters"),
        ("shared-without-documents", {"return_documents": True}, "no documents"),
        ("shared", {"a\nfield": 1}, "a field has no meaning here"),
    ],
)
def test_what_has_no_meaning_here_is_said(name, fields, words):
    [said] = read(name, body_of(name, **fields)).warnings
    assert words in said


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("cohere-v2", {"priority": 0, "relevant_spans": None}),
        ("voyage", {"truncation": True, "top_k": None}),
        ("tei", {"truncate": True, "truncation_direction": "Right"}),
        ("vllm", {"truncate_prompt_tokens": -1, "truncation_side": "right", "priority": 0, "mm_processor_kwargs": {}}),
        ("mixedbread", {"rewrite_query": False}),
        ("pinecone", {"parameters": {"truncate": "END"}}),
    ],
)
def test_what_asks_for_nothing_is_not_worth_a_word(name, fields):
    assert read(name, body_of(name, **fields)).warnings == ()


def test_many_unknown_fields_are_counted():
    warnings = read("shared", body_of("shared", **{f"field{number}": 1 for number in range(50)})).warnings
    assert len(warnings) == 9 and warnings[-1] == "42 more fields have no meaning here"


def test_infinity_s_name_for_no_name_is_none():
    assert read("infinity", body_of("infinity", model="default/not-specified")).model is None
