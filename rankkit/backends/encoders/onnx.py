"""Opening an ONNX graph for many small runs at once, with bounded memory."""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import onnxruntime.capi.onnxruntime_pybind11_state as state
from numpy.typing import NDArray

from rankkit.errors import BackendError, InvalidModel

#: Operators of graphs whose activations are quantised at run time, per tensor: a score then depends on what else is
#: in the batch (onnxruntime issue 10111, by design), unless each pair has a run of its own.
_DYNAMIC_QUANTISATION = (b"DynamicQuantizeLinear", b"DynamicQuantizeMatMul", b"DynamicQuantizeLSTM")

#: What an input of a graph may hold, and how numpy calls it.
_KINDS: Mapping[str, str] = {
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(bool)": "bool",
}

#: onnxruntime's own exception classes, which it does not export by name.
FOREIGN_ERRORS = tuple(kind for kind in vars(state).values() if isinstance(kind, type) and issubclass(kind, Exception))


class OnnxSession:
    """A graph run by many threads at once on one thread each.

    One thread a run and several runs at once keep every core busy without any of them waiting for the others, and one
    set of weights serves all. Memory that a run needed is given back: the default arena would keep the largest shape
    ever seen.
    """

    def __init__(self, path: Path, *, providers: tuple[str, ...] = ("CPUExecutionProvider",)) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 4
        try:
            self._session = ort.InferenceSession(str(path), sess_options=options, providers=list(providers))
        except FOREIGN_ERRORS as error:
            raise InvalidModel(
                f"onnxruntime cannot load {path}: {_first_line(error)}",
                hint="Is the file complete and a model.onnx at all?",
            ) from error
        self.path = path
        self.inputs = {item.name: _kind(item.name, item.type, path) for item in self._session.get_inputs()}
        self.input_shapes: dict[str, list[object]] = {
            item.name: list(item.shape) for item in self._session.get_inputs()
        }
        self.output = self._session.get_outputs()[0].name
        self.output_shape: list[object] = list(self._session.get_outputs()[0].shape)
        self.dynamically_quantised = _mentions(path, _DYNAMIC_QUANTISATION)
        self.fingerprint = file_fingerprint(path)

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        """The first output, for arrays of shape (batch, tokens, ...), each cast to what its input wants. Feeds that the
        graph does not take are left out.
        """
        typed = {name: feeds[name].astype(kind, copy=False) for name, kind in self.inputs.items()}
        try:
            [output] = self._session.run([self.output], typed)
        except FOREIGN_ERRORS as error:
            shape = next(iter(feeds.values())).shape
            raise BackendError(
                f"onnxruntime failed on {shape[0]} x {shape[1]} tokens in {self.path.name}: {_first_line(error)}"
            ) from error
        return np.asarray(output)


def find_graph(folder: Path, *names: str) -> Path:
    """The first of ``names`` (glob patterns) that is in the folder or its ``onnx/``.

    Raises:
        InvalidModel: says what was looked for, and what is there.
    """
    for name in names:
        for place in (folder, folder / "onnx"):
            found = sorted(place.glob(name))
            if found:
                return found[0]
    there = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    raise InvalidModel(
        f"there is no {' or '.join(names)} in {folder}; it holds {', '.join(there[:8]) or 'nothing'}",
        hint="Give a folder with an ONNX export, or make one with: rankkit models export",
    )


def file_fingerprint(path: Path) -> str:
    """12 hex digits over the file's size, beginning and end: enough to tell two models apart without reading
    gigabytes.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(1 << 20)
        file.seek(max(0, size - (1 << 20)))
        tail = file.read()
    return hashlib.sha256(size.to_bytes(8, "big") + head + tail).hexdigest()[:12]


def _kind(name: str, kind: str, path: Path) -> str:
    if kind not in _KINDS:
        raise InvalidModel(f"input {name!r} of {path} is {kind}; understood are {', '.join(_KINDS)}")
    return _KINDS[kind]


def _mentions(path: Path, words: tuple[bytes, ...]) -> bool:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
        return any(view.find(word) >= 0 for word in words)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
