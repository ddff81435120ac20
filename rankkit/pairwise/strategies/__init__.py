"""Which pairs to compare, and what follows from the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rankkit.core.lazy import lazily

if TYPE_CHECKING:
    from rankkit.pairwise.strategies.active import Active as Active
    from rankkit.pairwise.strategies.allpairs import AllPairs as AllPairs
    from rankkit.pairwise.strategies.base import PairStrategy as PairStrategy
    from rankkit.pairwise.strategies.bubblesort import BubbleSort as BubbleSort
    from rankkit.pairwise.strategies.heapsort import HeapSort as HeapSort
    from rankkit.pairwise.strategies.insertion import Insertion as Insertion
    from rankkit.pairwise.strategies.kway import ChoiceTournament as ChoiceTournament
    from rankkit.pairwise.strategies.kway import OrderTournament as OrderTournament
    from rankkit.pairwise.strategies.quickselect import QuickSelect as QuickSelect
    from rankkit.pairwise.strategies.swiss import Swiss as Swiss
    from rankkit.pairwise.strategies.tournament import Tournament as Tournament
else:
    __getattr__, __dir__, __all__ = lazily(
        __name__,
        {
            "Active": "rankkit.pairwise.strategies.active",
            "AllPairs": "rankkit.pairwise.strategies.allpairs",
            "BubbleSort": "rankkit.pairwise.strategies.bubblesort",
            "ChoiceTournament": "rankkit.pairwise.strategies.kway",
            "HeapSort": "rankkit.pairwise.strategies.heapsort",
            "Insertion": "rankkit.pairwise.strategies.insertion",
            "OrderTournament": "rankkit.pairwise.strategies.kway",
            "PairStrategy": "rankkit.pairwise.strategies.base",
            "QuickSelect": "rankkit.pairwise.strategies.quickselect",
            "Swiss": "rankkit.pairwise.strategies.swiss",
            "Tournament": "rankkit.pairwise.strategies.tournament",
        },
    )
