"""From the documents of a body to the candidates that are ranked."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from rankkit.core.ranking import Query, Request
from rankkit.core.text import without_surrogates
from rankkit.server.exchange import WireRequest


@dataclass(frozen=True, slots=True)
class Sorted:
    """What of a body is ranked: the documents that have a text, each with its place in the body; the places of those
    that have none; and what has to be said of it.
    """

    request: Request
    places: Sequence[int]
    without_text: Sequence[int]
    warnings: tuple[str, ...] = ()


def request_of(wire: WireRequest, request_id: str = "") -> Sorted:
    """The query is called as the request is: logs and traces of its ranking have this id.

    Raises:
        InputError: the query is empty.
    """
    query = Query(without_surrogates(wire.query), request_id, without_surrogates(wire.instruction or ""))
    texts, shortened = _first_words(wire.documents, wire.max_tokens_per_doc)
    places = [place for place, text in enumerate(texts) if text.strip()]
    documents = [{"id": str(place), "text": texts[place]} for place in places]
    words = f"max_tokens_per_doc is counted in words here: {shortened} documents were cut"
    without_text = sorted(set(range(len(texts))).difference(places))
    return Sorted(Request.of(query, documents), places, without_text, (words,) if shortened else ())


def _first_words(texts: Sequence[str], most: int | None) -> tuple[Sequence[str], int]:
    """A word is a token or several, so no more is cut than was asked for; what a model cannot read it cuts itself."""
    if not most:
        return texts, 0
    ends = [_end_of_word(text, most) if len(text) > most else len(text) for text in texts]
    cut = sum(end < len(text.rstrip()) for end, text in zip(ends, texts, strict=True))
    return [text[:end] for end, text in zip(ends, texts, strict=True)], cut


def _end_of_word(text: str, number: int) -> int:
    """Where the word with this number ends, or the text."""
    found = next(itertools.islice(re.finditer(r"\S+", text), number - 1, None), None)
    return len(text) if found is None else found.end()
