"""All reports of a comparison in one folder."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rankkit.comparison.experiment import Experiment
from rankkit.comparison.outputs.html import write_html
from rankkit.comparison.outputs.latex import to_latex
from rankkit.comparison.outputs.markdown import to_markdown
from rankkit.comparison.outputs.tables import to_csv
from rankkit.comparison.result import ComparisonResult
from rankkit.data.written import replaced
from rankkit.errors import DataError

#: By what a folder is known as one that a comparison has written to.
_OURS = "report.json"


def to_json(comparison: ComparisonResult) -> str:
    return json.dumps(comparison.to_dict(), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


_TEXTS: dict[str, Callable[[ComparisonResult], str]] = {
    "report.md": to_markdown,
    "report.tex": to_latex,
    "report.csv": to_csv,
    _OURS: to_json,
}


@dataclass(frozen=True, slots=True)
class ReportFolder:
    """Where a comparison writes to. Each file is replaced as a whole, and none before it is complete."""

    path: Path

    @classmethod
    def of(cls, path: Path, experiment: Experiment) -> ReportFolder:
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
        folder = cls(path)
        names = [folder.run_file(system.name, "") for system in experiment.systems]
        if len(set(names)) < len(names):
            raise DataError(
                "two systems' names differ only in signs that a file's name cannot have",
                hint="Rename one of them.",
            )
        return folder

    def run_file(self, system: str, data: str) -> Path:
        """Where the TREC run of a system stands."""
        parts = [re.sub(r"[^\w.+-]+", "-", name).strip("-.") or "system" for name in (system, data) if name]
        return self.path / "runs" / f"{'.'.join(parts)}.trec"

    def write(self, comparison: ComparisonResult) -> None:
        """All reports.

        Raises:
            DataError: one cannot be written; what stood there before stands there still.
            MissingExtra: what draws report.html is not installed; the other reports are there.
        """
        for name, text_of in _TEXTS.items():
            with replaced(self.path / name) as file:
                file.write(text_of(comparison).encode())
        write_html(comparison, self.path / "report.html")
