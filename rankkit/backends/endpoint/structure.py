"""The ways in which OpenAI-compatible servers constrain what a model writes, and how an order is asked for in each.

No server is trusted with the constraint: what came back is read strictly, and an order with a label twice is no
order. Only a small grammar can forbid that; JSON schemas have a word for it (``uniqueItems``) which servers ignore or
refuse, and regular expressions have none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import comb

from rankkit.errors import InvalidReply

#: Up to so many rules a grammar spells out which labels are left (8 labels in any order take 255); beyond, it allows
#: a label twice.
MOST_RULES = 256


class Form(StrEnum):
    """The request field that carries the constraint. The order is that of trying: those that keep the prompt's own
    format come first, JSON after them.
    """

    GRAMMAR = "grammar"  # llama.cpp: GBNF
    STRUCTURED_OUTPUTS = "structured_outputs"  # vLLM
    GUIDED_REGEX = "guided_regex"  # vLLM, before structured_outputs
    REGEX = "regex"  # SGLang
    JSON_SCHEMA = "json_schema"  # OpenAI, and nearly everybody
    JSON_OBJECT = "json_object"  # llama-cpp-python: the schema stands beside the type


@dataclass(frozen=True, slots=True)
class Wanted:
    """``top`` different labels, written as ``opening label separator label ...``."""

    labels: tuple[str, ...]
    top: int
    opening: str = ""
    separator: str = " > "


def constraint(form: Form, wanted: Wanted) -> Mapping[str, object]:
    """The fields to add to a request."""
    match form:
        case Form.GRAMMAR:
            return {"grammar": _grammar(wanted)}
        case Form.STRUCTURED_OUTPUTS:
            return {"structured_outputs": {"regex": _regex(wanted)}}
        case Form.GUIDED_REGEX:
            return {"guided_regex": _regex(wanted)}
        case Form.REGEX:
            return {"regex": _regex(wanted)}
        case Form.JSON_SCHEMA:
            named = {"name": "order", "strict": True, "schema": _schema(wanted)}
            return {"response_format": {"type": "json_schema", "json_schema": named}}
        case Form.JSON_OBJECT:
            return {"response_format": {"type": "json_object", "schema": _schema(wanted)}}


def read_positions(form: Form, wanted: Wanted, text: str) -> tuple[int, ...]:
    """The labels' positions in the order written; ``wanted.top`` of them, perhaps with repeats.

    Raises:
        InvalidReply: the text does not keep to the constraint.
    """
    written = _json_labels(text) if form in (Form.JSON_SCHEMA, Form.JSON_OBJECT) else _plain_labels(wanted, text)
    places = {label.strip(): position for position, label in enumerate(wanted.labels)}
    if written is None or len(written) != wanted.top or not all(label in places for label in written):
        raise InvalidReply(
            f"the server did not keep to the constraint ({form}): {wanted.top} of {len(places)} labels were asked for, "
            f"the answer begins with {text[:60]!r}",
            hint="Ask for free text instead (a listwise judge that generates), or lower the number of candidates.",
        )
    return tuple(places[label] for label in written)


def read_order(form: Form, wanted: Wanted, text: str) -> tuple[int, ...]:
    """The same, with every label at most once.

    Raises:
        InvalidReply: the text does not keep to the constraint, or repeats a label.
    """
    positions = read_positions(form, wanted, text)
    if len(set(positions)) < len(positions):
        repeated = sorted({wanted.labels[place] for place in positions if positions.count(place) > 1})
        raise InvalidReply(
            f"the model put {', '.join(map(repr, repeated[:5]))} into its order more than once, and this server's "
            f"constraint ({form}) cannot forbid it",
            hint="Offer fewer candidates at once, or ask for free text (a listwise judge that generates).",
        )
    return positions


def _plain_labels(wanted: Wanted, text: str) -> list[str] | None:
    body, opening = text.strip(), wanted.opening.strip()
    if not body.startswith(opening):
        return None
    return [label.strip() for label in body[len(opening) :].split(wanted.separator)]


def _json_labels(text: str) -> list[str] | None:
    try:
        body = json.loads(text)
    except ValueError:
        return None
    order = body.get("order") if isinstance(body, dict) else None
    if not isinstance(order, list) or not all(isinstance(label, str) for label in order):
        return None
    return [label.strip() for label in order]


def _schema(wanted: Wanted) -> Mapping[str, object]:
    labels = {"type": "string", "enum": [label.strip() for label in wanted.labels]}
    order = {"type": "array", "items": labels, "minItems": wanted.top, "maxItems": wanted.top}
    return {"type": "object", "properties": {"order": order}, "required": ["order"], "additionalProperties": False}


def _regex(wanted: Wanted) -> str:
    label = "(" + "|".join(_escaped(label) for label in wanted.labels) + ")"
    more = wanted.top - 1
    return _escaped(wanted.opening) + label + (f"({_escaped(wanted.separator)}{label}){{{more}}}" if more else "")


def _escaped(text: str) -> str:
    # re.escape also escapes spaces and dashes, which the servers' engines take for errors.
    return "".join("\\" + character if character in r"\^$.|?*+()[]{}" else character for character in text)


def _grammar(wanted: Wanted) -> str:
    opening = f"{_literal(wanted.opening)} " if wanted.opening else ""
    if sum(comb(len(wanted.labels), used) for used in range(wanted.top)) <= MOST_RULES:
        return "\n".join([f"root ::= {opening}left-0", *_rules_of_distinct(wanted)])
    later = f" {_literal(wanted.separator)} label" * (wanted.top - 1)
    return f"root ::= {opening}label{later}\nlabel ::= " + " | ".join(map(_literal, wanted.labels))


def _rules_of_distinct(wanted: Wanted) -> list[str]:
    """One rule for each set of labels that may have been used, as a bit mask in the rule's name."""
    rules, waiting = [], [0]
    for used in waiting:  # grows while it is walked
        last = used.bit_count() == wanted.top - 1
        ways = []
        for place, label in enumerate(wanted.labels):
            after = used | 1 << place
            if after == used:
                continue
            ways.append(_literal(label) + ("" if last else f" {_literal(wanted.separator)} left-{after}"))
            if not last and after not in waiting:
                waiting.append(after)
        rules.append(f"left-{used} ::= " + " | ".join(ways))
    return rules


def _literal(text: str) -> str:
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return '"' + "".join(escapes.get(character, character) for character in text) + '"'


def as_longest(wanted: Wanted) -> str:
    """The longest text that a constrained answer can be, to find out how many tokens to leave for it."""
    longest = sorted(wanted.labels, key=len, reverse=True)[: wanted.top]
    return max(wanted.opening + wanted.separator.join(longest), json.dumps({"order": longest}), key=len)
