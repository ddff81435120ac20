"""``skip_if``: the gates of a stage."""

from __future__ import annotations

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
        gates: list[Gate] = []
        if self.top_score_above is not None:
            gates.append(TopScoreAbove(self.top_score_above))
        if self.margin_above is not None:
            gates.append(MarginAbove(self.margin_above))
        if self.entropy_below is not None:
            gates.append(EntropyBelow(self.entropy_below))
        if self.fewer_than is not None:
            gates.append(FewerThan(self.fewer_than))
        if self.time_below is not None:
            gates.append(TimeBelow(self.time_below))
        return gates
