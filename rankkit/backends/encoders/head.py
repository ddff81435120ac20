"""What every head has in common: engines that it runs on, a life that ends, and how it travels to another process."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rankkit.backends.encoders.engine import Engine, gate_for, open_engine
from rankkit.backends.encoders.graph_files import find_graph, named_graph
from rankkit.backends.files import file_sha256, fingerprint_of
from rankkit.backends.tokenizing.batching import Shape
from rankkit.backends.tokenizing.files import TOKENIZER_FILES
from rankkit.core.limits import Gate
from rankkit.errors import ConfigError, InvalidModel

#: On a CPU a batch should stay in its cache: at 16k tokens a batch the same graph is three times slower than at 512.
TOKENS_A_BATCH = 1024

#: The engine used where none is named.
DEFAULT_ENGINE = "onnxruntime"


class Head(ABC):
    """A model's folder, and the engines that run its graphs. ``gate`` is theirs: ``concurrency`` holds over all heads
    and runs that share them.

    ``with`` and ``close`` end it: a closed head raises ``BackendError``. It is pickled and copied by ``arguments``,
    those of its constructor, and loaded anew on the other side.
    """

    def __init__(
        self, folder: Path, engines: Sequence[Engine], *, name: str | None, arguments: Mapping[str, Any]
    ) -> None:
        self.name = name or folder.name
        self._folder = folder
        self._engines = tuple(engines)
        self._arguments = dict(arguments)
        self.gate: Gate = self._engines[0].gate

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __reduce__(self) -> tuple[Callable[[], Self], tuple[()]]:
        return partial(type(self), self._folder, **self._arguments), ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r} on {self._engines[0].name})"

    @property
    def concurrency(self) -> int:
        return self.gate.places

    @property
    def runs_alone(self) -> bool:
        """Whether each input has a run of its own, as in company its answer would move."""
        return any(engine.batches_change_scores for engine in self._engines)

    @cached_property
    def fingerprint(self) -> str:
        """Over all files and options that an answer depends on. Computed when it is first asked for: a model that was
        not pulled is read once more for it.
        """
        return fingerprint_of((*self._digests(), *self._options()))

    @cached_property
    def weights(self) -> tuple[str, ...]:
        """The sha256 of each graph's file, as the manifest gives it where there is one."""
        graphs = [Path(engine.source) for engine in self._engines]
        return tuple(file_sha256(graph) for graph in graphs if graph.is_file())

    def _digests(self) -> tuple[str, ...]:
        """Of the engines, with their weights, and of the files beside them."""
        files = [self._folder / file for file in self._files()]
        digests = [f"{file.name} {file_sha256(file)}" for file in files if file.is_file()]
        return (*(engine.fingerprint for engine in self._engines), *digests)

    def _files(self) -> tuple[str, ...]:
        """The files beside the graphs that answers depend on."""
        return TOKENIZER_FILES

    @abstractmethod
    def _options(self) -> tuple[object, ...]:
        """What else answers depend on."""

    def close(self) -> None:
        """Give the engines' memory back. Again changes nothing."""
        for engine in self._engines:
            engine.close()


def opened(engine: str | Engine, path: Callable[[], Path], gate: Callable[[], Gate]) -> Engine:
    """An engine as it is, or the one of that name on a graph of the folder."""
    return open_engine(engine, path(), gate()) if isinstance(engine, str) else engine


def open_model(
    folder: Path,
    graph: str | None,
    engine: str | Engine,
    threads: int | None,
    form: Callable[[Path], Path] = lambda path: path,
) -> Engine:
    """The engine of a model that is one graph: given as it is, or opened by name on the ``form`` of the graph's file
    that is to be run.

    Raises:
        ConfigError: ``graph`` or ``threads`` beside an engine that has its own.
    """
    if not isinstance(engine, str):
        no_threads(threads)
        if graph is not None:
            raise ConfigError("graph is given, and an engine that has its own", hint="Give one of the two.")
        return engine
    gate = gate_for(threads)
    return open_engine(engine, form(named_graph(folder, graph) if graph else find_graph(folder, "model")), gate)


def no_threads(threads: int | None) -> None:
    """Raises:
    ConfigError: for an engine that is open already and has its own number of them.
    """
    if threads is not None:
        raise ConfigError("threads is given, and an engine that has its own", hint="Give the engine's gate the number.")


def input_shape(engine: Engine) -> Shape:
    """What a graph takes at once.

    Raises:
        InvalidModel: its inputs are not tables of rows and tokens.
    """
    shape = engine.inputs["input_ids"].shape
    if shape is None:
        return Shape()
    if len(shape) != 2:
        raise InvalidModel(
            f"the input 'input_ids' of {engine.source} is {engine.inputs['input_ids']}; a table of inputs and tokens "
            "was due"
        )
    return Shape(rows=shape[0], tokens=shape[1])
