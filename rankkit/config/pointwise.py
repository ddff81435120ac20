"""``paradigm = "pointwise"``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from rankkit.config.spec import ModelSpec, display_name
from rankkit.models import store
from rankkit.reranker import BaseReranker, JudgeReranker
from rankkit.runner import OnReply

DEFAULT_MODEL = "ms-marco-MiniLM-L-12-v2"


class PointwiseSpec(ModelSpec):
    """A cross-encoder: an ONNX folder, or the name of one in the catalogue."""

    paradigm: Literal["pointwise"] = "pointwise"
    model: str = DEFAULT_MODEL
    scores: Literal["logit", "probability"] = "logit"
    max_length: int | None = Field(default=None, ge=8)
    long_query: Literal["shorten", "error"] = "shorten"
    threads: int | None = Field(default=None, ge=1)

    def reranker(self, *, on_reply: OnReply | None = None) -> BaseReranker:
        # Here, not at the top: a spec can be checked without loading onnxruntime.
        from rankkit.backends.onnx import OnnxCrossEncoder
        from rankkit.pointwise.cross_encoder import CrossEncoderJudge
        from rankkit.pointwise.strategy import ScoreAll

        backend = OnnxCrossEncoder(
            store.locate(self.model),
            name=display_name(self.model),
            max_length=self.max_length,
            long_query=self.long_query,
            threads=self.threads,
        )
        judge = CrossEncoderJudge(backend, self.scores)
        return JudgeReranker(judge, ScoreAll(), self.budget, self.on_error, on_reply)
