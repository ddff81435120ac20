"""What all bodies have in common: limits, and wrong values that are refused in words."""

from __future__ import annotations

import math

import pytest

from tests.server.dialects.bodies import BAD_REQUEST, KEYS, body_of, read, refusal


@pytest.mark.parametrize("name", KEYS)
def test_a_body_is_read_and_not_changed(name):
    body = body_of(name, ["one", "", "three"], model="mini")
    before = {key: list(value) if isinstance(value, list) else value for key, value in body.items()}
    wire = read(name, body)
    assert body == before
    assert (wire.query, wire.documents, wire.originals) == ("which?", ("one", "", "three"), ("one", "", "three"))
    assert (wire.model, wire.top_n, wire.score_form, wire.warnings) == ("mini", None, "promised", ())


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("key", ["model", "limit", "instruction", "instruct", "max_tokens_per_doc", "return_documents"])
def test_null_is_the_same_as_a_field_that_is_not_there(name, key):
    key = KEYS[name][1] if key == "limit" else key
    assert read(name, body_of(name, **{key: None})) == read(name, body_of(name))


@pytest.mark.parametrize(
    ("name", "limit", "meaning"),
    [
        *[(name, 1, 1) for name in KEYS],
        *[(name, 99, 99) for name in KEYS],
        ("vllm", 0, None),
        ("vllm", -1, None),
        ("shared", 0, None),
        ("shared-without-documents", 0, None),
        ("llama.cpp", 0, 0),
        ("tei", 0, 0),
    ],
)
def test_limits(name, limit, meaning):
    assert read(name, body_of(name, **{KEYS[name][1]: limit})).top_n == meaning


def test_a_number_of_any_length_is_a_limit_or_is_shown_in_short():
    assert read("shared", body_of("shared", top_n=10**400)).top_n == 10**400
    assert len(refusal("shared", body_of("shared", top_n=-(10**4000))).message) < 200


def test_a_limit_of_0_that_nobody_else_means_so_is_said():
    assert "vLLM" in read("shared", body_of("shared", top_n=0)).warnings[0]


@pytest.mark.parametrize("name", ["cohere-v1", "cohere-v2", "jina", "voyage", "mixedbread", "infinity", "pinecone"])
@pytest.mark.parametrize("limit", [0, -3])
def test_a_limit_below_1_is_refused_where_it_has_no_meaning(name, limit):
    key = KEYS[name][1]
    problem = refusal(name, body_of(name, **{key: limit}))
    assert problem.status == (400 if name in BAD_REQUEST else 422)
    assert problem.param == key and f"(seen: {limit})" in problem.message


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("query", 3, "query: should be a valid string (seen: 3)"),
        ("query", None, "query: should be a valid string (seen: null)"),
        ("query", ["q"], "query: should be a valid string (seen: a list)"),
        ("query", " \n", "query: a query has words in it"),
        ("model", 3, "model: should be a valid string (seen: 3)"),
        ("documents", "one text", 'should be a valid list (seen: "one text")'),
        ("documents", {"text": "one"}, "should be a valid list (seen: an object)"),
        ("documents", ["one", 5], ".1: a document is a string"),
        ("documents", [True], ".0: a document is a string"),
        ("limit", "three", 'should be a valid integer (seen: "three")'),
        ("limit", 2.5, "should be a valid integer"),
        ("limit", True, "should be a valid integer (seen: true)"),
        ("instruction", 5, "instruction: should be a valid string (seen: 5)"),
        ("anything", math.nan, "anything: a number is finite"),
        ("anything", [[math.inf]], "anything: a number is finite"),
    ],
)
def test_wrong_types_are_refused_in_words(name, key, value, words):
    key = dict(zip(("documents", "limit"), KEYS[name], strict=True)).get(key, key)
    problem = refusal(name, body_of(name, **{key: value}))
    assert problem.status == (400 if name in BAD_REQUEST else 422)
    assert words in problem.message
    assert problem.param and problem.param.split(".")[0] == key


@pytest.mark.parametrize("name", KEYS)
def test_what_is_missing_is_named(name):
    problem = refusal(name, {})
    assert "query: field required" in problem.message and f"{KEYS[name][0]}: field required" in problem.message


def test_a_body_that_nests_without_end_is_refused():
    deep: object = "text"
    for _ in range(200):
        deep = [deep]
    assert "deep in one another" in refusal("shared", body_of("shared", more=deep)).message


def test_halves_of_characters_are_read_as_what_can_be_written_again():
    wire = read("shared", body_of("shared", ["a\ud800b", {"text": "\udfff"}]))
    assert wire.documents == ("a\ufffdb", "\ufffd") and wire.originals == ("a\ufffdb", {"text": "\ufffd"})
