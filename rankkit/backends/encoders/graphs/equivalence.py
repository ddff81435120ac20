"""Does a rewritten graph answer as its source does? Asked of both, on inputs of many lengths, alone and in company."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from rankkit.backends.encoders.engine import Arrays
from rankkit.backends.encoders.graphs.onnx_format import HALVES
from rankkit.backends.encoders.graphs.row_rules import Facts
from rankkit.backends.encoders.onnx import OnnxEngine
from rankkit.errors import BackendError

#: How far a score may move, of the largest score or of 1, whichever is more: what another order of sums does to it.
TOLERANCE = 1e-5
TOLERANCE_16_BITS = 4e-3

#: Tokens of the inputs; those that a model is too short for are left out.
_LENGTHS = (1, 2, 3, 7, 16, 24, 33, 47, 64, 90, 96, 128, 200, 300)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """How many numbers an input may have, as far as the graph shows it."""

    words: int = 3
    types: int = 1

    @classmethod
    def of(cls, model: Any, facts: Facts) -> Vocabulary:
        return cls(_rows(model, facts, "input_ids") or 3, _rows(model, facts, "token_type_ids") or 1)


def _rows(model: Any, facts: Facts, name: str) -> int | None:
    """How many rows the table has that an input picks from."""
    same = {name}
    for node in model.graph.node:
        if node.op_type in ("Cast", "Identity") and node.input[0] in same:
            same.update(node.output)
        elif node.op_type == "Gather" and node.input[1] in same and facts.shapes.rank(node.input[0]) == 2:
            return facts.shapes.first[node.input[0]][0]
    return None


@dataclass(frozen=True, slots=True)
class Compared:
    """The largest difference to the source's answers, and by how much the source's own move in a batch."""

    moved: float
    own: float
    allowed: float

    @property
    def holds(self) -> bool:
        return self.moved <= self.allowed


def tolerance(model: Any) -> float:
    """What a model's own precision allows."""
    halves = any(tensor.data_type in HALVES and tensor.dims for tensor in model.graph.initializer)
    return TOLERANCE_16_BITS if halves else TOLERANCE


def compare(source: OnnxEngine, made: OnnxEngine, vocabulary: Vocabulary, exact: float) -> Compared | None:
    """``None`` where the source gives nothing to hold the other against: no numbers, or not finite ones.

    Where a source is quantised at run time, its answers depend on what is in the batch: then the other may be as far
    from it as it is from itself.
    """
    moved = own = seen = 0.0
    for alone, company in _inputs(source, vocabulary):
        try:
            due, in_company = source.run(alone), source.run(company)
        except BackendError:
            continue  # too long for this model
        if not all(np.isfinite(array).all() for array in _scores(due).values()):
            return None
        seen = max(1.0, seen, *[float(np.abs(array).max()) for array in _scores(due).values()])
        # Of one that is quantised at run time, only inputs alone are ever asked for.
        together = 0.0 if source.batches_change_scores else _apart(in_company, made.run(company))
        moved = max(moved, together, _apart(due, made.run(alone)))
        own = max(own, _apart(due, in_company, first=True))
    if not seen:
        return None
    return Compared(moved, own, max(exact * seen, own if source.batches_change_scores else 0.0))


def _inputs(engine: OnnxEngine, vocabulary: Vocabulary) -> Iterator[tuple[Arrays, Arrays]]:
    """Each input alone, and first in a batch with a longer and a shorter one, padded."""
    random = np.random.default_rng(20)
    for tokens in _LENGTHS:
        longest = tokens + 5
        lengths = np.array([tokens, longest, max(1, tokens // 2)])
        ids = random.integers(0, vocabulary.words, (3, longest))
        mask = (np.arange(longest) < lengths[:, None]).astype(np.int64)
        types = (np.arange(longest) >= lengths[:, None] // 3) * mask if vocabulary.types > 1 else np.zeros_like(mask)
        whole = {"input_ids": ids * mask, "attention_mask": mask, "token_type_ids": types}
        feeds = {name: whole[name].astype(spec.kind or "int64") for name, spec in engine.inputs.items()}
        yield {name: array[:1, :tokens] for name, array in feeds.items()}, feeds


def _scores(outputs: Arrays) -> Arrays:
    """Those outputs that have numbers for an input, and not for each of its tokens."""
    return {name: array for name, array in outputs.items() if array.dtype.kind == "f" and 0 < array.ndim <= 2}


def _apart(due: Arrays, found: Arrays, *, first: bool = False) -> float:
    """The largest difference over all scores; of the first input only, if asked."""
    apart = 0.0
    for name, array in _scores(due).items():
        rows = slice(0, 1) if first else slice(None)
        difference = np.abs(array[rows].astype(np.float64) - found[name][rows].astype(np.float64))
        apart = max(apart, float(np.nan_to_num(difference, nan=np.inf).max(initial=0.0)))
    return apart
