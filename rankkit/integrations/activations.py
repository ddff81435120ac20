"""What a cross-encoder's logits are put through, in sentence-transformers' spellings: a torch module, a function, or
what a model's ``config.json`` names.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from rankkit.core.ranking import ScoreKind
from rankkit.errors import InvalidOutput
from rankkit.integrations.numbers import Activation, as_it_is, as_probability

Function = Callable[[Any], Any]


def identity(logits: Any) -> Any:
    """Logits as they are."""
    return logits


def chosen(function: Function | None) -> Activation:
    """``function``, for one score. A function of the caller's gets an array of one number, or a tensor where torch is
    imported, as it would there.
    """
    name = type(function).__name__ if not hasattr(function, "__name__") else getattr(function, "__name__", "")
    if function is None or name == "Sigmoid":
        return as_probability
    if function is identity or name == "Identity":
        return as_it_is

    def apply(score: float, kind: ScoreKind | None) -> float:
        torch = sys.modules.get("torch")
        number = np.array([score], dtype=np.float32)
        given = function(number if torch is None else torch.from_numpy(number))
        values = np.asarray(given, dtype=np.float64).reshape(-1)
        if values.size != 1:
            raise InvalidOutput(f"{name} gave {values.size} numbers for one score", hint="An activation gives one.")
        return float(values[0])

    return apply
