"""Models that make vectors, and stores for these, from what a spec says. Heavy imports are inside."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rankkit.config.model_facts import display_name, kind_of_model
from rankkit.errors import CapabilityMissing
from rankkit.models import catalogue, store

if TYPE_CHECKING:
    from rankkit.backends.encoders.embedder import Embedder
    from rankkit.backends.vectors import VectorStore

#: What is taken for the first stage where no model is named.
DEFAULT_ENCODER = "bge-small-en-v1.5"
ENCODER_KINDS = ("bi-encoder", "late-interaction")


def open_encoder(model: str, keywords: Mapping[str, Any] | None = None) -> Embedder:
    """A bi-encoder or late interaction, by what the model is; what its row in the catalogue says of pooling and
    prefixes stands where ``keywords``, those of the head, say nothing.

    Raises:
        CapabilityMissing: the model makes no vectors.
        ModelNotPulled: it is not on this machine.
    """
    from rankkit.backends.encoders.bi_encoder import BiEncoder
    from rankkit.backends.encoders.late_interaction import LateInteraction

    check_encoder(model)
    given = {"name": display_name(model), **(keywords or {})}
    if kind_of_model(model) == "late-interaction":
        return LateInteraction(store.locate(model), **given)
    return BiEncoder(store.locate(model), **{**_trained(model), **given})


def check_encoder(model: str) -> None:
    """Raises:
    CapabilityMissing: the model makes no vectors.
    UnknownModel: there is none of this name.
    """
    kind = kind_of_model(model)
    if kind not in ENCODER_KINDS:
        able = ", ".join(row.name for row in catalogue.rows() if row.kind in ENCODER_KINDS)
        raise CapabilityMissing(
            f"{model} is a {kind} model, and makes no vectors of single texts", hint=f"Models that do: {able}."
        )


def open_store(folder: str | None, encoder: Embedder) -> VectorStore | None:
    """The store of that model's document vectors in a folder; ``None`` where none is wanted."""
    from rankkit.backends.vectors import VectorStore

    return None if folder is None else VectorStore(Path(folder).expanduser(), encoder.document_fingerprint)


def _trained(model: str) -> dict[str, Any]:
    if store.local_path(model) is not None:
        return {}  # the folder says it, or nobody does
    row = catalogue.find(model)
    if row.pooling is None:
        return {}
    return {"pooling": row.pooling, "query_prefix": row.query_prefix, "document_prefix": row.document_prefix}
