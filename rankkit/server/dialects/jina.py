"""Jina: https://jina.ai/reranker. Told from the others by fields of its own only; without them it gets what all do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from rankkit.server.dialects.body import Body
from rankkit.server.dialects.documents import Documents
from rankkit.server.dialects.shared import reply
from rankkit.server.dialects.writing import dialect, shared_error


class JinaBody(Body):
    documents: Documents
    top_n: int | None = None
    return_documents: bool | None = None
    max_doc_length: int | None = None

    tokens_key = "max_doc_length"
    said: ClassVar[Mapping[str, str]] = {"return_embeddings": "return_embeddings: there are none here"}

    def returned(self) -> bool:
        return self.return_documents is not False


JINA = dialect("jina", JinaBody, reply, shared_error)
