"""What a cross-encoder's logits are put through, in sentence-transformers' spellings: a torch module, a function, or
what a model's ``config.json`` names.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from rankkit.backends.tokenizing.files import read_json
from rankkit.config.pointwise import LocalModelSpec
from rankkit.core.events import logger
from rankkit.core.ranking import ScoreKind
from rankkit.errors import InvalidOutput
from rankkit.integrations.made_from import RerankerSource
from rankkit.integrations.numbers import Activation, as_it_is, as_probability
from rankkit.models import store

Function = Callable[[Any], Any]


def identity(logits: Any) -> Any:
    """Logits as they are."""
    return logits


def stated(source: RerankerSource) -> Function | None:
    """What the model itself asks for: ``identity``, or none, which is the sigmoid. It has to be on this machine."""
    if not isinstance(source.spec, LocalModelSpec):
        return None
    config = read_json(store.locate(source.spec.model) / "config.json")
    inner = config.get("sentence_transformers")
    named = inner.get("activation_fn") if isinstance(inner, dict) else None
    named = named or config.get("sbert_ce_default_activation_function")
    if named is None:
        return None
    last = str(named).rpartition(".")[2]
    if last not in ("Sigmoid", "Identity"):
        logger.warning("%s asks for %s, which is not run from a file: the sigmoid is used", source.name, named)
    return identity if last == "Identity" else None


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
