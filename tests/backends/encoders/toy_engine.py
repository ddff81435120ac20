"""An engine of one's own, in numpy: it gives the tiny cross-encoder's answers without a graph."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from rankkit.backends.encoders.engine import Arrays, TensorSpec
from rankkit.core.limits import Gate
from tests.tiny import WORTH


class ToyEngine:
    name, source, batches_change_scores, fingerprint = "toy", "nowhere", False, "toy-1"
    inputs: ClassVar = {name: TensorSpec("int64", (None, None)) for name in ("input_ids", "attention_mask")}
    outputs: ClassVar = {"logits": TensorSpec("float64", (None, 1))}

    def __init__(self, path: object = None, *, gate: Gate | None = None) -> None:
        self.gate = gate or Gate(1)
        self.worth = np.array(list(WORTH.values()))

    def run(self, feeds: Arrays) -> dict[str, np.ndarray]:
        with self.gate.held():
            each = self.worth[feeds["input_ids"]]
            return {"logits": np.where(feeds["attention_mask"], each, 0).sum(axis=1, keepdims=True)}

    def close(self) -> None: ...
