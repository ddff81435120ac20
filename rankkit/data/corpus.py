"""A collection of documents on disk (BEIR: JSON lines of ``_id``, ``title``, ``text``), never held as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rankkit.core.documents import TEXT_KEYS
from rankkit.core.ranking import Candidate
from rankkit.data.lines import located, read_json_lines
from rankkit.data.requests import candidate_of
from rankkit.errors import DataError


@dataclass(frozen=True, slots=True)
class Corpus:
    """Iterating and picking both stream through the file, once: a corpus may be larger than memory.

    Documents with neither a title nor a text (some public collections have a few) are passed over: no search finds
    them.
    """

    path: Path

    def __iter__(self) -> Iterator[Candidate]:
        for position, (where, fields) in enumerate(read_json_lines(self.path)):
            if any(fields.get(key) for key in ("title", *TEXT_KEYS)):
                with located(where):
                    document = candidate_of(fields, position)
                yield document

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
