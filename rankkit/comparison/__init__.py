"""Which reranker is better, by how much, at what cost, how surely?

::

    experiment  the experiment file          statistics  how sure a figure is
    running     systems over data sets       result      what was found, as a value; outputs/ makes reports of it
    identity    what a system is             store       what was computed, so that it is computed once
    run_diff    what is other in another run       tuning      which values of a config's keys are best
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rankkit.core.lazy import lazily

if TYPE_CHECKING:
    from rankkit.comparison.comparison import Comparison as Comparison
    from rankkit.comparison.database import default_store_path as default_store_path
    from rankkit.comparison.experiment import Experiment as Experiment
    from rankkit.comparison.identity import SystemIdentity as SystemIdentity
    from rankkit.comparison.identity import identity_of as identity_of
    from rankkit.comparison.identity import missing_identity as missing_identity
    from rankkit.comparison.run_diff import RunDiff as RunDiff
    from rankkit.comparison.run_diff import diff as diff
    from rankkit.comparison.running import ComparisonProgress as ComparisonProgress
    from rankkit.comparison.running import compare as compare
    from rankkit.comparison.runs import Run as Run
    from rankkit.comparison.runs import RunRow as RunRow
    from rankkit.comparison.store import RunStore as RunStore
    from rankkit.comparison.tuned import Tuning as Tuning
    from rankkit.comparison.tuning import tune as tune
else:
    __getattr__, __dir__, __all__ = lazily(
        __name__,
        {
            "Comparison": "rankkit.comparison.comparison",
            "ComparisonProgress": "rankkit.comparison.running",
            "Experiment": "rankkit.comparison.experiment",
            "Run": "rankkit.comparison.runs",
            "RunDiff": "rankkit.comparison.run_diff",
            "RunRow": "rankkit.comparison.runs",
            "RunStore": "rankkit.comparison.store",
            "SystemIdentity": "rankkit.comparison.identity",
            "Tuning": "rankkit.comparison.tuned",
            "compare": "rankkit.comparison.running",
            "default_store_path": "rankkit.comparison.database",
            "diff": "rankkit.comparison.run_diff",
            "identity_of": "rankkit.comparison.identity",
            "missing_identity": "rankkit.comparison.identity",
            "tune": "rankkit.comparison.tuning",
        },
    )
