"""What the files beside a model say of it, for callers who leave it to the model."""

from __future__ import annotations

from rankkit.backends.tokenizing.files import length_limit, read_json
from rankkit.backends.tokenizing.opening import open_tokenizer
from rankkit.config.pointwise import LocalModelSpec
from rankkit.core.events import logger
from rankkit.integrations.activations import Function, identity
from rankkit.integrations.made_from import RerankerSource
from rankkit.models import store


def length_of(source: RerankerSource) -> int | None:
    """Tokens that the model can read; none where it is not known, as of a reranker that is made of several."""
    if not isinstance(source.spec, LocalModelSpec):
        return None
    folder = store.locate(source.spec.model)
    return source.spec.max_length or length_limit(folder, open_tokenizer(folder))


def stated_activation(source: RerankerSource) -> Function | None:
    """What the model's ``config.json`` asks for: ``identity``, or none, which is the sigmoid. It has to be on this
    machine.
    """
    if not isinstance(source.spec, LocalModelSpec):
        return None
    config = read_json(store.locate(source.spec.model) / "config.json")
    inner = config.get("sentence_transformers")
    named = inner.get("activation_fn") if isinstance(inner, dict) else None
    named = named or config.get("sbert_ce_default_activation_function")
    last = str(named or "Sigmoid").rpartition(".")[2]
    if last not in ("Sigmoid", "Identity"):
        logger.warning("%s asks for %s, which is not run from a file: the sigmoid is used", source.name, named)
    return identity if last == "Identity" else None
