"""What callers of sentence-transformers' ``CrossEncoder`` hand over, read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rankkit.core.events import logger
from rankkit.errors import ConfigError, InputError


class ModelCardData:
    """Where evaluators of sentence-transformers leave what they found; kept in ``metrics``, by the evaluator's name."""

    def __init__(self) -> None:
        self.metrics: dict[str, dict[str, Any]] = {}

    def set_evaluation_metrics(
        self, evaluator: object, metrics: Mapping[str, Any], epoch: int = 0, step: int = 0
    ) -> None:
        name = str(getattr(evaluator, "name", "") or type(evaluator).__name__)
        self.metrics = {**self.metrics, name: dict(metrics)}


def read_pairs(inputs: Any) -> tuple[list[tuple[str, str]], bool]:
    """The pairs, and whether it was one by itself."""
    if isinstance(inputs, np.ndarray):
        inputs = inputs.tolist()
    if inputs is None or isinstance(inputs, str | Mapping):
        raise InputError(f"inputs are pairs (query, text), not {type(inputs).__name__}", hint="Give a list of pairs.")
    inputs = list(inputs)
    single = bool(inputs) and isinstance(inputs[0], str)
    pairs = [tuple(pair) if isinstance(pair, list | tuple) else pair for pair in ([inputs] if single else inputs)]
    for place, pair in enumerate(pairs):
        if not isinstance(pair, tuple) or len(pair) != 2 or not all(isinstance(text, str) for text in pair):
            raise InputError(f"pair {place} is {pair!r:.80}", hint="A pair is (query, text), both strings.")
    return pairs, single


def refuse(model: object, *, modules: object, labels: int | None, prompt: str) -> None:
    if model is None:
        raise ConfigError("no model is named", hint="Give a name or a folder.")
    if modules is not None:
        raise ConfigError("modules are parts made of torch, which are not run here", hint="Give an exported model.")
    if labels not in (None, 1, 2):
        raise ConfigError(
            f"num_labels is {labels}: a reranker gives one score a pair",
            hint="Leave it out. Of two labels, no and yes, the score is the difference.",
        )
    refuse_prompt(prompt, None)


def prompt_of(prompts: Mapping[str, str] | None, name: str | None) -> str:
    return (prompts or {}).get(name, name) if name else ""


def refuse_prompt(name: object, prompt: object) -> None:
    if name or prompt:
        raise ConfigError(
            f"a prompt is given ({name or prompt!r:.80}), which would go before every text",
            hint="Put its words before the query, or use an instruction of a rankkit config file.",
        )


def say_without_effect(given: Mapping[str, object]) -> None:
    named = [name for name, value in given.items() if value is not None]
    if named:
        logger.info("CrossEncoder: without effect here: %s", ", ".join(named))


def value_of(arguments: Mapping[str, Any] | None, key: str) -> Any:
    return (arguments or {}).get(key)


def first_of(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)
