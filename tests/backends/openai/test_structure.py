"""Constraints and the reading of what came back. A toy reader of grammars stands in for a server's engine; the real one
is asked where a model is at hand.
"""

from __future__ import annotations

import json
import re
from itertools import permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankkit.backends.language.pricing import estimate_order_tokens, estimate_tokens
from rankkit.backends.openai import structure
from rankkit.backends.openai.log_probabilities import first_differing
from rankkit.backends.openai.structure import (
    Form,
    OrderConstraint,
    constraint_fields,
    read_order,
    read_positions,
)
from rankkit.errors import InvalidReply

LABELS = ("[1]", "[2]", "[3]")


def language(grammar: str) -> set[str]:
    """Every text of a grammar without loops: ``name ::= "literal" name | ...``, one rule a line."""
    rules = dict(line.split(" ::= ") for line in grammar.split("\n"))

    def texts(name: str) -> set[str]:
        found: set[str] = set()
        for way in rules[name].split(" | "):
            parts = re.findall(r'"(?:[^"\\]|\\.)*"|[\w-]+', way)
            choices = [{json.loads(part)} if part.startswith('"') else texts(part) for part in parts]
            found |= {"".join(chosen) for chosen in product(*choices)}
        return found

    return texts("root")


@pytest.mark.parametrize("top", [1, 2, 3])
def test_a_small_grammar_allows_each_label_once(top: int):
    wanted = OrderConstraint(LABELS, top, opening="Best: ", separator=" > ")
    grammar = str(constraint_fields(Form.GRAMMAR, wanted)["grammar"])
    assert language(grammar) == {"Best: " + " > ".join(order) for order in permutations(LABELS, top)}


def test_a_large_grammar_forbids_repeats_for_as_many_places_as_it_has_room_for(monkeypatch):
    monkeypatch.setattr(structure, "MOST_ALTERNATIVES", 4 + 4 * 3)
    wanted = OrderConstraint(("1", "2", "3", "4"), 4)
    written = language(str(constraint_fields(Form.GRAMMAR, wanted)["grammar"]))
    beginnings = {" > ".join(pair) for pair in permutations(wanted.labels, 2)}
    assert {text[:5] for text in written} == beginnings
    assert {text[8:] for text in written} == {" > ".join(pair) for pair in product(wanted.labels, repeat=2)}
    monkeypatch.setattr(structure, "MOST_ALTERNATIVES", 0)
    assert len(language(str(constraint_fields(Form.GRAMMAR, wanted)["grammar"]))) == 4**4


@pytest.mark.parametrize("count", [9, 20, 100])
def test_a_grammar_stays_small(count: int):
    wanted = OrderConstraint(tuple(f"[{number}]" for number in range(1, count + 1)), top=count)
    assert len(str(constraint_fields(Form.GRAMMAR, wanted)["grammar"])) < 120_000


def test_labels_are_literals_in_a_grammar():
    wanted = OrderConstraint(('a"b', "c\\d", "e\nf"), top=1)
    assert language(str(constraint_fields(Form.GRAMMAR, wanted)["grammar"])) == set(wanted.labels)


@given(
    labels=st.lists(st.text(alphabet="[]()+*.|\\-^$?{}a1 ", min_size=1), min_size=1, max_size=4, unique=True),
    opening=st.sampled_from(["", "Order (best first): "]),
)
def test_a_regular_expression_matches_every_order(labels: list[str], opening: str):
    wanted = OrderConstraint(tuple(labels), len(labels), opening)
    regex = str(constraint_fields(Form.REGEX, wanted)["regex"])
    assert re.fullmatch(regex, opening + " > ".join(labels))
    assert not re.fullmatch(regex, opening + " > ".join([*labels, labels[0]]))


def test_a_schema_holds_nothing_that_strict_servers_refuse():
    body = constraint_fields(Form.JSON_SCHEMA, OrderConstraint(LABELS, 2))
    assert body == {
        "response_format": {
            "type": "json_schema",
            "json_schema": {
                "name": "order",
                "strict": True,
                "schema": {
                    "type": "object",
                    "properties": {
                        "order": {
                            "type": "array",
                            "items": {"type": "string", "enum": ["[1]", "[2]", "[3]"]},
                            "minItems": 2,
                            "maxItems": 2,
                        }
                    },
                    "required": ["order"],
                    "additionalProperties": False,
                },
            },
        }
    }


@given(order=st.permutations(range(5)), top=st.integers(1, 5), form=st.sampled_from(Form))
def test_what_is_written_is_read(order: list[int], top: int, form: Form):
    labels = tuple(f"[{number}]" for number in range(1, 6))
    chosen = [labels[place] for place in order[:top]]
    as_json = form in (Form.JSON_SCHEMA, Form.JSON_OBJECT)
    text = json.dumps({"order": chosen}) if as_json else "Order: " + " > ".join(chosen)
    wanted = OrderConstraint(labels, top, opening="Order: ")
    assert read_order(form, wanted, text) == tuple(order[:top])
    assert estimate_tokens(text) <= estimate_order_tokens(labels, top, opening="Order: ")


@pytest.mark.parametrize(
    "text", ["", "[1]", "[1] > [2] > [3]", "[1] > [4]", "[1], [2]", "I think [1] > [2]", "[1] > ", '{"order": ["[1]"]}']
)
def test_nothing_else_is_read(text: str):
    with pytest.raises(InvalidReply, match="did not keep"):
        read_positions(Form.GRAMMAR, OrderConstraint(LABELS, 2), text)


def test_an_order_ends_before_the_first_label_that_comes_twice():
    labels = tuple("12345")
    assert read_positions(Form.REGEX, OrderConstraint(labels, 4), "3 > 1 > 3 > 2") == (2, 0, 2, 1)
    assert read_order(Form.REGEX, OrderConstraint(labels, 4), "3 > 1 > 3 > 2") == (2, 0)
    assert read_order(Form.REGEX, OrderConstraint(labels, 2), "3 > 3") == (2,)


@pytest.mark.parametrize(
    ("continuations", "shown", "expected"),
    [
        (["A", "B"], {"A": -0.1, "B": -2.0}, (-0.1, -2.0)),
        (["A", "C"], {"A": -0.1, "B": -2.0}, (-0.1, None)),
        (["Yes", "No"], {"Y": -0.1, "N": -2.0}, (-0.1, -2.0)),
        (["[1]", "[2]"], {"[": -0.1, "[1": -1.0}, (-1.0, None)),
        (["[1]", "[12]"], {"[": -0.1, "[1": -1.0}, (None, None)),
        (["[1]", "[12]"], {"[1": -1.0, "[12": -3.0}, (None, -3.0)),
        (["true", "trust"], {"tru": -0.1, "true": -0.5}, (-0.5, None)),
        (["Yes"], {"Y": -2.0, "Ye": -1.0, "Yes!": -0.1}, (-1.0,)),
    ],
)
def test_what_the_first_token_tells(continuations: list[str], shown: dict[str, float], expected: tuple[float | None]):
    assert first_differing(continuations, shown) == expected


@pytest.mark.parametrize(
    "text",
    [
        '{"order": ["3", "1"]}',
        '```json\n{"order": ["3", "1"]}\n```',
        'Here it is: {"order": ["3", "1"]}.',
        '\ufeff{"order": ["3", "1"]}',
    ],
)
def test_constrained_json_is_read_in_a_fence_too(text):
    assert read_positions(Form.JSON_SCHEMA, OrderConstraint(("1", "2", "3"), 2), text) == (2, 0)
