"""The documents that ``rankkit rerank`` is given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rankkit.data.lines import STDIN
from rankkit.data.records import Format, read_records
from rankkit.errors import DataError

_HINT = "Give files of documents, or - to read them from standard input."


def read_documents(sources: Sequence[str], form: Format | None = None) -> Iterator[object]:
    """Yield all documents of the files, ``-`` being standard input (as is no file at all), in order.

    The files are what ``read_records`` reads: lines of text, JSON lines, a JSON array, CSV or TSV, compressed or not.

    Raises:
        DataError: names the file and line that cannot be read.
    """
    for source in sources or [STDIN]:
        if source != STDIN:
            _check(source)
        for _, record in read_records(source, form, lenient=True):
            yield record


def _check(source: str) -> None:
    # Pipes and devices are files too: <(command), /dev/stdin.
    if Path(source).is_dir():
        hint = f"{_HINT} A folder is searched: rankkit search QUERY --corpus DIR."
        raise DataError(f"{source} is a folder", hint=hint)
    if not Path(source).exists():
        raise DataError(f"there is no file {source}", hint=_HINT)
