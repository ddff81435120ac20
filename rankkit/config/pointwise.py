"""``paradigm = "pointwise"``."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from rankkit.calibration.applying import calibrated
from rankkit.calibration.kept import Calibration, read_calibration
from rankkit.config.methods import check_method
from rankkit.config.model_facts import display_name, kind_of_model, trained_prompt
from rankkit.config.model_spec import ModelSpec
from rankkit.config.registry import default_method, methods
from rankkit.config.rerank_api import RerankApiSpec
from rankkit.config.spec import naming
from rankkit.core.judge import Judge
from rankkit.core.runner import OnReply
from rankkit.errors import ConfigError
from rankkit.pipeline.cascade import BaseReranker

DEFAULT_MODEL = "ms-marco-MiniLM-L-12-v2"

#: The keys that make a stage of a model.
_PLACE = ("reorder_top", "drop_below", "drop_at_gap", "drop_after", "skip_if", "instruction")


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
    """One score for each candidate: a cross-encoder, or monoT5 (an ONNX folder, or a name in the catalogue); a
    bi-encoder (``cosine``) or late interaction (``maxsim``), whose document vectors can be kept; a language model,
    ``prompted`` for yes or no or for a grade, or read for the ``likelihood`` of the query; or a rerank ``api``.

    ``scores``: a cross-encoder gives ``logit`` (default) or ``probability``, monoT5 ``log-probability`` (default) or
    ``probability``, some rerank APIs ``probability`` or ``relevance`` (default) or ``logit``. Any of them gives
    ``calibrated`` probabilities of relevance with the ``calibration`` that was fitted for it (``rankkit calibrate``).
    """

    paradigm: Literal["pointwise"] = "pointwise"
    model: str = DEFAULT_MODEL
    prompt: str | None = Field(default=None, description="for monoT5 and language models")
    scores: Literal["logit", "log-probability", "probability", "relevance", "calibrated"] | None = None
    calibration: str | None = Field(default=None, description="the file of calibrated scores: rankkit calibrate --out")
    graph: str | None = Field(default=None, description="the ONNX file of an encoder, where there are several")
    vectors: str | None = Field(default=None, description="a folder in which document vectors are kept")

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
        misfits = [
            key for key in ("graph", "prompt", "vectors") if key not in row.keys and getattr(self, key) is not None
        ]
        misfits += ["scores"] if self.scores not in (None, "calibrated", *row.scores) else []
        for key in misfits:
            raise ConfigError(
                f"{key}: {self.model} is asked as a {row.name}, which has no use for {getattr(self, key)!r}",
                hint=f"Take it out, or name the method that is meant: {' or '.join(one.name for one in others)}.",
            )

        self.check_method_keys()
        self.check_api()
        self._check_calibration()

    def _check_calibration(self) -> None:
        if self.scores == "calibrated" and self.calibration is None:
            raise ConfigError(
                f"scores: {self.model} was never calibrated, as far as is said here: there is no calibration",
                hint="Fit one on judged data (rankkit calibrate --model M --data DIR --out FILE), then say "
                'calibration = "FILE".',
            )
        if self.scores != "calibrated" and self.calibration is not None:
            raise ConfigError(
                f"calibration: {self.calibration} is not used where scores are {self.scores or 'raw'}",
                hint='Say scores = "calibrated", or leave the calibration out.',
            )
        if self.calibration is not None:
            _ = self._calibration

    @cached_property
    def _calibration(self) -> Calibration:
        with naming("calibration"):
            return read_calibration(Path(self.calibration or ""))

    def uncalibrated(self) -> PointwiseSpec:
        """The same, with the raw scores that the calibration was fitted to."""
        return self.model_copy(update={"scores": self._calibration.scores or None, "calibration": None})

    def as_scored(self) -> PointwiseSpec:
        """The same, with the scores that it can give raw said outright: what is calibrated.

        Raises:
            ConfigError: they are calibrated already, or it has a place in a cascade.
        """
        if self.scores == "calibrated":
            raise ConfigError("scores: these are calibrated already", hint="Calibrate the raw ones: leave it out.")
        placed = [key for key in _PLACE if getattr(self, key) is not None]
        if placed:
            raise ConfigError(
                f"{placed[0]}: a calibration is of all that a model scores, whatever follows", hint="Leave it out."
            )
        return self.model_copy(update={"scores": self.decided()["scores"]})

    def judge(self) -> Judge[Any, Any]:
        if self.scores != "calibrated":
            return super().judge()
        self.check()
        return self.uncalibrated().judge()

    def reranker(self, *, on_reply: OnReply | None = None) -> BaseReranker:
        made = super().reranker(on_reply=on_reply)
        if self.scores != "calibrated":
            return made
        try:
            with naming("calibration"):
                return calibrated(made, self._calibration)
        except BaseException:
            made.close()
            raise

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
