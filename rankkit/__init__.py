"""rankkit: rerank search results with any model.

::

    import rankkit

    ranking = rankkit.rerank("how long do fleas live?", ["Dogs bark.", "Fleas live up to 100 days."])
    ranking.candidates[0].text

Names are resolved when they are first used: importing rankkit loads neither numpy nor a model runtime.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rankkit.core.lazy import lazily

__version__ = "0.1.0"

if TYPE_CHECKING:
    from rankkit.calibration.calibrating import calibrate as calibrate
    from rankkit.comparison.running import compare as compare
    from rankkit.comparison.tuning import tune as tune
    from rankkit.config.filtering import filter as filter
    from rankkit.config.loading import clear_cache as clear_cache
    from rankkit.config.loading import load as load
    from rankkit.config.loading import rerank as rerank
    from rankkit.config.loading import searcher as searcher
    from rankkit.core.events import listening as listening
    from rankkit.core.plan import Plan as Plan
    from rankkit.core.ranking import Candidate as Candidate
    from rankkit.core.ranking import Query as Query
    from rankkit.core.ranking import Ranking as Ranking
    from rankkit.core.ranking import Request as Request
    from rankkit.core.ranking import ScoreKind as ScoreKind
    from rankkit.core.reranker import Reranker as Reranker
    from rankkit.core.step import Step as Step
    from rankkit.core.usage import Budget as Budget
    from rankkit.core.usage import Usage as Usage
    from rankkit.errors import RankkitError as RankkitError
    from rankkit.integrations.functions import from_function as from_function
    from rankkit.models.store import pull as pull
    from rankkit.pipeline.cascade import BaseReranker as BaseReranker
    from rankkit.pipeline.cascade import Cascade as Cascade
    from rankkit.pipeline.fusion import fuse as fuse
else:
    __getattr__, __dir__, __all__ = lazily(
        __name__,
        {
            "BaseReranker": "rankkit.pipeline.cascade",
            "Budget": "rankkit.core.usage",
            "Candidate": "rankkit.core.ranking",
            "Cascade": "rankkit.pipeline.cascade",
            "Plan": "rankkit.core.plan",
            "Query": "rankkit.core.ranking",
            "Ranking": "rankkit.core.ranking",
            "RankkitError": "rankkit.errors",
            "Request": "rankkit.core.ranking",
            "Reranker": "rankkit.core.reranker",
            "ScoreKind": "rankkit.core.ranking",
            "Step": "rankkit.core.step",
            "Usage": "rankkit.core.usage",
            "calibrate": "rankkit.calibration.calibrating",
            "clear_cache": "rankkit.config.loading",
            "compare": "rankkit.comparison.running",
            "filter": "rankkit.config.filtering",
            "from_function": "rankkit.integrations.functions",
            "fuse": "rankkit.pipeline.fusion",
            "listening": "rankkit.core.events",
            "load": "rankkit.config.loading",
            "pull": "rankkit.models.store",
            "rerank": "rankkit.config.loading",
            "searcher": "rankkit.config.loading",
            "tune": "rankkit.comparison.tuning",
        },
        also=("__version__",),
    )
