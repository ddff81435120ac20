"""The server of llama.cpp, as Jina would ask it: https://github.com/ggml-org/llama.cpp/tree/master/tools/server."""

from __future__ import annotations

from typing import Any

from rankkit.server.dialects.body import Body
from rankkit.server.dialects.documents import Texts
from rankkit.server.dialects.writing import dialect, meta_of, openai_error, results_of, tokens_of
from rankkit.server.exchange import Ranked


class LlamaCppBody(Body):
    documents: Texts
    top_n: int | None = None

    zero = "none"
    takes_objects = False
    takes_no_documents = False


def _reply(ranked: Ranked) -> Any:
    return {
        "model": ranked.model,
        "object": "list",
        "usage": tokens_of(ranked),
        "results": results_of(ranked),
        **meta_of(ranked),
    }


LLAMA_CPP = dialect("llama.cpp", LlamaCppBody, _reply, openai_error, {"invalid_request": 400, "empty": 400})
