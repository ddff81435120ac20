"""vLLM's ``/rerank``: https://docs.vllm.ai/en/latest/models/pooling_models/scoring."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from rankkit.server.dialects.body import Body
from rankkit.server.dialects.documents import Documents
from rankkit.server.dialects.writing import dialect, meta_of, openai_error, results_of, text_of, tokens_of
from rankkit.server.exchange import Ranked, Result, ScoreForm


class VllmFields(Body):
    """What ``/rerank`` and ``/score`` have in common. ``use_activation`` false asks for the model's raw scores; the
    other two are its names in older versions.
    """

    use_activation: bool | None = None
    activation: bool | None = None
    softmax: bool | None = None
    max_tokens_per_doc: int | None = None

    asks_nothing: ClassVar[Mapping[str, tuple[Any, ...]]] = {
        "truncate_prompt_tokens": (-1, 0),
        "truncation_side": ("right",),
        "max_tokens_per_query": (0,),
        "priority": (0,),
        "encoding_format": ("float",),
    }

    def form(self) -> ScoreForm:
        return "raw" if False in (self.use_activation, self.activation, self.softmax) else super().form()


class VllmBody(VllmFields):
    documents: Documents
    top_n: int | None = None
    # Not a field of vLLM, whose replies always have documents; gateways send it.
    return_documents: bool | None = None

    zero = "all"
    negative = "all"

    def returned(self) -> bool:
        return True


def _document(ranked: Ranked, result: Result) -> dict[str, Any]:
    return {"text": text_of(ranked, result), "multi_modal": None}


def _reply(ranked: Ranked) -> Any:
    return {
        "id": ranked.request_id,
        "model": ranked.model,
        "usage": tokens_of(ranked),
        "results": results_of(ranked, _document),
        **meta_of(ranked),
    }


#: Its own name for what is wrong with a body.
VLLM_STATUSES = {"invalid_request": 400, "empty": 400}
VLLM = dialect("vllm", VllmBody, _reply, openai_error, VLLM_STATUSES)
