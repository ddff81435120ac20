"""``skip_if``: the gates of a stage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rankkit.core.gates import EntropyBelow, FewerThan, Gate, MarginAbove, TimeBelow, TopScoreAbove


class GatesSpec(BaseModel):
    """Any one of them that holds skips the stage. Scores are in the unit of the stage before"""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    top_score_above: float | None = Field(default=None, allow_inf_nan=False)
    margin_above: float | None = Field(default=None, allow_inf_nan=False)
    entropy_below: float | None = Field(default=None, allow_inf_nan=False)
    fewer_than: int | None = Field(default=None, ge=1, description="candidates")
    time_below: float | None = Field(default=None, ge=0, allow_inf_nan=False, description="seconds")

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.gates():
            raise ValueError(f"a table of no gates; allowed are {', '.join(type(self).model_fields)}")
        return self

    def gates(self) -> list[Gate]:
        return [_GATES[key](getattr(self, key)) for key in self._given]

    @property
    def by_scores(self) -> list[str]:
        """Those of the keys given whose gates cannot decide without scores."""
        return [key for key in self._given if _GATES[key].needs_scores]

    @property
    def _given(self) -> list[str]:
        return [key for key in type(self).model_fields if getattr(self, key) is not None]


_GATES: Mapping[str, type[TopScoreAbove | MarginAbove | EntropyBelow | FewerThan | TimeBelow]] = {
    "top_score_above": TopScoreAbove,
    "margin_above": MarginAbove,
    "entropy_below": EntropyBelow,
    "fewer_than": FewerThan,
    "time_below": TimeBelow,
}
