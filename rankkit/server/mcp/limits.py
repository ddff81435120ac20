"""How much a tool takes and gives: what it answers goes into the context of a language model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields

from rankkit.errors import ConfigError, InputError


@dataclass(frozen=True, slots=True)
class McpLimits:
    """``documents`` and ``bytes`` (of all documents together, as JSON) of a call, ``query_bytes`` of its query;
    ``results`` of an answer, ``characters`` of each text in it.

    Raises:
        ConfigError: one is less than 1.
    """

    documents: int = 1000
    bytes: int = 2 * 1024 * 1024
    query_bytes: int = 16 * 1024
    results: int = 100
    characters: int = 500

    def __post_init__(self) -> None:
        for field in fields(self):
            if getattr(self, field.name) < 1:
                raise ConfigError(f"{field.name} is {getattr(self, field.name)}", hint="Limits are 1 or more.")

    def check_query(self, query: str) -> None:
        """Raises:
        InputError: the query is too long.
        """
        if (size := len(query.encode("utf-8", "replace"))) > self.query_bytes:
            raise InputError(f"the query has {size} bytes", hint=f"At most {self.query_bytes} are taken.")

    def check_documents(self, documents: Sequence[object]) -> None:
        """Raises:
        InputError: there are too many documents, or they are too large.
        """
        if len(documents) > self.documents:
            raise InputError(
                f"{len(documents)} documents were given", hint=f"At most {self.documents} are taken in a call."
            )
        size = 0
        for document in documents:
            size += len(json.dumps(document, ensure_ascii=False, default=str).encode("utf-8", "replace"))
        if size > self.bytes:
            raise InputError(
                f"the documents have {size} bytes",
                hint=f"At most {self.bytes} are taken in a call: give fewer, or passages of them.",
            )
