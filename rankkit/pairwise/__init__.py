"""Which of these two? Judges compare a pair; strategies sort by comparisons; aggregations turn wins into an order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rankkit.core.lazy import lazily

if TYPE_CHECKING:
    from rankkit.pairwise.aggregation.matrix import WinMatrix as WinMatrix
    from rankkit.pairwise.aggregation.methods import AGGREGATIONS as AGGREGATIONS
    from rankkit.pairwise.aggregation.methods import Aggregation as Aggregation
    from rankkit.pairwise.cross_encoder import DuoEncoderJudge as DuoEncoderJudge
    from rankkit.pairwise.difference import ScoreDifferenceJudge as ScoreDifferenceJudge
    from rankkit.pairwise.duot5 import DuoT5Judge as DuoT5Judge
    from rankkit.pairwise.prompted import PromptedJudge as PromptedJudge
    from rankkit.pairwise.strategies.active import Active as Active
    from rankkit.pairwise.strategies.allpairs import AllPairs as AllPairs
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
            "AGGREGATIONS": "rankkit.pairwise.aggregation.methods",
            "Active": "rankkit.pairwise.strategies.active",
            "Aggregation": "rankkit.pairwise.aggregation.methods",
            "AllPairs": "rankkit.pairwise.strategies.allpairs",
            "BubbleSort": "rankkit.pairwise.strategies.bubblesort",
            "ChoiceTournament": "rankkit.pairwise.strategies.kway",
            "DuoEncoderJudge": "rankkit.pairwise.cross_encoder",
            "DuoT5Judge": "rankkit.pairwise.duot5",
            "HeapSort": "rankkit.pairwise.strategies.heapsort",
            "Insertion": "rankkit.pairwise.strategies.insertion",
            "OrderTournament": "rankkit.pairwise.strategies.kway",
            "PromptedJudge": "rankkit.pairwise.prompted",
            "QuickSelect": "rankkit.pairwise.strategies.quickselect",
            "ScoreDifferenceJudge": "rankkit.pairwise.difference",
            "Swiss": "rankkit.pairwise.strategies.swiss",
            "Tournament": "rankkit.pairwise.strategies.tournament",
            "WinMatrix": "rankkit.pairwise.aggregation.matrix",
        },
    )
