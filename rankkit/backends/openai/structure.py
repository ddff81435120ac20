"""The ways in which OpenAI-compatible servers constrain what a model writes, and how an order is asked for in each.

No server is trusted with the constraint: what came back is read strictly. A label twice can be forbidden by a grammar
only, and for so many places as it has room to spell out; JSON schemas have a word for it (``uniqueItems``) which
servers ignore or refuse, and regular expressions have none. So an order is what was written up to the first repeat.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import comb

from rankkit.errors import InvalidReply

#: A grammar spells out which labels are left as long as that takes no more alternatives than this (9 labels in any
#: order take 2,304, the first 3 of 20 take 3,820); beyond, it allows a label twice.
MOST_ALTERNATIVES = 4096


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
class OrderConstraint:
    """``top`` different labels, written as ``opening label separator label ...``."""

    labels: tuple[str, ...]
    top: int
    opening: str = ""
    separator: str = " > "


def constraint_fields(form: Form, constraint: OrderConstraint) -> Mapping[str, object]:
    """The fields to add to a request."""
    match form:
        case Form.GRAMMAR:
            return {"grammar": _grammar(constraint)}
        case Form.STRUCTURED_OUTPUTS:
            return {"structured_outputs": {"regex": _regex(constraint)}}
        case Form.GUIDED_REGEX:
            return {"guided_regex": _regex(constraint)}
        case Form.REGEX:
            return {"regex": _regex(constraint)}
        case Form.JSON_SCHEMA:
            named = {"name": "order", "strict": True, "schema": _schema(constraint)}
            return {"response_format": {"type": "json_schema", "json_schema": named}}
        case Form.JSON_OBJECT:
            return {"response_format": {"type": "json_object", "schema": _schema(constraint)}}


def read_positions(form: Form, constraint: OrderConstraint, text: str) -> tuple[int, ...]:
    """The labels' positions in the order written; ``constraint.top`` of them, perhaps with repeats.

    Raises:
        InvalidReply: the text does not keep to the constraint.
    """
    written = _json_labels(text) if form in (Form.JSON_SCHEMA, Form.JSON_OBJECT) else _plain_labels(constraint, text)
    places = {label.strip(): position for position, label in enumerate(constraint.labels)}
    if written is None or len(written) != constraint.top or not all(label in places for label in written):
        raise InvalidReply(
            f"the server did not keep to the constraint ({form}): {constraint.top} of {len(places)} labels were asked "
            f"for, the answer begins with {text[:60]!r}",
            hint="Ask for free text instead (a listwise judge that generates), or lower the number of candidates.",
        )
    return tuple(places[label] for label in written)


def read_order(form: Form, constraint: OrderConstraint, text: str) -> tuple[int, ...]:
    """The same up to the first label that had been there before: at least one position.

    Raises:
        InvalidReply: the text does not keep to the constraint.
    """
    positions = read_positions(form, constraint, text)
    repeated = (at for at, position in enumerate(positions) if position in positions[:at])
    return positions[: next(repeated, None)]


def _plain_labels(constraint: OrderConstraint, text: str) -> list[str] | None:
    body, opening = text.strip(), constraint.opening.strip()
    if not body.startswith(opening):
        return None
    return [label.strip() for label in body[len(opening) :].split(constraint.separator)]


def _json_labels(text: str) -> list[str] | None:
    # Some servers put the JSON into a fence, or words around it, in spite of the constraint.
    start, end = text.find("{"), text.rfind("}")
    try:
        body = json.loads(text[start : end + 1] if 0 <= start < end else text)
    except (ValueError, RecursionError):
        return None
    order = body.get("order") if isinstance(body, dict) else None
    if not isinstance(order, list) or not all(isinstance(label, str) for label in order):
        return None
    return [label.strip() for label in order]


def _schema(constraint: OrderConstraint) -> Mapping[str, object]:
    labels = {"type": "string", "enum": [label.strip() for label in constraint.labels]}
    order = {"type": "array", "items": labels, "minItems": constraint.top, "maxItems": constraint.top}
    return {"type": "object", "properties": {"order": order}, "required": ["order"], "additionalProperties": False}


def _regex(constraint: OrderConstraint) -> str:
    label = "(" + "|".join(_escaped(label) for label in constraint.labels) + ")"
    more = constraint.top - 1
    return (
        _escaped(constraint.opening) + label + (f"({_escaped(constraint.separator)}{label}){{{more}}}" if more else "")
    )


def _escaped(text: str) -> str:
    # re.escape also escapes spaces and dashes, which the servers' engines take for errors.
    return "".join("\\" + character if character in r"\^$.|?*+()[]{}" else character for character in text)


def _grammar(constraint: OrderConstraint) -> str:
    """The first labels differ, as many as fit; then any label, that one too which has been written."""
    distinct, alternatives = 0, 0
    while distinct < constraint.top:
        alternatives += comb(len(constraint.labels), distinct) * (len(constraint.labels) - distinct)
        if alternatives > MOST_ALTERNATIVES:
            break
        distinct += 1
    opening = f"{_literal(constraint.opening)} " if constraint.opening else ""
    rules = [f"root ::= {opening}left-0", *_rules_of_distinct(constraint, distinct)]
    free = constraint.top - distinct
    if free:
        rules.append("rest ::= label" + f" {_literal(constraint.separator)} label" * (free - 1))
        rules.append("label ::= " + " | ".join(map(_literal, constraint.labels)))
    return "\n".join(rules)


def _rules_of_distinct(constraint: OrderConstraint, distinct: int) -> Iterator[str]:
    """One rule for each set of fewer than ``distinct`` labels that may have been used, as a bit mask in its name."""
    waiting = [0] if distinct else []
    if not distinct:
        yield "left-0 ::= rest"
    seen = set(waiting)
    for used in waiting:  # grows while it is walked
        count = used.bit_count() + 1
        ways = []
        for place, label in enumerate(constraint.labels):
            after = used | 1 << place
            if after == used:
                continue
            next_rule = "" if count == constraint.top else "rest" if count == distinct else f"left-{after}"
            ways.append(_literal(label) + (f" {_literal(constraint.separator)} {next_rule}" if next_rule else ""))
            if count < distinct and after not in seen:
                seen.add(after)
                waiting.append(after)
        yield f"left-{used} ::= " + " | ".join(ways)


def _literal(text: str) -> str:
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return '"' + "".join(escapes.get(character, character) for character in text) + '"'
