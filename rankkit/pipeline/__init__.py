"""Rerankers put together: cascades of stages with gates and cuts, fusion.

::

    from rankkit.pipeline import MarginAbove

    cascade = first.skip_if(MarginAbove(3.0)) >> second
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rankkit.core.lazy import lazily

if TYPE_CHECKING:
    from rankkit.core.gates import Cut as Cut
    from rankkit.core.gates import DropAfter as DropAfter
    from rankkit.core.gates import DropAtGap as DropAtGap
    from rankkit.core.gates import DropBelow as DropBelow
    from rankkit.core.gates import EntropyBelow as EntropyBelow
    from rankkit.core.gates import FewerThan as FewerThan
    from rankkit.core.gates import Gate as Gate
    from rankkit.core.gates import MarginAbove as MarginAbove
    from rankkit.core.gates import Situation as Situation
    from rankkit.core.gates import TimeBelow as TimeBelow
    from rankkit.core.gates import TopScoreAbove as TopScoreAbove
    from rankkit.pipeline.cascade import BaseReranker as BaseReranker
    from rankkit.pipeline.cascade import Cascade as Cascade
    from rankkit.pipeline.fusion import Fusion as Fusion
    from rankkit.pipeline.fusion import fuse as fuse
    from rankkit.pipeline.judged import JudgeReranker as JudgeReranker
    from rankkit.pipeline.stage import OnFailure as OnFailure
    from rankkit.pipeline.stage import Stage as Stage
else:
    __getattr__, __dir__, __all__ = lazily(
        __name__,
        {
            "BaseReranker": "rankkit.pipeline.cascade",
            "Cascade": "rankkit.pipeline.cascade",
            "Cut": "rankkit.core.gates",
            "DropAfter": "rankkit.core.gates",
            "DropAtGap": "rankkit.core.gates",
            "DropBelow": "rankkit.core.gates",
            "EntropyBelow": "rankkit.core.gates",
            "FewerThan": "rankkit.core.gates",
            "Fusion": "rankkit.pipeline.fusion",
            "Gate": "rankkit.core.gates",
            "JudgeReranker": "rankkit.pipeline.judged",
            "MarginAbove": "rankkit.core.gates",
            "OnFailure": "rankkit.pipeline.stage",
            "Situation": "rankkit.core.gates",
            "Stage": "rankkit.pipeline.stage",
            "TimeBelow": "rankkit.core.gates",
            "TopScoreAbove": "rankkit.core.gates",
            "fuse": "rankkit.pipeline.fusion",
        },
    )
