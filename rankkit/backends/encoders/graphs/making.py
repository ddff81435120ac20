"""Making the optimised form of a graph: rewritten, held against its source, and put into its place in one step."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnxruntime

from rankkit.backends.encoders.graphs import optimised
from rankkit.backends.encoders.graphs.equivalence import Vocabulary, compare, tolerance
from rankkit.backends.encoders.graphs.narrowing import NotNarrowed, narrowed
from rankkit.backends.encoders.graphs.onnx_format import external_files, read_model, write_model
from rankkit.backends.encoders.graphs.optimised import GraphFile, Optimised
from rankkit.backends.encoders.graphs.probing import probe
from rankkit.backends.encoders.graphs.row_rules import Facts
from rankkit.backends.encoders.graphs.simplifying import simplified
from rankkit.backends.encoders.onnx import SLOW_REWRITINGS, OnnxEngine, prepare
from rankkit.backends.files import file_sha256
from rankkit.errors import BackendError, InvalidModel, StoreError

#: What a cross-encoder takes.
_INPUTS = {"input_ids", "attention_mask", "token_type_ids"}

#: Seconds after which nobody works in a folder any more.
_LONGEST = 6 * 3600

#: Bytes of a graph that is kept in a second form.
_LARGEST_PREPARED = 256 << 20

_SHAPES = "fixed shapes said once"


@dataclass(frozen=True, slots=True)
class _Made:
    """The rewritten graph in the working folder, or why there is none."""

    reason: str = ""
    changes: tuple[str, ...] = ()
    moved: float = 0.0
    own: float = 0.0
    files: tuple[str, ...] = ()
    prepared: tuple[str, ...] = ()


def optimise_graph(source: Path) -> Optimised:
    """Make the optimised form of a graph and keep it, unless that was done before; where nothing can be gained, or the
    scores would change, keep the reason.

    Raises:
        InvalidModel: the source cannot be read or run.
        StoreError: nothing can be written, beside the source or in the cache.
    """
    known = optimised.find_optimised(source)
    if known is not None and not optimised.damaged(known):
        return known
    errors: list[OSError] = []
    for place in (source.parent / optimised.FOLDER, optimised.cache_place(source)):
        if place is None:
            continue
        try:
            return _made_in(place, source)
        except OSError as error:
            errors.append(error)
    raise StoreError(
        f"the optimised form of {source} can be kept neither beside it nor in the cache: {errors[-1]}",
        hint="Set RANKKIT_HOME to a folder that you may read and write.",
    ) from errors[-1]


def _made_in(place: Path, source: Path) -> Optimised:
    place.mkdir(parents=True, exist_ok=True)
    _sweep(place)
    try:
        # On the place's own disk, so that what is made can be moved there in one step.
        with tempfile.TemporaryDirectory(dir=place, prefix=optimised.WORK) as name:
            return _settled(source, place, Path(name))
    finally:
        if not any(place.iterdir()):
            place.rmdir()


def _sweep(place: Path) -> None:
    """Delete what killed processes left. A younger one may be at work."""
    for left in place.glob(f"{optimised.WORK}*"):
        if time.time() - left.stat().st_mtime > _LONGEST:
            shutil.rmtree(left, ignore_errors=True)


def _settled(source: Path, place: Path, work: Path) -> Optimised:
    """Made, and put into its place: the files first, then the record that says what they are."""
    made = _make(source, work)
    seen = source.stat()
    record = Optimised(
        source=source.name,
        bytes=seen.st_size,
        sha256=file_sha256(source),
        modified=seen.st_mtime_ns,
        recipe=optimised.RECIPE,
        onnxruntime=onnxruntime.__version__,
        machine=optimised.machine(),
        folder=place,
        files=tuple(_described(work, file) for file in made.files),
        prepared=tuple(_described(work, file) for file in made.prepared),
        reason=made.reason,
        changes=made.changes,
        largest_difference=made.moved,
        own_difference=made.own,
    )
    target = optimised.record_path(place, record.source)
    target.unlink(missing_ok=True)  # whoever looks in between sees no record
    for file in record.all_files:
        (place / file.name).parent.mkdir(parents=True, exist_ok=True)
        _on_disk(work / file.name)
        (work / file.name).replace(place / file.name)
    written = work / target.name
    written.write_text(record.dump(), encoding="utf-8")
    _on_disk(written)
    written.replace(target)
    return record


def _on_disk(path: Path) -> None:
    # A power cut is a kill, too.
    with path.open("rb+" if os.access(path, os.W_OK) else "rb") as opened:
        os.fsync(opened.fileno())


def _described(work: Path, name: str) -> GraphFile:
    path = work / name
    return GraphFile(name, path.stat().st_size, file_sha256(path))


def _make(source: Path, work: Path) -> _Made:
    model = read_model(source)
    engine = OnnxEngine(source, without=SLOW_REWRITINGS)
    with _ended(engine):
        reason = _unfit(model, engine)
        if reason:
            return _Made(reason)
        weights = external_files(model)
        for name in weights:
            _linked(source.parent / name, work / name)
        try:
            return _rewritten(model, engine, work, (source.name, *weights))
        except NotNarrowed as error:
            return _Made(error.message)
        except BackendError as error:
            return _Made(f"it does not run on the inputs that every model takes: {error.message}")


@contextmanager
def _ended(engine: OnnxEngine) -> Iterator[None]:
    try:
        yield
    finally:
        engine.close()


def _unfit(model: Any, engine: OnnxEngine) -> str:
    inputs = engine.inputs
    if "input_ids" not in inputs or set(inputs) - _INPUTS:
        return f"it takes {', '.join(inputs)}, which is not what a cross-encoder takes"
    if any(spec.kind is None or spec.shape != (None, None) for spec in inputs.values()):
        return "it takes inputs of fixed sizes only"
    if model.functions:
        return "it defines operators of its own"
    return ""


def _rewritten(model: Any, source: OnnxEngine, work: Path, files: tuple[str, ...]) -> _Made:
    """By all that pays, else, where that moves the scores too far, by what moves them least."""
    facts = _facts(model, work)
    vocabulary, exact = Vocabulary.of(model, facts), tolerance(model)
    reason = ""
    for steps in _ways(model, facts, work):
        made, changes = steps()
        write_model(made, work / files[0])
        engine = OnnxEngine(work / files[0])
        with _ended(engine):
            compared = compare(source, engine, vocabulary, exact)
            holds = compared is not None and compared.holds
            prepared = _prepared(engine, work, files, vocabulary) if holds else ()
        if compared is None:
            return _Made("its scores on test inputs are not finite, so nothing can be held against them")
        if compared.holds:
            return _Made("", changes, compared.moved, compared.own, files, prepared)
        reason = f"its scores would move by {compared.moved:.2g}, and {compared.allowed:.2g} is allowed"
    return _Made(reason)


def _prepared(engine: OnnxEngine, work: Path, files: tuple[str, ...], vocabulary: Vocabulary) -> tuple[str, ...]:
    """A form of the graph that opens sooner, if it gives the same scores to the last bit, and is not so large that it
    had better not lie there twice.
    """
    graph = work / files[0]
    if len(files) > 1 or graph.stat().st_size > _LARGEST_PREPARED:
        return ()
    target = graph.with_suffix(".prepared.onnx")
    try:
        prepare(graph, target)
        other = OnnxEngine(target)
    except InvalidModel:
        target.unlink(missing_ok=True)
        return ()
    with _ended(other):
        same = compare(engine, other, vocabulary, 0.0)
    return (target.name,) if same is not None and same.moved == 0.0 else ()


def _ways(model: Any, facts: Facts, work: Path) -> Iterator[Callable[[], tuple[Any, tuple[str, ...]]]]:
    def all_that_pays() -> tuple[Any, tuple[str, ...]]:
        shorter = simplified(model, facts)
        made, products = narrowed(shorter, _facts(shorter, work))
        return made, (_narrowed_words(products), _SHAPES)

    def last_layer_only() -> tuple[Any, tuple[str, ...]]:
        made, products = narrowed(model, facts)
        return made, (_narrowed_words(products),)

    yield all_that_pays
    yield last_layer_only


def _narrowed_words(products: int) -> str:
    return f"{products} matrix products of the last layer for one token only"


def _facts(model: Any, work: Path) -> Facts:
    values = [value for node in model.graph.node for value in node.output if value]
    try:
        return Facts.of(model, probe(model, work, values))
    except InvalidModel as error:
        raise NotNarrowed(f"the values inside it cannot be looked at: {error.message}") from error


def _linked(source: Path, target: Path) -> None:
    """A file of weights under the name that the graph knows: the same bytes on disk where that can be."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, target)
