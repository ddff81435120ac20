"""``paradigm = "pointwise"``."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from rankkit.config.methods import check_method
from rankkit.config.model_facts import display_name, kind_of_model, trained_prompt
from rankkit.config.model_spec import ModelSpec
from rankkit.config.registry import default_method, methods
from rankkit.config.rerank_api import RerankApiSpec
from rankkit.errors import ConfigError

DEFAULT_MODEL = "ms-marco-MiniLM-L-12-v2"


class LocalModelSpec(ModelSpec):
    """What every model has that reads texts through a tokenizer on this machine."""

    max_length: int | None = Field(default=None, ge=8, description="tokens of query and document together")
    long_query: Literal["shorten", "error"] = "shorten"
    threads: int | None = Field(default=None, ge=1)
    batch_tokens: int | None = Field(default=None, ge=1, description="tokens that are run together, padding included")
    engine: str | None = Field(default=None, description="what runs the graph: onnxruntime, openvino")

    def reading(self) -> dict[str, Any]:
        """The keywords that the ONNX backends share."""
        given = {"batch_tokens": self.batch_tokens, "engine": self.engine}
        return {
            "name": display_name(self.model),
            "max_length": self.max_length,
            "long_query": self.long_query,
            "threads": self.threads,
            **{key: value for key, value in given.items() if value is not None},
        }


class PointwiseSpec(RerankApiSpec, LocalModelSpec):
    """One score for each candidate: a cross-encoder, or monoT5 (an ONNX folder, or a name in the catalogue); a language
    model, ``prompted`` for yes or no or for a grade, or read for the ``likelihood`` of the query; or a rerank ``api``.

    ``scores``: a cross-encoder gives ``logit`` (default) or ``probability``, monoT5 ``log-probability`` (default) or
    ``probability``, some rerank APIs ``probability`` or ``relevance`` (default) or ``logit``.
    """

    paradigm: Literal["pointwise"] = "pointwise"
    model: str = DEFAULT_MODEL
    prompt: str | None = Field(default=None, description="for monoT5 and language models")
    scores: Literal["logit", "log-probability", "probability", "relevance"] | None = None
    graph: str | None = Field(default=None, description="the ONNX file of a cross-encoder, where there are several")

    @property
    def chosen_method(self) -> str:
        return self.method or self._default_method

    @property
    def _default_method(self) -> str:
        return scoring_method(self.model) if self.address is None else default_method("pointwise", self.kind).name

    def check(self) -> None:
        check_method(self.model, self.kind, self.paradigm, self.method or default_method("pointwise", self.kind).name)
        self.check_kind_keys()
        if self.prompt is None and self.address is None:
            scoring_method(self.model)  # the prompt that it was trained on is then the one it is asked by
        row, others = self.method_row, methods("pointwise").values()
        misfits = [key for key in ("graph", "prompt") if key not in row.keys and getattr(self, key) is not None]
        misfits += ["scores"] if self.scores is not None and self.scores not in row.scores else []
        for key in misfits:
            raise ConfigError(
                f"{key}: {self.model} is asked as a {row.name}, which has no use for {getattr(self, key)!r}",
                hint=f"Take it out, or name the method that is meant: {' or '.join(one.name for one in others)}.",
            )

        self.check_method_keys()
        self.check_api()

    def decided(self) -> dict[str, object]:
        row = self.method_row
        return {"method": row.name, "scores": self.scores or self.api_scores or next(iter(row.scores), None)}


def scoring_method(model: str) -> str:
    """How a model gives one document a score.

    Raises:
        ConfigError: it was trained on a question of another paradigm.
    """
    trained = trained_prompt(model)
    if trained and not trained.startswith("pointwise/"):
        raise ConfigError(
            f"{model} was trained on the prompt {trained}, and scores no single document",
            hint=f'Use paradigm = "{trained.partition("/")[0]}", and no method that goes by scores.',
        )
    return default_method("pointwise", kind_of_model(model)).name
