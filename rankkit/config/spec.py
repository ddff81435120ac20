"""What the specs of all paradigms share."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from rankkit.models import catalogue
from rankkit.reranker import BaseReranker
from rankkit.runner import OnError, OnReply
from rankkit.usage import Budget


class BaseSpec(BaseModel):
    """Frozen, and every key that it does not know is an error. ``build`` loads what is needed, and only then."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    budget: Budget = Field(default_factory=Budget)
    on_error: OnError = "raise"

    def build(self, *, on_reply: OnReply | None = None) -> BaseReranker:
        raise NotImplementedError


def display_name(model: str) -> str:
    """How a model is called in names and steps: its catalogue name, or its folder's or file's."""
    path = Path(model)
    if not path.exists():
        return catalogue.find(model).name
    return path.resolve().stem if path.is_file() else path.resolve().name
