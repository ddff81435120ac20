"""ONNX graphs on onnxruntime, on the CPU: small runs, many at once, with bounded memory."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import onnxruntime.capi.onnxruntime_pybind11_state as state
from numpy.typing import NDArray

from rankkit.backends.encoders.engine import Arrays, TensorSpec, closed_error
from rankkit.backends.encoders.graph_files import graph_fingerprint, quantised_at_run_time
from rankkit.backends.encoders.graphs.optimised import is_optimised, prepared_form
from rankkit.core.cancellation import current
from rankkit.core.limits import Gate
from rankkit.errors import BackendError, InvalidModel

#: What an input or output of a graph may hold, and how numpy calls it.
_KINDS = {
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(bool)": "bool",
}

#: onnxruntime's own exception classes, which it does not export by name, and what it raises beside them.
_FOREIGN_ERRORS: tuple[type[Exception], ...] = (
    *(kind for kind in vars(state).values() if isinstance(kind, type) and issubclass(kind, Exception)),
    RuntimeError,
    ValueError,
    TypeError,
    MemoryError,
)


#: Rewritings of onnxruntime's that make a graph slower on a CPU: its kernel for the sum and its normalisation in one
#: takes ten times as long as the two by themselves. Without them the last digits of floats differ, and they decide how
#: a graph that is quantised at run time rounds: such a graph is run as everybody runs it, so that it gives everybody's
#: scores, unless its optimised form was asked for.
SLOW_REWRITINGS = ("SkipLayerNormFusion",)


def _skip_destructors() -> None:
    """In a forked child, leave at the end of Python's own shutdown: a destructor of onnxruntime would wait for ever for
    a thread of its own that only the parent has. (Handlers run last in, first out, so this one comes before it.)
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "on_exit"):
        library.on_exit(ctypes.cast(library._exit, ctypes.c_void_p), None)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_skip_destructors)


class OnnxEngine:
    """A graph run by many threads at once on one thread each; an ``Engine``.

    One thread a run and several runs at once keep every core busy without any of them waiting for the others, and one
    set of weights serves all. Memory that a run needed is given back: the default arena would keep the largest shape
    ever seen. Pickling and copying load the file anew.
    """

    name = "onnxruntime"

    def __init__(
        self,
        path: Path,
        *,
        gate: Gate | None = None,
        providers: tuple[str, ...] = ("CPUExecutionProvider",),
        without: tuple[str, ...] | None = None,
    ) -> None:
        """``without`` names rewritings that onnxruntime is not to make; left out, the slow ones of a graph whose scores
        do not move by that.
        """
        self._path, self._providers = Path(path), tuple(providers)
        self.gate = gate or Gate(1)
        self.batches_change_scores = quantised_at_run_time(self._path)
        moved = self.batches_change_scores and not is_optimised(self._path)
        self._without = (() if moved else SLOW_REWRITINGS) if without is None else without
        session = _load(prepared_form(self._path, ort.__version__), self._providers, self._without)
        self._session: ort.InferenceSession | None = session
        self.inputs = {item.name: _spec(item) for item in session.get_inputs()}
        self.outputs = {item.name: _spec(item) for item in session.get_outputs()}

    def __reduce__(self) -> tuple[Callable[[], OnnxEngine], tuple[()]]:
        again = partial(OnnxEngine, self._path, gate=self.gate, providers=self._providers, without=self._without)
        return again, ()

    @property
    def source(self) -> str:
        return str(self._path)

    @cached_property
    def fingerprint(self) -> str:
        return graph_fingerprint(self._path, self.name, *self._providers, *self._without)

    def run(self, feeds: Arrays) -> dict[str, NDArray[Any]]:
        session, options = self._session, ort.RunOptions()
        if session is None:
            raise closed_error(self.source)

        def stop() -> None:
            options.terminate = True

        with self.gate.held(), current().ended_by(stop):
            try:
                outputs = session.run(None, dict(feeds), options)
            except _FOREIGN_ERRORS as error:
                sizes = ", ".join(f"{name} {'x'.join(map(str, array.shape))}" for name, array in feeds.items())
                raise BackendError(f"onnxruntime failed on {sizes} in {self._path.name}: {_words(error)}") from error
        return dict(zip(self.outputs, map(np.asarray, outputs), strict=True))

    def close(self) -> None:
        # A run that goes on holds the session until it ends.
        self._session = None


def prepare(path: Path, target: Path) -> None:
    """Write a graph as onnxruntime rewrites it for any CPU: a session of it opens sooner, on this version of it.

    Raises:
        InvalidModel: it cannot be loaded.
    """
    options = ort.SessionOptions()
    options.optimized_model_filepath = str(target)
    # The level above would take this machine's own instructions into account.
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    _load(path, ("CPUExecutionProvider",), SLOW_REWRITINGS, options)


def _load(
    path: Path, providers: tuple[str, ...], without: tuple[str, ...], options: ort.SessionOptions | None = None
) -> ort.InferenceSession:
    options = options or ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 4
    try:
        return ort.InferenceSession(
            str(path), sess_options=options, providers=list(providers), disabled_optimizers=list(without)
        )
    except _FOREIGN_ERRORS as error:
        raise InvalidModel(
            f"onnxruntime cannot load {path}: {_words(error)}",
            hint="Is the file complete and a model.onnx at all?",
        ) from error


def _spec(item: Any) -> TensorSpec:
    kind = _KINDS.get(item.type)
    if kind is None:
        return TensorSpec(None)
    # An empty shape is that of a single number, or of what has none stated.
    return TensorSpec(kind, tuple(size if isinstance(size, int) and size > 0 else None for size in item.shape) or None)


def _words(error: Exception) -> str:
    """All that onnxruntime says, in one line: what is wrong often stands in the last one."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return "; ".join(lines)[:2000] or type(error).__name__
