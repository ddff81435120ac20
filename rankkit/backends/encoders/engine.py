"""What runs a graph: arrays in, arrays out. A head (cross-encoder, sequence-to-sequence model, ...) knows tokens and
scores and no runtime; an engine knows its runtime and no tokens. Every head runs on every engine.

A new engine is one file with a class of this protocol, and a row: in ``ROWS``, by ``register_engine``, or an entry
point of the group ``rankkit.engines``. Without any, a head takes an engine as it is
(``CrossEncoder(folder, engine=mine)``).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from numpy.typing import NDArray

from rankkit.core.limits import Gate
from rankkit.errors import BackendError, ConfigError, InvalidModel, nearest
from rankkit.machine.cpus import available_cpus

Arrays = Mapping[str, NDArray[Any]]

#: Installed packages bring engines under this group of entry points, by the engine's name.
GROUP = "rankkit.engines"


@dataclass(frozen=True, slots=True)
class EngineRow:
    """An engine that opens a model's graph: ``engine = "name"``. ``opens`` is where the class is that takes
    ``(path, gate=...)``, as ``module:name``; it is imported when an engine of this name is opened, and not before.
    """

    name: str
    opens: str


ROWS = (
    EngineRow("onnxruntime", "rankkit.backends.encoders.onnx:OnnxEngine"),
    EngineRow("openvino", "rankkit.backends.encoders.openvino:OpenVinoEngine"),
)


class Engines:
    """The engines by name: rankkit's own, those that were registered, and those of installed packages."""

    def __init__(self, rows: Iterable[EngineRow]) -> None:
        self._lock = threading.Lock()
        self._rows = {row.name: row for row in rows}

    def register(self, row: EngineRow) -> Callable[[], None]:
        """Add a row; what is returned takes it out again.

        Raises:
            ConfigError: there is one of its name.
        """
        with self._lock:
            if row.name in self._rows:
                raise ConfigError(f"there is an engine {row.name} already", hint="Give yours a name of its own.")
            self._rows[row.name] = row
        return lambda: self._forget(row.name)

    def _forget(self, name: str) -> None:
        with self._lock:
            self._rows.pop(name, None)

    def opener(self, name: str) -> Callable[..., Engine]:
        """The class of that name.

        Raises:
            ConfigError: there is no such engine.
            MissingExtra: it is not installed.
        """
        row = self._rows.get(name)
        if row is not None:
            module, _, attribute = row.opens.partition(":")
            opener: Callable[..., Engine] = getattr(import_module(module), attribute)
            return opener
        for found in entry_points(group=GROUP, name=name):
            brought: Callable[..., Engine] = found.load()
            return brought
        raise ConfigError(f"there is no engine {name!r}", hint=nearest(name, self._rows))


_ENGINES = Engines(ROWS)


def register_engine(row: EngineRow) -> Callable[[], None]:
    """Make an engine known to heads and specs, for this process. What is returned takes it out again.

    Raises:
        ConfigError: there is one of its name.
    """
    return _ENGINES.register(row)


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """An input or output: the numpy name of its kind ("int64"), ``None`` where it holds no numbers (strings,
    sequences), and its shape with ``None`` for what is free; ``None`` as a whole where nobody knows.
    """

    kind: str | None
    shape: tuple[int | None, ...] | None = None

    def __str__(self) -> str:
        sizes = "?" if self.shape is None else ", ".join("?" if size is None else str(size) for size in self.shape)
        return f"{self.kind or 'no numbers'} of shape ({sizes})"


@runtime_checkable
class Engine(Protocol):
    """A graph that is ready to run, by many threads at once."""

    @property
    def name(self) -> str:
        """The runtime's name ("onnxruntime")."""

    @property
    def source(self) -> str:
        """Where the graph came from, for messages: a path."""

    @property
    def inputs(self) -> Mapping[str, TensorSpec]: ...

    @property
    def outputs(self) -> Mapping[str, TensorSpec]:
        """In the graph's order."""

    @property
    def batches_change_scores(self) -> bool:
        """Whether what else is in a batch moves an answer by more than float rounding: each input is then run alone."""

    @property
    def fingerprint(self) -> str:
        """Short, and different whenever answers could be: the runtime, how it is set up, and all of the weights."""

    @property
    def gate(self) -> Gate:
        """How many runs there are at once, whoever asks: ``run`` takes a place. Graphs that work together share one."""

    def run(self, feeds: Arrays) -> dict[str, NDArray[Any]]:
        """Every output, for exactly the inputs, each of its kind. Ends when the current cancellation is turned.

        Raises:
            BackendError: the runtime failed, or the engine was closed.
            Cancelled: nobody waits for it any more.
        """

    def close(self) -> None:
        """Give the memory back. Again changes nothing."""


def open_engine(name: str, path: Path, gate: Gate) -> Engine:
    """A graph on the engine of that name.

    Raises:
        ConfigError: there is no such engine.
        MissingExtra: it is not installed.
        InvalidModel: the graph cannot be loaded.
    """
    return _ENGINES.opener(name)(path, gate=gate)


def run(engine: Engine, feeds: Arrays) -> dict[str, NDArray[Any]]:
    """Run it on what it takes of the feeds, each cast to the kind that it wants.

    Raises:
        BackendError: see ``Engine.run``.
        InvalidModel: an input holds no numbers.
    """
    return engine.run({name: feeds[name].astype(_kind(engine, name), copy=False) for name in engine.inputs})


def _kind(engine: Engine, name: str) -> str:
    kind = engine.inputs[name].kind
    if kind is None:
        raise InvalidModel(f"the input {name!r} of {engine.source} holds no numbers")
    return kind


def check_inputs(engine: Engine, needed: set[str], possible: set[str], what: str, *, hint: str = "") -> None:
    """Raises:
    InvalidModel: the graph takes something else than ``what`` does, or not what it must.
    """
    seen = set(engine.inputs)
    for name in sorted(seen):
        _kind(engine, name)
    if needed - seen or seen - needed - possible:
        also = f" and may take {', '.join(sorted(possible))}" if possible else ""
        raise InvalidModel(
            f"{engine.source} takes the inputs {', '.join(engine.inputs)}; {what} takes "
            f"{', '.join(sorted(needed))}{also}",
            hint=hint,
        )


def outputs_of(engine: Engine) -> str:
    """For messages."""
    return ", ".join(f"{name!r} ({spec})" for name, spec in engine.outputs.items()) or "none"


def closed_error(source: str) -> BackendError:
    return BackendError(f"{source} was closed", hint="Load it again.")


def gate_for(threads: int | None) -> Gate:
    """As many places as there are runs at once: what is asked for, else what this process may use."""
    if threads is not None and threads < 1:
        raise ConfigError(f"threads is {threads}", hint="Give 1 or more, or leave it out to use what this process may.")
    return Gate(threads or available_cpus())
