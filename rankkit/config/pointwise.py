"""``paradigm = "pointwise"``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from rankkit.config.methods import check_method
from rankkit.config.spec import ModelSpec, display_name, kind_of_model, trained_prompt
from rankkit.core.runner import OnReply
from rankkit.errors import ConfigError
from rankkit.models import store
from rankkit.pipeline.cascade import BaseReranker
from rankkit.pipeline.judged import JudgeReranker
from rankkit.prompting.template import load_prompt

if TYPE_CHECKING:
    from rankkit.core.judge import Judge
    from rankkit.core.questions import Score

Method = Literal["cross-encoder", "monot5"]

DEFAULT_MODEL = "ms-marco-MiniLM-L-12-v2"

#: How a kind of model scores, when no method is named.
_METHOD_OF_KIND: Mapping[str, Method] = {"cross-encoder": "cross-encoder", "seq2seq": "monot5"}


class LocalModelSpec(ModelSpec):
    """What every model has that reads texts through a tokenizer on this machine."""

    max_length: int | None = Field(default=None, ge=8, description="tokens of query and document together")
    long_query: Literal["shorten", "error"] = "shorten"
    threads: int | None = Field(default=None, ge=1)

    def reading(self) -> dict[str, Any]:
        """The keywords that the ONNX backends share."""
        return {
            "name": display_name(self.model),
            "max_length": self.max_length,
            "long_query": self.long_query,
            "threads": self.threads,
        }


class PointwiseSpec(LocalModelSpec):
    """One score for each candidate: a cross-encoder, or monoT5 (an ONNX folder, or a name in the catalogue).

    ``scores``: a cross-encoder gives ``logit`` (default) or ``probability``, monoT5 ``log-probability`` (default) or
    ``probability``.
    """

    paradigm: Literal["pointwise"] = "pointwise"
    model: str = DEFAULT_MODEL
    method: Method | None = None
    prompt: str | None = Field(default=None, description="for monoT5")
    scores: Literal["logit", "log-probability", "probability"] | None = None
    graph: str | None = Field(default=None, description="the ONNX file of a cross-encoder, where there are several")

    def reranker(self, *, on_reply: OnReply | None = None) -> BaseReranker:
        from rankkit.pointwise.strategy import ScoreAll

        return JudgeReranker(self.judge(), ScoreAll(), self.budget, self.on_call_failure, on_reply)

    @property
    def chosen_method(self) -> Method:
        """The method named, or what the model is for."""
        return self.method or scoring_method(self.model)

    def check(self) -> None:
        kind = self.kind
        check_method(self.model, kind, self.paradigm, self.method or _METHOD_OF_KIND.get(kind, "cross-encoder"))
        if self.prompt is None:  # the prompt that it was trained on is then the one it is asked by
            scoring_method(self.model)
        misfits = {
            "monot5": {"scores": ("logit",), "graph": (self.graph,)},
            "cross-encoder": {"scores": ("log-probability",), "prompt": (self.prompt,)},
        }
        for key, refused in misfits[self.chosen_method].items():
            value = getattr(self, key)
            if value is not None and value in refused:
                raise ConfigError(
                    f"{key}: {self.model} is asked as a {self.chosen_method}, which has no use for {value!r}",
                    hint="Take it out, or name the method that is meant: cross-encoder or monot5.",
                )

    def decided(self) -> dict[str, object]:
        monot5 = self.chosen_method == "monot5"
        return {"method": self.chosen_method, "scores": self.scores or ("log-probability" if monot5 else "logit")}

    # Heavy imports are inside: a spec can be checked without loading onnxruntime.
    def judge(self) -> Judge[Score, float]:
        self.check()
        folder, as_probability = store.locate(self.model), self.scores == "probability"
        if self.chosen_method == "monot5":
            from rankkit.backends.encoders.seq2seq import Seq2Seq
            from rankkit.pointwise.monot5 import MonoT5Judge

            template = load_prompt(self.prompt or trained_prompt(self.model) or "monot5", "pointwise")
            scores: Literal["probability", "log-probability"] = "probability" if as_probability else "log-probability"
            return MonoT5Judge(Seq2Seq(folder, **self.reading()), template, scores)
        from rankkit.backends.encoders.cross_encoder import CrossEncoder
        from rankkit.pointwise.cross_encoder import CrossEncoderJudge

        encoder = CrossEncoder(folder, graph=self.graph, **self.reading())
        return CrossEncoderJudge(encoder, "probability" if as_probability else "logit")


def scoring_method(model: str) -> Method:
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
    return _METHOD_OF_KIND.get(kind_of_model(model), "cross-encoder")
