"""``members = [...]``: rerankers side by side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from rankkit.config.cascade import fitting, limited
from rankkit.config.dry_build import dry_build
from rankkit.config.spec import BaseSpec, naming
from rankkit.core.runner import OnReply
from rankkit.pipeline.cascade import BaseReranker
from rankkit.pipeline.fusion import Method, Normalise, OnMemberFailure, fuse

if TYPE_CHECKING:
    AnySpec: TypeAlias = BaseSpec  # one of each kind, which ``kinds`` puts here


class FusionSpec(BaseSpec):
    """Each member is a spec of any kind, and ranks all candidates (``rankkit.pipeline.fusion.fuse``).

    A table with ``members`` is a fusion without saying so.
    """

    paradigm: Literal["fusion"] = "fusion"
    members: tuple[AnySpec, ...] = Field(strict=False, json_schema_extra={"minItems": 1})
    method: Method = "rrf"
    weights: tuple[float, ...] | None = Field(default=None, strict=False)
    normalise: Normalise = "minmax"
    k: int = Field(default=60, ge=0)
    on_member_failure: OnMemberFailure = "leave_out"

    @model_validator(mode="after")
    def _fit(self) -> Self:
        outlines: list[BaseReranker] = []
        for number, member in enumerate(self.members, start=1):
            with fitting(f"members.{number}"):
                outlines.append(dry_build(member))
        self._fused(outlines)
        return self

    def reranker(self, *, on_reply: OnReply | None = None) -> BaseReranker:
        built: list[BaseReranker] = []
        for number, member in enumerate(self.members, start=1):
            with naming(f"members.{number}"):
                built.append(member.build(on_reply=on_reply))
        return limited(self._fused(built), self)

    def _fused(self, members: list[BaseReranker]) -> BaseReranker:
        return fuse(
            *members,
            method=self.method,
            weights=self.weights,
            normalise=self.normalise,
            k=self.k,
            on_member_failure=self.on_member_failure,
        )

    def parts(self) -> Iterator[tuple[str, BaseSpec]]:
        yield from ((f"members.{number}", member) for number, member in enumerate(self.members, start=1))
        yield from super().parts()
