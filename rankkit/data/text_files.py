"""A folder of text files as a corpus."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rankkit.core.ranking import Candidate
from rankkit.errors import DataError

SUFFIXES = (".txt", ".md")


@dataclass(frozen=True, slots=True)
class TextFolder:
    """Every ``.txt`` and ``.md`` file below a folder is a document; its id is the path from the folder, with slashes.

    The order is that of the ids. Empty files are passed over, as is whatever lies in a hidden folder or is hidden
    itself (its name begins with a dot).
    """

    path: Path

    def __iter__(self) -> Iterator[Candidate]:
        """Read the documents, one at a time.

        Raises:
            DataError: there is no such folder, no such file in it, or a file cannot be read as UTF-8.
        """
        if not self.path.is_dir():
            raise DataError(f"{self.path}: there is no such folder", hint="Check the path.")
        names = sorted(filter(None, map(self._name, self.path.rglob("*"))))
        if not names:
            raise DataError(
                f"{self.path}: there is no {' or '.join(SUFFIXES)} file in this folder",
                hint="A corpus is a folder of text files, or corpus.jsonl: a JSON object with id and text a line.",
            )
        for name in names:
            text = _read(self.path / name)
            if text.strip():
                yield Candidate(id=name, text=text)

    def _name(self, file: Path) -> str:
        parts = file.relative_to(self.path).parts
        hidden = any(part.startswith(".") for part in parts)
        wanted = file.suffix.lower() in SUFFIXES and not hidden and file.is_file()
        return "/".join(parts) if wanted else ""


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{file}: not UTF-8 text ({error.reason} at byte {error.start})", hint="Convert the file to UTF-8."
        ) from error
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror or error})", hint="Check the path.") from error
