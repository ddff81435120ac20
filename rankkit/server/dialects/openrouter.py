"""OpenRouter: https://openrouter.ai/docs/api-reference. Every result holds its document."""

from __future__ import annotations

from typing import Any

from rankkit.server.dialects.body import Body
from rankkit.server.dialects.documents import Documents
from rankkit.server.dialects.writing import dialect, document_of, meta_of, openai_error, results_of
from rankkit.server.exchange import Ranked


class OpenRouterBody(Body):
    documents: Documents
    top_n: int | None = None

    def returned(self) -> bool:
        return True


def _reply(ranked: Ranked) -> Any:
    return {
        "id": ranked.request_id,
        "model": ranked.model,
        "provider": "rankkit",
        "results": results_of(ranked, document_of),
        "usage": {} if ranked.input_tokens is None else {"total_tokens": ranked.input_tokens},
        **meta_of(ranked),
    }


OPENROUTER = dialect("openrouter", OpenRouterBody, _reply, openai_error)
