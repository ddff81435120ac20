"""``paradigm = "listwise"``."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from rankkit.config.language_model import LanguageModelSpec
from rankkit.config.methods import check_method
from rankkit.config.registry import default_method
from rankkit.listwise.strategies.self_consistency import Aggregation


class ListwiseSpec(LanguageModelSpec):
    """A language model that orders windows of passages.

    ``top_k`` is how many places of the result matter; a generating model then writes no more than it must. Without a
    ``method`` a model on this machine is constrained to permutations, and an endpoint generates, which every server
    can.
    """

    paradigm: Literal["listwise"] = "listwise"
    prompt: str | None = None
    policy: Literal["repair", "retry", "raise", "keep_order"] = "repair"
    window: int | None = Field(default=None, ge=2, description="passages shown at once. Default: 20, or 4 for setwise")
    step: int | None = Field(default=None, ge=1)
    passes: int = Field(default=1, ge=1)
    depth: int | None = Field(default=None, ge=1)
    top_k: int | None = Field(default=None, ge=1)
    seed: int = 0
    samples: int = Field(default=5, ge=1, description="copies of self-consistency, tournaments of TourRank")
    aggregate: Aggregation | None = Field(default=None, description="how self-consistency adds up its copies")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        self.check_method_keys()
        if self.step is not None and self.step >= self.size:
            raise ValueError(f"an impossible window: a step of {self.step} in a window of {self.size}")
        return self

    @property
    def size(self) -> int:
        """Passages shown at once."""
        return self.window or (4 if self.method_row.question == "choose" else 20)

    @property
    def chosen_step(self) -> int:
        """How far a window moves."""
        return self.step or max(1, self.size // 2)

    @property
    def chosen_method(self) -> str:
        return self.method or default_method("listwise", self.assumed_kind).name

    def check(self) -> None:
        check_method(self.model, self.kind, self.paradigm, self.chosen_method)
        self.check_kind_keys()

    def decided(self) -> dict[str, object]:
        return {"method": self.chosen_method, "window": self.size}
