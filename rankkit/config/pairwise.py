"""``paradigm = "pairwise"``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, field_validator, model_validator

from rankkit.config.language_model import LanguageModelSpec
from rankkit.config.methods import check_method
from rankkit.config.model_facts import trained_prompt
from rankkit.config.pointwise import DEFAULT_MODEL, LocalModelSpec, PointwiseSpec, scoring_method
from rankkit.config.registry import default_method
from rankkit.config.unused_keys import refuse_unused
from rankkit.errors import ConfigError, nearest
from rankkit.pairwise.aggregation.methods import AGGREGATIONS, Aggregation, sampling

#: The others ask everybody, and draw nothing.
_AGGREGATIONS: Mapping[str, tuple[str, ...]] = {"seed": ("sample",), "opponents": ("sample",)}

#: How many places of the result matter. TOML has no word for none, so no limit is ``"all"``.
Places = Annotated[
    Annotated[int, Field(ge=1)] | None,
    BeforeValidator(lambda places: None if places == "all" else places),
    PlainSerializer(lambda places: "all" if places is None else places),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"enum": ["all", None]}]}),
]


class PairwiseSpec(LanguageModelSpec, LocalModelSpec):
    """Candidates are compared two at a time.

    ``method``: a cross-encoder (or monoT5) compares by the ``difference`` of its scores, or reads both documents at
    once (``duo``, if trained for it); another seq2seq model is ``duot5``; a language model is ``prompted`` for A or B,
    or ``prompted-text`` where a server shows no log-probabilities.
    """

    paradigm: Literal["pairwise"] = "pairwise"
    model: str = DEFAULT_MODEL
    prompt: str | None = None
    aggregate: str = Field(default="sym-sum", json_schema_extra={"enum": list(AGGREGATIONS)})
    top_k: Places = 10
    depth: int | None = Field(default=None, ge=1)
    one_sided: bool = False
    seed: int = 0
    opponents: int = Field(default=10, ge=1, description="for the aggregation sample")

    @field_validator("aggregate")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in AGGREGATIONS:
            raise ValueError(f"there is no aggregation {name!r}; {nearest(name, AGGREGATIONS)}")
        return name

    @model_validator(mode="after")
    def _used(self) -> Self:
        refuse_unused(self, _AGGREGATIONS, self.aggregate, "the aggregation ")
        return self

    @property
    def aggregation(self) -> Aggregation:
        """How the strategies that aggregate do it."""
        if self.aggregate == "sample":
            return sampling(opponents=self.opponents, seed=self.seed)
        return AGGREGATIONS[self.aggregate]

    def check(self) -> None:
        check_method(self.model, self.kind, self.paradigm, self.chosen_method)
        self.check_method_keys()
        self.check_kind_keys()
        row = self.method_row
        if row.by_scores:
            self.scoring().check()
        elif row.trained and self.prompt is None and self._trained_paradigm in row.refuses:
            raise ConfigError(
                f"{self.model} was trained on the prompt {trained_prompt(self.model)}, and reads no two documents",
                hint=f'Use method = "{self._default_method}", which compares by its scores.',
            )

    def decided(self) -> dict[str, object]:
        return {"method": self.chosen_method}

    def scoring(self) -> PointwiseSpec:
        """The same model, giving scores."""
        return PointwiseSpec(
            model=self.model,
            method=scoring_method(self.model),
            max_length=self.max_length,
            long_query=self.long_query,
            threads=self.threads,
            batch_tokens=self.batch_tokens,
            engine=self.engine,
        )

    @property
    def chosen_method(self) -> str:
        return self.method or self._default_method

    @property
    def _default_method(self) -> str:
        return default_method(self.paradigm, self.kind, trained=self._trained_paradigm).name

    @property
    def _trained_paradigm(self) -> str:
        """The paradigm of the prompt that the model was trained on, if it was trained on one."""
        return "" if self.endpoint is not None else trained_prompt(self.model).partition("/")[0]
