"""Which windows to ask about, and what follows from their orders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rankkit.core.lazy import lazily

if TYPE_CHECKING:
    from rankkit.listwise.strategies.self_consistency import SelfConsistency as SelfConsistency
    from rankkit.listwise.strategies.setwise import SetwiseBubble as SetwiseBubble
    from rankkit.listwise.strategies.setwise import SetwiseHeapsort as SetwiseHeapsort
    from rankkit.listwise.strategies.single import Single as Single
    from rankkit.listwise.strategies.sliding import Sliding as Sliding
    from rankkit.listwise.strategies.top_down import TopDown as TopDown
    from rankkit.listwise.strategies.tour_rank import TourRank as TourRank
else:
    __getattr__, __dir__, __all__ = lazily(
        __name__,
        {
            "SelfConsistency": "rankkit.listwise.strategies.self_consistency",
            "SetwiseBubble": "rankkit.listwise.strategies.setwise",
            "SetwiseHeapsort": "rankkit.listwise.strategies.setwise",
            "Single": "rankkit.listwise.strategies.single",
            "Sliding": "rankkit.listwise.strategies.sliding",
            "TopDown": "rankkit.listwise.strategies.top_down",
            "TourRank": "rankkit.listwise.strategies.tour_rank",
        },
    )
