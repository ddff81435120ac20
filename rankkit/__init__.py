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
    from rankkit.cascade import Cascade as Cascade
    from rankkit.config import load as load
    from rankkit.config import rerank as rerank
    from rankkit.config import searcher as searcher
    from rankkit.errors import RankkitError as RankkitError
    from rankkit.fusion import fuse as fuse
    from rankkit.models.store import pull as pull
    from rankkit.plan import Plan as Plan
    from rankkit.ranking import Candidate as Candidate
    from rankkit.ranking import Query as Query
    from rankkit.ranking import Ranking as Ranking
    from rankkit.ranking import Request as Request
    from rankkit.ranking import ScoreKind as ScoreKind
    from rankkit.ranking import Step as Step
    from rankkit.reranker import BaseReranker as BaseReranker
    from rankkit.reranker import Reranker as Reranker
    from rankkit.usage import Budget as Budget
    from rankkit.usage import Usage as Usage

__version__ = "0.1.0"

_HOMES = {
    "BaseReranker": "reranker",
    "Budget": "usage",
    "Candidate": "ranking",
    "Cascade": "cascade",
    "Plan": "plan",
    "Query": "ranking",
    "Ranking": "ranking",
    "RankkitError": "errors",
    "Request": "ranking",
    "Reranker": "reranker",
    "ScoreKind": "ranking",
    "Step": "ranking",
    "Usage": "usage",
    "fuse": "fusion",
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
