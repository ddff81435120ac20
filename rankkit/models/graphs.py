"""The ONNX graphs of a model's folder, and what is made of them there."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from rankkit.backends.encoders.graph_files import find_graph, has_graph, named_graph, quantised_at_run_time
from rankkit.backends.encoders.graphs import optimised
from rankkit.backends.encoders.graphs.optimised import Optimised
from rankkit.errors import ChecksumMismatch, ConfigError, InvalidModel


def graphs_of(place: Path, graph: str | None = None) -> list[Path]:
    """The graphs of a folder that are run: the one of a cross-encoder, or those of a sequence-to-sequence model.

    Raises:
        ConfigError: it has none.
        InvalidModel: nobody can tell which of several is meant.
    """
    if place.is_file() and place.suffix == ".onnx":
        return [place]
    if not place.is_dir():
        raise ConfigError(f"{place} is no ONNX model", hint="Give a folder with model.onnx, or that file.")
    if graph is not None:
        return [named_graph(place, graph)]
    stems = [stem for stem in ("encoder_model", "decoder_model") if has_graph(place, stem)]
    return [find_graph(place, stem) for stem in stems or ["model"]]


def made_of(graph: Path) -> Optimised:
    """The optimised form of a graph: made, unless it is there (see ``making``)."""
    # Only now: the runtime takes a while to import.
    making = importlib.import_module("rankkit.backends.encoders.graphs.making")
    made: Optimised = making.optimise_graph(graph)
    return made


def ensure_optimised(place: Path) -> None:
    """Make the optimised forms of a pulled model's graphs that have none yet. Those that are quantised at run time have
    one only when somebody asks for it (``optimising.optimise``): their scores move, if only by rounding.

    Raises:
        ConfigError, InvalidModel, StoreError: it cannot be done.
    """
    for graph in graphs_of(place):
        if optimised.find_optimised(graph) is None and not quantised_at_run_time(graph):
            made_of(graph)


def check_optimised(folder: Path, pulled: Mapping[str, str], again: str) -> None:
    """Hold what was made in a pulled model's folder against its records, and these against the files that were pulled
    (by name, with their sha256).

    Raises:
        InvalidModel: something lies there that was not made.
        ChecksumMismatch: a file is not what was made.
    """
    place = folder / optimised.FOLDER
    records = {name: optimised.read_record(place, name) for name in pulled if name.endswith(".onnx")}
    known = set(_files_of(place, records))
    found = {path for path in place.rglob("*") if not path.is_dir() and not _is_at_work(path, place)}
    found |= {path for path in (place, *place.rglob("*")) if path.is_symlink()}  # what is made here are files
    known -= {path for path in known if path.is_symlink()}
    if strangers := sorted(path.relative_to(folder).as_posix() for path in found - known):
        raise InvalidModel(f"nobody made {', '.join(map(repr, strangers))} in {folder}", hint=again)
    for name, record in records.items():
        if record is None:
            continue
        # One of an older file, or another way of making it, is not used; but it does no harm.
        wrong = [] if record.sha256 != pulled[name] else optimised.damaged(record)
        if wrong:
            raise ChecksumMismatch(f"{', '.join(wrong)} in {place} changed since it was made", hint=again)


def _files_of(place: Path, records: Mapping[str, Optimised | None]) -> Iterator[Path]:
    for name, record in records.items():
        if record is not None:
            yield optimised.record_path(place, name)
            yield from (place / file.name for file in record.all_files)


def _is_at_work(path: Path, place: Path) -> bool:
    return path.relative_to(place).parts[0].startswith(optimised.WORK)
