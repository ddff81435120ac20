"""What the specs of all kinds share: the model's own limits, and the reranker's place among others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Self, TypeAlias, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)
from pydantic_core import CoreSchema

from rankkit.config.first_stage import FirstStageSpec
from rankkit.config.gates import GatesSpec
from rankkit.core.runner import OnReply
from rankkit.core.usage import Budget
from rankkit.errors import RankkitError
from rankkit.pipeline.cascade import BaseReranker
from rankkit.pipeline.stage import OnFailure

if TYPE_CHECKING:
    # When specs are built, ``kinds`` puts one of each kind here: it knows them all, and they need not know it.
    FailurePolicy: TypeAlias = OnFailure | "BaseSpec"


class _FromTable:
    """A dataclass that may be written as a table though specs are strict."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = handler(source)
        # The table only: its values are as strict as the spec.
        cast(dict[str, object], handler.resolve_ref_schema(schema))["strict"] = False
        return schema


Limits = Annotated[Budget, _FromTable()]


class BaseSpec(BaseModel):
    """Frozen, strict about types, and every key that it does not know is an error. ``build`` loads what is needed, and
    only then.

    The keys from ``reorder_top`` on are those of a stage, and are the methods of ``BaseReranker`` of these names: any
    spec may have them, in a cascade or alone. The cuts are made in the order of the fields.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    paradigm: str
    budget: Limits = Field(default_factory=Budget, description="limits for each query, of this reranker or stage")

    reorder_top: int | None = Field(default=None, ge=1, description="look at the best K only; the tail stays behind")
    drop_below: float | None = Field(default=None, allow_inf_nan=False, description="drop those scored less than this")
    drop_at_gap: int | None = Field(default=None, ge=1, description="keep at least K, and drop at the largest gap")
    drop_after: int | None = Field(default=None, ge=1, description="only the best K go on")
    skip_if: GatesSpec | None = Field(default=None, description="do not run where the query is easy")
    on_failure: FailurePolicy | None = Field(
        default=None, description="keep, partial or raise, or the table of a reranker to be run instead"
    )
    instruction: str | None = Field(
        default=None,
        description="what counts beside the query, where the request says nothing; empty: its own is left out",
    )
    first_stage: FirstStageSpec | None = Field(default=None, description="where the candidates come from, at the top")

    @model_validator(mode="after")
    def _one_first_stage(self) -> Self:
        for key, part in self.parts():
            if part.first_stage is not None:
                raise ValueError(f"{key}.first_stage: candidates come from one place, said at the top of the file")
        return self

    @model_serializer(mode="wrap")
    def _written(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Say kind and model though they be the defaults: what is read again must not depend on what these are."""
        said: dict[str, Any] = handler(self)
        always = {key: getattr(self, key) for key in ("paradigm", "model") if hasattr(self, key)}
        return {**always, **said}

    def build(self, *, on_reply: OnReply | None = None) -> BaseReranker:
        """Load what the spec names, and put it into its place."""
        reranker = self.reranker(on_reply=on_reply)
        if isinstance(self.on_failure, BaseSpec):
            with naming("on_failure"):
                reranker = reranker.on_failure(self.on_failure.build(on_reply=on_reply))
        elif self.on_failure is not None and not self.partial_by_itself:
            reranker = reranker.on_failure(self.on_failure)
        if self.skip_if is not None:
            reranker = reranker.skip_if(*self.skip_if.gates())
        if self.instruction is not None:
            reranker = reranker.with_instruction(self.instruction)
        built = self.narrowed(reranker)
        object.__setattr__(built, "leaves_scores", self.leaves_scores)  # frozen, and this is no part of its value
        return built

    def build_stage(self, *, on_reply: OnReply | None = None) -> BaseReranker:
        """``build`` for a cascade, where a stage's budget is time of its own beside the share of a deadline, and what
        it had come to is used only where ``on_failure`` says so.
        """
        stage = self.build(on_reply=on_reply)
        if not self.budget.unlimited:
            stage = stage.with_budget(self.budget)
        return stage.on_failure("partial") if self.on_failure == "partial" else stage

    @property
    def gives_scores(self) -> bool:
        """Whether its last order comes with scores of its own, if all goes well."""
        return True

    @property
    def leaves_scores(self) -> bool:
        """Whether candidates come out of it with scores, if only with those of an earlier stage of it."""
        return self.gives_scores

    @property
    def partial_by_itself(self) -> bool:
        """Whether ``reranker`` goes on without failed calls, so that nothing around it must."""
        return False

    def reranker(self, *, on_reply: OnReply | None = None) -> BaseReranker:
        """The reranker as if it stood alone."""
        raise NotImplementedError

    def check(self) -> None:
        """Find what does not fit the model named, without opening it.

        Raises:
            ConfigError: a key that this model, with this method, has no use for.
        """

    def decided(self) -> dict[str, object]:
        """What a key that was left out comes to, where that depends on the model or on other keys."""
        return {}

    def narrowed(self, reranker: BaseReranker) -> BaseReranker:
        """``reranker``, seeing and keeping what this spec says. Also for a reranker that only stands for the real one:
        what does not fit together is found without a model.
        """
        if self.reorder_top is not None:
            reranker = reranker.reorder_top(self.reorder_top)
        if self.drop_below is not None:
            reranker = reranker.drop_below(self.drop_below)
        if self.drop_at_gap is not None:
            reranker = reranker.drop_at_gap(least=self.drop_at_gap)
        if self.drop_after is not None:
            reranker = reranker.drop_after(self.drop_after)
        return reranker

    def parts(self) -> Iterator[tuple[str, BaseSpec]]:
        """The specs right inside this one, each with its key."""
        if isinstance(self.on_failure, BaseSpec):
            yield "on_failure", self.on_failure


@contextmanager
def naming(key: str) -> Iterator[None]:
    """Put the key of the part in front of what goes wrong in it."""
    try:
        yield
    except RankkitError as error:
        raise type(error)(f"{key}: {error.message}", hint=error.hint) from error
