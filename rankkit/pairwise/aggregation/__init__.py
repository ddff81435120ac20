"""From a matrix of wins to scores and an order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rankkit.core.lazy import lazily

if TYPE_CHECKING:
    from rankkit.pairwise.aggregation.matrix import WinMatrix as WinMatrix
    from rankkit.pairwise.aggregation.methods import AGGREGATIONS as AGGREGATIONS
    from rankkit.pairwise.aggregation.methods import Aggregation as Aggregation
else:
    __getattr__, __dir__, __all__ = lazily(
        __name__,
        {
            "AGGREGATIONS": "rankkit.pairwise.aggregation.methods",
            "Aggregation": "rankkit.pairwise.aggregation.methods",
            "WinMatrix": "rankkit.pairwise.aggregation.matrix",
        },
    )
