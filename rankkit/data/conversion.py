"""A data set in one of the field's formats becomes the same data set in another."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rankkit.data.converter import Converter, OnRead, split_of
from rankkit.data.folder import Files
from rankkit.data.layouts import layout_of
from rankkit.data.plain import plain
from rankkit.data.written import replaced_folder
from rankkit.errors import DataError

#: Files that a data set's folder may hold: only a folder of these is ever replaced.
_DATA = re.compile(r"(queries|qrels|candidates|corpus|collection|top1000|msmarco-docs|run)(\..+)?|qrels/.+\.tsv(\..+)?")


@dataclass(frozen=True, slots=True)
class Conversion:
    """``written`` counts queries, judgements, candidates and documents of the corpus; ``lost`` says what the format
    cannot hold, and ``notes`` what else is different, each with how often.
    """

    source: Path
    out: Path
    format: str
    files: tuple[Path, ...]
    written: Mapping[str, int]
    lost: Mapping[str, int]
    notes: Mapping[str, int]

    def to_dict(self) -> dict[str, object]:
        """Plain Python for JSON."""
        return {
            "source": str(self.source),
            "out": str(self.out),
            "format": self.format,
            "files": [str(path) for path in self.files],
            "written": plain(self.written),
            "lost": plain(self.lost),
            "notes": plain(self.notes),
        }


def convert(
    folder: str | Path,
    out: str | Path,
    to: str = "rankkit",
    *,
    split: str | None = None,
    run: str | Path | None = None,
    overwrite: bool = False,
    on_read: OnRead | None = None,
) -> Conversion:
    """Write the data set of ``folder`` into the folder ``out``: as ``rankkit`` (candidates.jsonl), ``rankllm`` (its
    request lines), ``beir`` or ``trec`` (both with the candidates as run.trec, their texts in the corpus), or
    ``msmarco`` (top1000, collection.tsv).

    All queries and judgements are kept, not only those that an evaluation uses. ``run`` is a TREC run that takes the
    place of the candidates (a folder that has none but a ``run.trec``: that, if no other is named); ``split`` is as in
    ``load_dataset``, and names the files of formats that have splits.
    ``out`` appears when it is complete; one that holds a data set is replaced only with ``overwrite``.

    Raises:
        ConfigError: there is no such format.
        DataError: a file is missing or wrong, the format cannot hold an id, ``out`` cannot be written, holds something
            already, or is being read.
        InputError: a request is not valid.
    """
    layout, source, target = layout_of(to), Path(folder), Path(out)
    files = Files.of(source, split)
    run = run or files.run
    inputs = (*files.read, *([] if run is None else [Path(run)]))
    _check_target(target, inputs, overwrite=overwrite)
    with replaced_folder(target) as place:
        work = Converter(files, layout, split or split_of(files.qrels) or "test", place, on_read or _nobody)
        work.run(None if run is None else Path(run))
        written = sorted(path.relative_to(place) for path in place.rglob("*") if path.is_file())
    return Conversion(
        source, target, to, tuple(target / path for path in written), work.written, work.losses, work.notes
    )


def _nobody(name: str, done: int) -> None:
    """Nobody asks how far it is."""


def _check_target(out: Path, inputs: tuple[Path, ...], *, overwrite: bool) -> None:
    if not out.parent.is_dir():
        raise DataError(f"{out}: there is no folder {out.parent}", hint="Make it first.")
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise DataError(f"{out}: is not a folder", hint="Give the name of a new folder.")
    whole = out.resolve()
    for path in inputs:
        if whole in path.resolve().parents:
            raise DataError(f"{out}: {path} in it is read as data, and would be lost", hint="Give another place.")
    there = sorted(path.relative_to(out).as_posix() for path in out.rglob("*")) if out.is_dir() else []
    if there and not overwrite:
        raise DataError(
            f"{out}: holds files already: {', '.join(there[:5])}",
            hint="Give the name of a new folder, or say that it may be replaced (--overwrite).",
        )
    foreign = [name for name in there if not _DATA.fullmatch(name)]
    if foreign:
        raise DataError(
            f"{out}: would be replaced, but holds what is no data set: {', '.join(foreign[:5])}",
            hint="Give the name of a new folder, or move these away.",
        )
