"""rankkit: rerank search results with any model.

::

    import rankkit

    ranking = rankkit.rerank("how long do fleas live?", ["Dogs bark.", "Fleas live up to 100 days."])
    ranking.candidates[0].text

Names are resolved when they are first used: importing rankkit loads neither numpy nor a model runtime.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rankkit.config import clear_cache as clear_cache
    from rankkit.config import load as load
    from rankkit.config import rerank as rerank
    from rankkit.config import searcher as searcher
    from rankkit.core.plan import Plan as Plan
    from rankkit.core.ranking import Candidate as Candidate
    from rankkit.core.ranking import Query as Query
    from rankkit.core.ranking import Ranking as Ranking
    from rankkit.core.ranking import Request as Request
    from rankkit.core.ranking import ScoreKind as ScoreKind
    from rankkit.core.ranking import Step as Step
    from rankkit.core.reranker import Reranker as Reranker
    from rankkit.core.usage import Budget as Budget
    from rankkit.core.usage import Usage as Usage
    from rankkit.errors import RankkitError as RankkitError
    from rankkit.models.store import pull as pull
    from rankkit.pipeline.cascade import BaseReranker as BaseReranker
    from rankkit.pipeline.cascade import Cascade as Cascade
    from rankkit.pipeline.fusion import fuse as fuse

__version__ = "0.1.0"

_HOMES = {
    "BaseReranker": "pipeline.cascade",
    "Budget": "core.usage",
    "Candidate": "core.ranking",
    "Cascade": "pipeline.cascade",
    "Plan": "core.plan",
    "Query": "core.ranking",
    "Ranking": "core.ranking",
    "RankkitError": "errors",
    "Request": "core.ranking",
    "Reranker": "core.reranker",
    "ScoreKind": "core.ranking",
    "Step": "core.ranking",
    "Usage": "core.usage",
    "clear_cache": "config",
    "fuse": "pipeline.fusion",
    "load": "config",
    "pull": "models.store",
    "rerank": "config",
    "searcher": "config",
}

__all__ = [*_HOMES, "__version__"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'rankkit' has no attribute {name!r}")
    return getattr(importlib.import_module(f"rankkit.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
