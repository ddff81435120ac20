"""In which order do these belong? Judges ask a language model about a window; strategies move the window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rankkit.core.lazy import lazily

if TYPE_CHECKING:
    from rankkit.listwise.constrained import ConstrainedJudge as ConstrainedJudge
    from rankkit.listwise.first_token import FirstTokenJudge as FirstTokenJudge
    from rankkit.listwise.generate import GenerateJudge as GenerateJudge
    from rankkit.listwise.setwise import SetwiseConstrainedJudge as SetwiseConstrainedJudge
    from rankkit.listwise.setwise import SetwiseJudge as SetwiseJudge
    from rankkit.listwise.setwise import SetwiseTextJudge as SetwiseTextJudge
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
            "ConstrainedJudge": "rankkit.listwise.constrained",
            "FirstTokenJudge": "rankkit.listwise.first_token",
            "GenerateJudge": "rankkit.listwise.generate",
            "SelfConsistency": "rankkit.listwise.strategies.self_consistency",
            "SetwiseBubble": "rankkit.listwise.strategies.setwise",
            "SetwiseConstrainedJudge": "rankkit.listwise.setwise",
            "SetwiseHeapsort": "rankkit.listwise.strategies.setwise",
            "SetwiseJudge": "rankkit.listwise.setwise",
            "SetwiseTextJudge": "rankkit.listwise.setwise",
            "Single": "rankkit.listwise.strategies.single",
            "Sliding": "rankkit.listwise.strategies.sliding",
            "TopDown": "rankkit.listwise.strategies.top_down",
            "TourRank": "rankkit.listwise.strategies.tour_rank",
        },
    )
