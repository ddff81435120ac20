"""What is wrong with data, collected: each kind of fault once, with how often it is there and the first examples."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from rankkit.core.ranking import clip
from rankkit.data.lines import OnFault
from rankkit.errors import DuplicateIds, EmptyQuery, InputError, InvalidDocument

#: ``error``: an evaluation refuses the data, or its figures are wrong. ``warning``: the figures mean something else
#: than they seem to. ``note``: worth knowing.
Severity: TypeAlias = Literal["error", "warning", "note"]

_ORDER: tuple[Severity, ...] = ("error", "warning", "note")
#: Of each problem.
_EXAMPLES = 3
_EXAMPLE_LENGTH = 200

_FAULTS: tuple[tuple[type[InputError], str], ...] = (
    (DuplicateIds, "documents that are there twice for a query"),
    (InvalidDocument, "documents that cannot be used"),
    (EmptyQuery, "queries without text"),
    (InputError, "faults: lines that cannot be used"),
)


@dataclass(frozen=True, slots=True)
class Problem:
    """``count`` times what ``words`` say; ``examples`` are the first of them, with file and line where these are
    known.
    """

    severity: Severity
    words: str
    count: int
    examples: tuple[str, ...] = ()


class Findings:
    """Adds up problems while data is gone through; names of files are shortened to those below ``root``."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._found: dict[tuple[Severity, str], tuple[int, tuple[str, ...]]] = {}

    def add(self, severity: Severity, words: str, *examples: str, count: int | None = None) -> None:
        """``count`` more of a kind (as many as examples, or one); none is no problem."""
        more = max(1, len(examples)) if count is None else count
        if more < 1:
            return
        words = self.short(words)
        before, shown = self._found.get((severity, words), (0, ()))
        for example in examples[: _EXAMPLES - len(shown)]:
            shown = (*shown, clip(self.short(example), _EXAMPLE_LENGTH))
        self._found[severity, words] = (before + more, shown)

    def in_file(self, path: Path) -> OnFault:
        """What takes the faults that a reader finds in a file: all are errors, for an evaluation would end there."""

        def add(fault: InputError) -> None:
            words = next(words for kind, words in _FAULTS if isinstance(fault, kind))
            self.add("error", f"{path}: {words}", fault.message)

        return add

    def short(self, words: str) -> str:
        """Words with the names of files as they are below the folder."""
        return words.replace(f"{self._root}/", "")

    def problems(self) -> tuple[Problem, ...]:
        """The worst first, otherwise as they were found."""
        return tuple(
            Problem(severity, words, count, examples)
            for severity in _ORDER
            for (kind, words), (count, examples) in self._found.items()
            if kind == severity
        )
