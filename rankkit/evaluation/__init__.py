"""How good is a reranker, and what did it cost? Rank a data set, measure, compare with the first stage.

::

    measures    names of measures, and their values       report    the result as a value; table shows it
    data_check  what there is in a data set's folder, and what is wrong with it
    evaluate    a reranker or a run over a Dataset        experiment  all of it, as the command line does
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rankkit.core.lazy import lazily

if TYPE_CHECKING:
    from rankkit.evaluation.data_check import check_data as check_data
    from rankkit.evaluation.data_report import DataReport as DataReport
    from rankkit.evaluation.evaluate import evaluate_reranker as evaluate_reranker
    from rankkit.evaluation.evaluate import evaluate_run as evaluate_run
    from rankkit.evaluation.experiment import Experiment as Experiment
    from rankkit.evaluation.measures import Figures as Figures
    from rankkit.evaluation.measures import Measure as Measure
    from rankkit.evaluation.measures import parse_measures as parse_measures
    from rankkit.evaluation.report import EvaluationReport as EvaluationReport
    from rankkit.evaluation.report import Trouble as Trouble
    from rankkit.evaluation.table import report_table as report_table
else:
    __getattr__, __dir__, __all__ = lazily(
        __name__,
        {
            "DataReport": "rankkit.evaluation.data_report",
            "EvaluationReport": "rankkit.evaluation.report",
            "Experiment": "rankkit.evaluation.experiment",
            "Figures": "rankkit.evaluation.measures",
            "Measure": "rankkit.evaluation.measures",
            "Trouble": "rankkit.evaluation.report",
            "check_data": "rankkit.evaluation.data_check",
            "evaluate_reranker": "rankkit.evaluation.evaluate",
            "evaluate_run": "rankkit.evaluation.evaluate",
            "parse_measures": "rankkit.evaluation.measures",
            "report_table": "rankkit.evaluation.table",
        },
    )
