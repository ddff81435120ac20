"""``paradigm = "pointwise"``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from rankkit.config.spec import ModelSpec, display_name, kind_of_model, trained_prompt
from rankkit.errors import ConfigError
from rankkit.models import store
from rankkit.prompt import load_prompt
from rankkit.reranker import BaseReranker, JudgeReranker
from rankkit.runner import OnReply

if TYPE_CHECKING:
    from rankkit.judge import Judge
    from rankkit.questions import Score

DEFAULT_MODEL = "ms-marco-MiniLM-L-12-v2"


class LocalModelSpec(ModelSpec):
    """What every model has that reads texts through a tokenizer on this machine."""

    max_length: int | None = Field(default=None, ge=8, description="tokens of query and document together")
    long_query: Literal["shorten", "error"] = "shorten"
    threads: int | None = Field(default=None, ge=1)


class PointwiseSpec(LocalModelSpec):
    """One score for each candidate: a cross-encoder, or monoT5 (an ONNX folder, or a name in the catalogue).

    ``scores``: a cross-encoder gives ``logit`` (default) or ``probability``, monoT5 ``log-probability`` (default) or
    ``probability``.
    """

    paradigm: Literal["pointwise"] = "pointwise"
    model: str = DEFAULT_MODEL
    method: Literal["cross-encoder", "monot5"] | None = None
    prompt: str | None = Field(default=None, description="for monoT5")
    scores: Literal["logit", "log-probability", "probability"] | None = None
    graph: str | None = Field(default=None, description="the ONNX file of a cross-encoder, where there are several")

    def reranker(self, *, on_reply: OnReply | None = None) -> BaseReranker:
        from rankkit.pointwise.strategy import ScoreAll

        return JudgeReranker(self.judge(), ScoreAll(), self.budget, self.on_error, on_reply)

    @property
    def chosen_method(self) -> Literal["cross-encoder", "monot5"]:
        """The method named, or what the model is for."""
        if self.method is not None:
            return self.method
        trained = trained_prompt(self.model)
        if trained and not trained.startswith("pointwise/"):
            paradigm = trained.partition("/")[0]
            raise ConfigError(
                f"{self.model} was trained on the prompt {trained}",
                hint=f'Use paradigm = "{paradigm}", or name a method.',
            )
        return "monot5" if kind_of_model(self.model) == "seq2seq" else "cross-encoder"

    # Heavy imports are inside: a spec can be checked without loading onnxruntime.
    def judge(self) -> Judge[Score, float]:
        method, folder = self.chosen_method, store.locate(self.model)
        if method == "monot5":
            from rankkit.backends.seq2seq import OnnxSeq2Seq
            from rankkit.pointwise.monot5 import MonoT5Judge

            if self.scores == "logit":
                raise ConfigError('monoT5 gives no logit: scores is "log-probability" or "probability"')
            reader = OnnxSeq2Seq(
                folder,
                name=display_name(self.model),
                max_length=self.max_length,
                long_query=self.long_query,
                threads=self.threads,
            )
            template = load_prompt(self.prompt or "monot5", "pointwise")
            return MonoT5Judge(reader, template, self.scores or "log-probability")
        from rankkit.backends.onnx import OnnxCrossEncoder
        from rankkit.pointwise.cross_encoder import CrossEncoderJudge

        if self.scores == "log-probability":
            raise ConfigError('a cross-encoder gives no log-probability: scores is "logit" or "probability"')
        if self.prompt is not None:
            raise ConfigError(f"a cross-encoder reads no prompt, and {self.prompt!r} is given")
        encoder = OnnxCrossEncoder(
            folder,
            name=display_name(self.model),
            graph=self.graph,
            max_length=self.max_length,
            long_query=self.long_query,
            threads=self.threads,
        )
        return CrossEncoderJudge(encoder, self.scores or "logit")
