"""A spec (a name, a file, a mapping) becomes a ``Reranker``. The rows of methods, strategies and kinds of models are in
``built_in.py``, those of paradigms in ``kinds.py``, with the spec of each beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rankkit.core.lazy import lazily

if TYPE_CHECKING:
    from rankkit.config.cascade import CascadeSpec as CascadeSpec
    from rankkit.config.first_stage import FirstStageSpec as FirstStageSpec
    from rankkit.config.fusion import FusionSpec as FusionSpec
    from rankkit.config.kinds import DEFAULT_MODELS as DEFAULT_MODELS
    from rankkit.config.kinds import Paradigm as Paradigm
    from rankkit.config.kinds import Spec as Spec
    from rankkit.config.kinds import parse as parse
    from rankkit.config.listwise import ListwiseSpec as ListwiseSpec
    from rankkit.config.loading import clear_cache as clear_cache
    from rankkit.config.loading import load as load
    from rankkit.config.loading import rerank as rerank
    from rankkit.config.loading import searcher as searcher
    from rankkit.config.loading import to_toml as to_toml
    from rankkit.config.pairwise import PairwiseSpec as PairwiseSpec
    from rankkit.config.pointwise import PointwiseSpec as PointwiseSpec
    from rankkit.config.schema import json_schema as json_schema
else:
    __getattr__, __dir__, __all__ = lazily(
        __name__,
        {
            "CascadeSpec": "rankkit.config.cascade",
            "DEFAULT_MODELS": "rankkit.config.kinds",
            "FirstStageSpec": "rankkit.config.first_stage",
            "FusionSpec": "rankkit.config.fusion",
            "ListwiseSpec": "rankkit.config.listwise",
            "PairwiseSpec": "rankkit.config.pairwise",
            "Paradigm": "rankkit.config.kinds",
            "PointwiseSpec": "rankkit.config.pointwise",
            "Spec": "rankkit.config.kinds",
            "clear_cache": "rankkit.config.loading",
            "json_schema": "rankkit.config.schema",
            "load": "rankkit.config.loading",
            "parse": "rankkit.config.kinds",
            "rerank": "rankkit.config.loading",
            "searcher": "rankkit.config.loading",
            "to_toml": "rankkit.config.loading",
        },
    )
