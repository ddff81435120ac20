"""A collection of documents on disk, never held as a whole: BEIR's JSON lines of ``_id``, ``title``, ``text``,
MS MARCO's ``collection.tsv``, or CSV with a header.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rankkit.core.documents import TEXT_KEYS
from rankkit.core.ranking import Candidate
from rankkit.data.lines import OnFault, faults_to, located
from rankkit.data.records import Format, read_records, suffix_of
from rankkit.data.requests import candidate_of
from rankkit.errors import DataError

#: A line of any other file is a JSON object.
_FORMATS = {".json", ".csv", ".tsv"}


class Collection(Protocol):
    """Documents that can be gone through, and looked up by their ids."""

    def __iter__(self) -> Iterator[Candidate]: ...

    def pick(self, ids: Iterable[str]) -> Mapping[str, Candidate]: ...


@dataclass(frozen=True, slots=True)
class Corpus:
    """Iterating and picking both stream through the file, once: a corpus may be larger than memory.

    Documents with neither a title nor a text (some public collections have a few) are passed over: no search finds
    them.
    """

    path: Path

    def __iter__(self) -> Iterator[Candidate]:
        return (document for _, document in self.located())

    def located(
        self, on_empty: Callable[[str], None] | None = None, on_fault: OnFault | None = None
    ) -> Iterator[tuple[str, Candidate]]:
        """Yield ``("path:line", document)``. ``on_empty`` is given the place of each document without words."""
        form: Format | None = None if suffix_of(self.path) in _FORMATS else "jsonl"
        for position, (where, record) in enumerate(read_records(self.path, form, on_fault=on_fault)):
            if isinstance(record, str) or not any(_words(record.get(key)) for key in ("title", *TEXT_KEYS)):
                if on_empty is not None:
                    on_empty(where)
                continue
            with faults_to(on_fault), located(where):
                yield where, candidate_of(record, position)

    def pick(self, ids: Iterable[str]) -> dict[str, Candidate]:
        """Fetch the documents with these ids, in the order of the corpus.

        Raises:
            DataError: one of them is not there, has no text, or is there twice.
        """
        wanted = set(ids)
        found: dict[str, Candidate] = {}
        for document in self:
            if document.id in wanted:
                if document.id in found:
                    raise DataError(f"{self.path}: document {document.id!r} is there twice", hint="Keep one of them.")
                found[document.id] = document
        missing = sorted(wanted - found.keys())
        if missing:
            raise DataError(
                f"{self.path}: {len(missing)} of {len(wanted)} documents are not there, or have no text: "
                f"{', '.join(map(repr, missing[:5]))}",
                hint="Check that the ids are of this corpus.",
            )
        return found


def _words(value: object) -> bool:
    return bool(value.strip()) if isinstance(value, str) else bool(value)
