"""A collection of documents on disk, never held as a whole: BEIR's JSON lines of ``_id``, ``title``, ``text``,
MS MARCO's ``collection.tsv``, or CSV with a header.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rankkit.core.documents import TEXT_KEYS
from rankkit.core.ranking import Candidate
from rankkit.data.lines import located
from rankkit.data.records import Format, read_records, suffix_of
from rankkit.data.requests import candidate_of
from rankkit.errors import DataError

#: A line of any other file is a JSON object.
_FORMATS = {".json", ".csv", ".tsv"}


@dataclass(frozen=True, slots=True)
class Corpus:
    """Iterating and picking both stream through the file, once: a corpus may be larger than memory.

    Documents with neither a title nor a text (some public collections have a few) are passed over: no search finds
    them.
    """

    path: Path

    def __iter__(self) -> Iterator[Candidate]:
        form: Format | None = None if suffix_of(self.path) in _FORMATS else "jsonl"
        for position, (where, record) in enumerate(read_records(self.path, form)):
            with located(where):
                if isinstance(record, str) or not any(_words(record.get(key)) for key in ("title", *TEXT_KEYS)):
                    continue
                document = candidate_of(record, position)
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


def _words(value: object) -> bool:
    return bool(value.strip()) if isinstance(value, str) else bool(value)
