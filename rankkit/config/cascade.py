"""``stages = [...]``: rerankers in a row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from rankkit.config.dry_build import dry_build
from rankkit.config.spec import BaseSpec, naming
from rankkit.core.runner import OnReply
from rankkit.errors import ConfigError
from rankkit.pipeline.cascade import BaseReranker, Cascade

if TYPE_CHECKING:
    AnySpec: TypeAlias = BaseSpec  # one of each kind, which ``kinds`` puts here


class CascadeSpec(BaseSpec):
    """Each stage is a spec of any kind. A file with ``stages`` at its top is a cascade without saying so."""

    paradigm: Literal["cascade"] = "cascade"
    stages: tuple[AnySpec, ...] = Field(strict=False, json_schema_extra={"minItems": 1})

    @model_validator(mode="after")
    def _fit(self) -> Self:
        if not self.stages:
            raise ValueError("a cascade of no stages: give it at least one")
        outlines: list[BaseReranker] = []
        for key, stage in self.parts():
            if key.startswith("stages"):
                with fitting(key):
                    outlines.append(dry_build(stage))
                    Cascade.of(*outlines)
        return self

    def reranker(self, *, on_reply: OnReply | None = None) -> BaseReranker:
        built: list[BaseReranker] = []
        for number, stage in enumerate(self.stages, start=1):
            with naming(f"stages.{number}"):
                built.append(stage.build_stage(on_reply=on_reply))
        return limited(Cascade.of(*built), self)

    @property
    def gives_scores(self) -> bool:
        return self.stages[-1].gives_scores

    @property
    def leaves_scores(self) -> bool:
        return any(stage.leaves_scores for stage in self.stages)

    def parts(self) -> Iterator[tuple[str, BaseSpec]]:
        yield from ((f"stages.{number}", stage) for number, stage in enumerate(self.stages, start=1))
        yield from super().parts()


@contextmanager
def fitting(key: str) -> Iterator[None]:
    """What does not fit together, as pydantic wants to hear of it, and with the key of the part."""
    try:
        yield
    except ConfigError as error:
        raise ValueError(f"{key}: {error.message}. {error.hint}") from None


def limited(reranker: BaseReranker, spec: BaseSpec) -> BaseReranker:
    """Keep the whole within the spec's budget; as with one model, the best order so far is what comes out."""
    return reranker if spec.budget.unlimited else reranker.with_budget(spec.budget).on_failure("partial")
