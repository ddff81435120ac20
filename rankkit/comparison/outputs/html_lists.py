"""The lists and texts behind each query of an HTML report, as many as the file can hold.

A report of thousands of queries has to stay a file that can be mailed and opened. Lists are cut at their head and
texts are clipped; where they would still be too large, the queries on which the systems differ most keep theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from rankkit.comparison.outputs.html_json import safe_json
from rankkit.comparison.result import SHOWN_TEXT, Document, QueryLists

#: How many documents of each list are shown; fewer where the lists would not fit ``LIST_BYTES``.
LIST_DEPTHS = (20, 10, 5)
LIST_BYTES = 5_000_000
#: At how many characters the text of a document is clipped; earlier where the texts would not fit ``TEXT_BYTES``.
TEXT_LENGTHS = (SHOWN_TEXT, 350, 150)
TEXT_BYTES = 10_000_000

_NAME_LENGTH = 200
#: Bytes of JSON around a document, and of a place in a list with its score.
_DOCUMENT_BYTES, _PLACE_BYTES = 16, 11

#: A query: its data set and its id.
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class ShownLists:
    """What of the lists goes into the report: ``depth`` documents of each, with at most ``length`` characters of text
    for the queries ``with_text``.
    """

    lists: Mapping[Key, QueryLists]
    depth: int
    length: int
    with_text: frozenset[Key]

    def notes(self, queries: int) -> list[str]:
        """What a reader has to know of it, in words; ``queries`` counts those that have figures."""
        notes = []
        if 0 < len(self.lists) < queries:
            notes.append(
                f"The lists of {len(self.lists):,} of {queries:,} queries are in this file, to keep it small: "
                "those on which the systems differ most."
            )
        if len(self.with_text) < len(self.lists):
            notes.append(
                f"Texts of documents are in this file for {len(self.with_text):,} of {queries:,} queries, to keep it "
                "small: those on which the systems differ most."
            )
        if self.lists:
            longest = max(len(ranked) for one in self.lists.values() for ranked in (*one.lists.values(), ()))
            depth = min(self.depth, longest)
            notes.append(f"Each list shows its first {depth} documents; texts end after {self.length} characters.")
        return notes


def shown_lists(queries: Iterable[QueryLists], most_interesting_first: Sequence[Key]) -> ShownLists:
    """Choose what fits."""
    lists = {(one.data, one.id): one for one in queries}
    order = [key for key in most_interesting_first if key in lists]
    depth = _first_that_fits(LIST_DEPTHS, lists.values(), _list_bytes, LIST_BYTES)
    kept = {key: lists[key] for key in _within(LIST_BYTES, order, lambda key: _list_bytes(lists[key], depth))}

    def text_bytes(one: QueryLists, length: int) -> int:
        documents = (one.documents[name] for name in _documents(one, depth) if name in one.documents)
        return sum(_size(document.text[:length]) for document in documents)

    length = _first_that_fits(TEXT_LENGTHS, kept.values(), text_bytes, TEXT_BYTES)
    with_text = _within(TEXT_BYTES, list(kept), lambda key: text_bytes(kept[key], length))
    return ShownLists(kept, depth, length, frozenset(with_text))


def lists_for_page(key: Key, systems: Sequence[str], shown: ShownLists) -> dict[str, object] | None:
    """``documents`` are id, title, text, grade and place in the first stage (from 1; ``None``: not in it); ``lists``
    has a list a system, of places in ``documents`` and scores in turn; ``first`` is the head of the first stage.
    """
    one = shown.lists.get(key)
    if one is None:
        return None
    names = _documents(one, shown.depth)
    number = {name: index for index, name in enumerate(names)}
    places = {name: place for place, name in enumerate(one.first_stage, 1) if name in number}
    documents: list[list[object]] = []
    for name in names:
        document = one.documents.get(name)
        if document is None:  # a run found it that is in no file of ours
            document = Document("")
        text = clipped(document.text, shown.length) if key in shown.with_text else None
        head = (clipped(name, _NAME_LENGTH), clipped(document.title, _NAME_LENGTH))
        documents.append([*head, text, document.grade, places.get(name)])
    lists = [
        [part for name, score in one.lists[system][: shown.depth] for part in (number[name], _rounded(score))]
        if system in one.lists
        else None
        for system in systems
    ]
    first = [number[name] for name in _first(one, shown.depth)]
    return {"documents": documents, "lists": lists, "first": first, "candidates": len(one.first_stage)}


def clipped(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def _documents(one: QueryLists, depth: int) -> list[str]:
    """Those at the head of any list, each once."""
    heads = (name for ranked in one.lists.values() for name, _ in ranked[:depth])
    return list(dict.fromkeys([*_first(one, depth), *heads]))


def _first(one: QueryLists, depth: int) -> tuple[str, ...]:
    """The head of the first stage, no longer than the longest list."""
    return one.first_stage[: min(depth, max(map(len, one.lists.values()), default=depth))]


def _list_bytes(one: QueryLists, depth: int) -> int:
    documents = _documents(one, depth)
    titles = (one.documents[name].title for name in documents if name in one.documents)
    words = sum(_size(part[:_NAME_LENGTH]) for part in (*documents, *titles))
    places = sum(len(ranked[:depth]) for ranked in one.lists.values())
    return words + len(documents) * _DOCUMENT_BYTES + places * _PLACE_BYTES


def _size(text: str) -> int:
    """Its bytes in the page."""
    return len(safe_json(text).encode("utf-8"))


def _first_that_fits(
    sizes: Sequence[int], queries: Iterable[QueryLists], measure: Callable[[QueryLists, int], int], most: int
) -> int:
    """The first of these sizes with which all queries fit, else the last."""
    every = list(queries)
    return next((size for size in sizes[:-1] if _fits(most, (measure(one, size) for one in every))), sizes[-1])


def _fits(most: int, sizes: Iterable[int]) -> bool:
    return all(total <= most for total in accumulate(sizes))


def _within(most: int, order: Sequence[Key], measure: Callable[[Key], int]) -> list[Key]:
    """As many from the front as fit together."""
    total, kept = 0, []
    for key in order:
        total += measure(key)
        if total > most:
            break
        kept.append(key)
    return kept


def _rounded(score: float | None) -> float | None:
    return None if score is None else float(f"{score:.5g}")
