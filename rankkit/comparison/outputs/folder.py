"""All reports of a comparison in one folder."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path

from rankkit.comparison.outputs.html import to_html
from rankkit.comparison.outputs.latex import to_latex
from rankkit.comparison.outputs.markdown import to_markdown
from rankkit.comparison.outputs.tables import to_csv
from rankkit.comparison.result import ComparisonResult
from rankkit.data.written import replace_all
from rankkit.errors import DataError, MissingExtra

#: By what a folder is known as one that a comparison has written to.
_OURS = "report.json"
#: Bytes of a name in a file's name, of which most file systems allow 255 in all.
_LONGEST = 100


def to_json(comparison: ComparisonResult) -> str:
    return json.dumps(comparison.to_dict(), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


_TEXTS: dict[str, Callable[[ComparisonResult], str]] = {
    "report.md": to_markdown,
    "report.tex": to_latex,
    "report.csv": to_csv,
    _OURS: to_json,
    "report.html": to_html,
}


@dataclass(frozen=True, slots=True)
class ReportFolder:
    """Where a comparison writes to. Each file is replaced as a whole, and none before it is complete."""

    path: Path

    @classmethod
    def of(cls, path: Path) -> ReportFolder:
        """Make the folder, before anything is computed.

        Raises:
            DataError: it is a file, cannot be written to, or holds something else than reports.
        """
        if path.exists() and not path.is_dir():
            raise DataError(f"{path}: is a file", hint="Give the name of a folder for the reports.")
        if path.is_dir() and any(path.iterdir()) and not (path / _OURS).exists() and not (path / "runs").exists():
            raise DataError(
                f"{path}: the folder holds something else than reports of a comparison",
                hint="Give another one, or empty it.",
            )
        try:
            (path / "runs").mkdir(parents=True, exist_ok=True)
            probe = path / ".rankkit-writable"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise DataError(
                f"{path}: cannot be written to ({error.strerror or error})", hint="Give another folder."
            ) from error
        return cls(path)

    def run_files(self, systems: Sequence[str], data: Sequence[str]) -> dict[tuple[str, str], Path]:
        """Where the TREC run of each system on each data set stands. Every file system has room for these names, and
        tells them apart: of two that would be one, the later gets a number.
        """
        files: dict[tuple[str, str], Path] = {}
        taken: set[str] = set()
        for system, data_set in product(systems, data):
            name = f"{_file_name(system)}.{_file_name(data_set)}"
            names = (name, *(f"{name}-{number}" for number in range(2, len(systems) * len(data) + 1)))
            free = next(one for one in names if one.casefold() not in taken)
            taken.add(free.casefold())
            files[system, data_set] = self.path / "runs" / f"{free}.trec"
        return files

    def write(self, comparison: ComparisonResult) -> None:
        """All reports.

        Raises:
            DataError: one cannot be written; all that stood there before stands there still.
            MissingExtra: what draws report.html is not installed; the other reports are there.
        """
        write_reports(self.path, {name: partial(text_of, comparison) for name, text_of in _TEXTS.items()})


def write_reports(path: Path, texts: Mapping[str, Callable[[], str]]) -> None:
    """Write files of these names and texts: all of them, or none; but one for which an extra is missing, alone, is left
    out.

    Raises:
        DataError: one cannot be written; all that stood there before stands there still.
        MissingExtra: one could not be made; the others are there.
    """
    made: dict[Path, bytes] = {}
    missing: MissingExtra | None = None
    for name, text in texts.items():
        try:
            made[path / name] = text().encode()
        except MissingExtra as error:
            missing = error
    replace_all(made)
    if missing is not None:
        raise missing


def _file_name(name: str) -> str:
    """What a file can be called of what somebody called a system or a data set."""
    words = re.sub(r"[^\w.+-]+", "-", name).strip("-.")
    return words.encode("utf-8", "ignore")[:_LONGEST].decode("utf-8", "ignore") or "unnamed"
