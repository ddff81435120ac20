"""Rerank APIs: services and self-hosted servers that score the documents of a query, whichever dialect they speak."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rankkit.core.lazy import lazily

if TYPE_CHECKING:
    from rankkit.backends.rerank_api.client import RerankApi as RerankApi
    from rankkit.backends.rerank_api.dialects import DIALECTS as DIALECTS
    from rankkit.backends.rerank_api.dialects import Dialect as Dialect
else:
    __getattr__, __dir__, __all__ = lazily(
        __name__,
        {
            "DIALECTS": "rankkit.backends.rerank_api.dialects",
            "Dialect": "rankkit.backends.rerank_api.dialects",
            "RerankApi": "rankkit.backends.rerank_api.client",
        },
    )
