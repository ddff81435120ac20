"""What shapes a graph's values have: learned by running it on small inputs of two sizes, whatever operators it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rankkit.backends.encoders.engine import Arrays
from rankkit.backends.encoders.graphs.onnx_format import copy_of, new_output, write_model
from rankkit.backends.encoders.onnx import OnnxEngine

#: (inputs, tokens) of the two runs: numbers that no model has as a size of its own.
PROBES = ((2, 7), (3, 11))


@dataclass(frozen=True, slots=True)
class Shapes:
    """The shape of each value in each of the two runs."""

    first: Mapping[str, tuple[int, ...]]
    second: Mapping[str, tuple[int, ...]]

    def rank(self, value: str) -> int | None:
        """``None`` where it is not known: of weights that are not probed, and in branches that were not taken."""
        shape = self.first.get(value)
        return len(shape) if shape is not None and len(self.second.get(value, ())) == len(shape) else None

    def sizes(self, value: str, axis: int) -> tuple[int, int]:
        return self.first[value][axis], self.second[value][axis]

    def is_tokens(self, value: str, axis: int) -> bool:
        return self.sizes(value, axis) == (PROBES[0][1], PROBES[1][1])

    def dimension(self, value: str, axis: int) -> int | str | None:
        """A size that is always the same, ``"inputs"`` or ``"tokens"``; ``None`` for any other."""
        sizes = self.sizes(value, axis)
        named = {(PROBES[0][0], PROBES[1][0]): "inputs", (PROBES[0][1], PROBES[1][1]): "tokens"}
        return sizes[0] if sizes[0] == sizes[1] else named.get(sizes)


def probe(model: Any, room: Path, values: Sequence[str]) -> Shapes:
    """Run a graph on two sizes. ``room`` is a folder with its weight files, where the graph to run is written.

    Raises:
        InvalidModel, BackendError: the runtime cannot load or run it.
    """
    probed = copy_of(model)
    known = {output.name for output in probed.graph.output}
    probed.graph.output.extend(new_output(value) for value in values if value not in known)
    path = room / "probed.onnx"
    write_model(probed, path)
    try:
        engine = OnnxEngine(path)
        runs = [engine.run(sample(engine, inputs, tokens)) for inputs, tokens in PROBES]
        engine.close()
    finally:
        path.unlink()
    shapes = [{name: array.shape for name, array in run.items()} for run in runs]
    for (inputs, tokens), seen in zip(PROBES, shapes, strict=True):
        seen.update(dict.fromkeys(engine.inputs, (inputs, tokens)))
        seen.update({tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer})
    return Shapes(*shapes)


def sample(engine: OnnxEngine, inputs: int, tokens: int) -> Arrays:
    """Inputs that every model takes: ids that any vocabulary has, nothing masked."""
    ids = np.arange(inputs * tokens).reshape(inputs, tokens) % 3
    feeds = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
    return {name: feeds[name].astype(spec.kind or "int64") for name, spec in engine.inputs.items()}
