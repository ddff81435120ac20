"""ONNX graphs on OpenVINO, on the CPU. Worth its longer start (it compiles a graph, in a second or so) where a model
without quantisation is run for long.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankkit.backends.encoders.engine import Arrays, TensorSpec, closed_error
from rankkit.backends.encoders.graph_files import graph_fingerprint, quantised_at_run_time
from rankkit.core.cancellation import current
from rankkit.core.extras import require_extra
from rankkit.core.limits import Gate
from rankkit.errors import BackendError, InvalidModel

with require_extra("openvino", "the engine openvino"):
    import openvino
    from openvino import frontend

#: OpenVINO's own exception classes, and what it raises beside them.
_FOREIGN_ERRORS: tuple[type[Exception], ...] = (
    *(kind for kind in vars(frontend).values() if isinstance(kind, type) and issubclass(kind, Exception)),
    RuntimeError,
    ValueError,
    TypeError,
    MemoryError,
)
#: An input or output may hold these, by their numpy names.
_KINDS = {"int64", "int32", "float32", "float16", "float64", "bool"}


class OpenVinoEngine:
    """A graph run by many threads at once, one core each; an ``Engine``.

    Numbers are 32 bits wide wherever the graph has such, also on CPUs that could take shorter ones: a score is the
    same on each. Its threads do not follow a process into its fork, so the child compiles the graph anew.
    """

    name = "openvino"

    def __init__(self, path: Path, *, gate: Gate | None = None) -> None:
        self._path = Path(path)
        self.gate = gate or Gate(1)
        self.batches_change_scores = quantised_at_run_time(self._path)
        self._idle: list[Any] = []
        self._process = os.getpid()
        compiled = _compile(self._path, self.gate.places)
        self._compiled: Any = compiled
        self.inputs = {_name(port): _spec(port) for port in compiled.inputs}
        self.outputs = {_name(port): _spec(port) for port in compiled.outputs}

    def __reduce__(self) -> tuple[Callable[[], OpenVinoEngine], tuple[()]]:
        return partial(OpenVinoEngine, self._path, gate=self.gate), ()

    @property
    def source(self) -> str:
        return str(self._path)

    @cached_property
    def fingerprint(self) -> str:
        return graph_fingerprint(self._path, self.name)

    def run(self, feeds: Arrays) -> dict[str, NDArray[Any]]:
        with self.gate.held():
            request = self._request()
            with current().ended_by(request.cancel):
                try:
                    request.start_async(dict(feeds))
                    request.wait()
                    # Copied: the next run of this request writes to the same memory.
                    found = [np.array(tensor.data) for tensor in request.output_tensors]
                except _FOREIGN_ERRORS as error:
                    sizes = ", ".join(f"{name} {'x'.join(map(str, array.shape))}" for name, array in feeds.items())
                    raise BackendError(f"OpenVINO failed on {sizes} in {self._path.name}: {_words(error)}") from error
            self._idle.append(request)
        return dict(zip(self.outputs, found, strict=True))

    def close(self) -> None:
        # Runs that go on hold what they need until they end.
        self._compiled = None
        self._idle = []

    def _request(self) -> Any:
        """One that no other run uses."""
        if self._compiled is None:
            raise closed_error(self.source)
        if self._process != os.getpid():
            self._compiled, self._idle = _compile(self._path, self.gate.places), []
            self._process = os.getpid()
        try:
            return self._idle.pop()
        except IndexError:
            return self._compiled.create_infer_request()


def _compile(path: Path, places: int) -> Any:
    settings = {"INFERENCE_NUM_THREADS": places, "NUM_STREAMS": places, "INFERENCE_PRECISION_HINT": "f32"}
    try:
        # Read as ONNX and nothing else: left to guess, it would try a file as every format that it knows.
        reader = frontend.FrontEndManager().load_by_framework("onnx")
        return openvino.Core().compile_model(reader.convert(reader.load(str(path))), "CPU", settings)
    except _FOREIGN_ERRORS as error:
        raise InvalidModel(
            f"OpenVINO cannot load {path}: {_words(error)}", hint="Is the file complete and a model.onnx at all?"
        ) from error


def _name(port: Any) -> str:
    """An output may have several: the one called logits is what is asked for."""
    names: set[str] = port.get_names()
    return "logits" if "logits" in names else str(port.get_any_name())


def _spec(port: Any) -> TensorSpec:
    kind = port.get_element_type().to_dtype().name if port.get_element_type().get_type_name() != "string" else ""
    shape = port.get_partial_shape()
    sizes = None if shape.rank.is_dynamic else tuple(size.get_length() if size.is_static else None for size in shape)
    return TensorSpec(kind if kind in _KINDS else None, sizes or None)


def _words(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (
        "; ".join(line for line in lines if not line.startswith("Exception from src/"))[:2000] or type(error).__name__
    )
