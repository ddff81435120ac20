"""ONNX graphs as files: which of a folder's is meant, and what can be seen of one without loading it."""

from __future__ import annotations

import logging
import mmap
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from rankkit.backends.files import file_sha256, fingerprint_of
from rankkit.errors import ConfigError, InvalidModel

_LOGGER = logging.getLogger("rankkit")

#: Operators of graphs whose activations are quantised at run time, per tensor: a score then depends on what else is
#: in the batch (onnxruntime issue 10111, by design), unless each pair has a run of its own.
_DYNAMIC_QUANTISATION = (b"DynamicQuantizeLinear", b"DynamicQuantizeMatMul", b"DynamicQuantizeLSTM")

_EXPORT_HINT = "Give a folder with an ONNX export, or make one with: rankkit models export"

#: What an export's name has behind the plain one ("model_quantized.onnx"), best first: whole weights, then half, then
#: 8 bits. 4 bits cost quality, so they are never chosen where there is anything else.
_PRECISIONS: tuple[re.Pattern[str], ...] = tuple(
    re.compile(pattern)
    for pattern in (
        r"",
        r"_(fp32|float32)",
        r"_o[123]",
        r"_(fp16|float16|o4)",
        r"_quantized",
        r"_q?int8.*|_q8.*",
        r"_q?uint8.*",
        r"_(q4|int4|bnb4|nf4|uint4).*",
    )
)
_FOUR_BITS = len(_PRECISIONS) - 1


def named_graph(folder: Path, name: str) -> Path:
    """The graph that somebody names, in the folder or its ``onnx/``.

    Raises:
        ConfigError: it leads out of the folder.
        InvalidModel: there is no such file; says what is there.
    """
    wanted = Path(name)
    if wanted.is_absolute() or ".." in wanted.parts:
        raise ConfigError(f"graph is {name!r}, which leads out of {folder}", hint="Give the name of a file in it.")
    for place in (folder, folder / "onnx"):
        if (place / wanted).is_file():
            return place / wanted
    raise InvalidModel(f"there is no {name} in {folder}; {_there(folder)}", hint=_EXPORT_HINT)


def find_graph(folder: Path, *stems: str, hint: str = 'Say which is meant: graph = "NAME.onnx".') -> Path:
    """The folder's graph of the first of these names that it has, in itself or its ``onnx/``: for ``model`` that is
    ``model.onnx``, else the most precise of its other exports (fp32, fp16, 8 bits), else the only one. Which one of
    several it was is logged.

    Raises:
        InvalidModel: there is none, or nobody can tell which is meant; says what is there.
    """
    for stem in stems:
        others = tuple(other for other in stems if other.startswith(stem) and other != stem)
        found = [
            path
            for place in (folder, folder / "onnx")
            for pattern in (f"{stem}.onnx", f"{stem}[_.-]*.onnx")
            for path in sorted(place.glob(pattern))
            if not path.name.startswith(others or "\0")
        ]
        if found:
            return _chosen(stem, found, folder, hint)
    raise InvalidModel(
        f"there is no {' or '.join(f'{stem}.onnx' for stem in stems)} in {folder}; {_there(folder)}",
        hint=_EXPORT_HINT,
    )


def has_graph(folder: Path, stem: str) -> bool:
    return any(any(place.glob(f"{stem}*.onnx")) for place in (folder, folder / "onnx"))


def _chosen(stem: str, found: Sequence[Path], folder: Path, hint: str) -> Path:
    if len(found) == 1:
        return found[0]
    ranks = [_precision(path.stem[len(stem) :]) for path in found]
    best = min((rank for rank in ranks if rank is not None), default=_FOUR_BITS)
    candidates = [path for path, rank in zip(found, ranks, strict=True) if rank == best]
    if best == _FOUR_BITS or (len(candidates) > 1 and best > 0):
        names = ", ".join(path.relative_to(folder).as_posix() for path in found)
        raise InvalidModel(f"{folder} holds {names}, and no {stem}.onnx", hint=hint)
    _LOGGER.info("of %d graphs in %s the one taken is %s", len(found), folder, candidates[0].name)
    return candidates[0]


def _precision(suffix: str) -> int | None:
    """Its place among ``_PRECISIONS``; ``None`` for a name that says nothing."""
    name = suffix.lower().replace("-", "_").replace(".", "_")
    return next((rank for rank, pattern in enumerate(_PRECISIONS) if pattern.fullmatch(name)), None)


def _there(folder: Path) -> str:
    if not folder.is_dir():
        return "there is no such folder"
    names = sorted(path.name for path in folder.iterdir())
    graphs = [f"onnx/{path.name}" for path in sorted((folder / "onnx").glob("*.onnx"))]
    return f"it holds {', '.join([*graphs, *names][:12]) or 'nothing'}"


def quantised_at_run_time(graph: Path) -> bool:
    return any(_mentions(graph, _DYNAMIC_QUANTISATION))


def graph_fingerprint(graph: Path, *more: str) -> str:
    """Over a graph, the files that hold its weights, where it does not hold them itself, and ``more``."""
    weights = sorted(_weight_files(graph))
    digests = [f"{path.relative_to(graph.parent).as_posix()} {file_sha256(path)}" for path in weights]
    return fingerprint_of((*more, file_sha256(graph), *digests))


def _weight_files(graph: Path) -> Iterator[Path]:
    """Files beside a graph that it names. Whether a name is meant as one of weights does not matter: one file too many
    changes no answer.
    """
    [external] = _mentions(graph, (b"location",))  # the key that stands before the name of such a file
    if not external:
        return
    beside = [
        path
        for pattern in ("*", "*/*")
        for path in graph.parent.glob(pattern)
        if path != graph and path.is_file() and path.suffix != ".json"
    ]
    named = _mentions(graph, [path.name.encode() for path in beside])
    yield from (path for path, is_named in zip(beside, named, strict=True) if is_named)


def _mentions(path: Path, words: Sequence[bytes]) -> list[bool]:
    """Which of the words stand in a file."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
            return [view.find(word) >= 0 for word in words]
    except (OSError, ValueError) as error:  # ValueError: an empty file cannot be mapped
        raise InvalidModel(
            f"{path} cannot be read: {error}", hint="Is the file complete? Pull or copy it again."
        ) from (error)
