from __future__ import annotations

import json

import pytest
from rich.console import Console

from rankkit.core.usage import Usage
from rankkit.evaluation.report import EvaluationReport, Trouble
from rankkit.evaluation.table import report_table

REPORT = EvaluationReport(
    data="trec-dl19",
    ranked_by="pointwise([bold]tiny)",
    measures={"nDCG@10": 2 / 3, "RR@10": 0.5},
    first_stage={"nDCG@10": 0.5, "RR@10": 0.75},
    queries=2,
    per_query={"nDCG@10": {"q1": 1 / 3, "q2": 1.0}, "RR@10": {"q1": 0.5, "q2": 0.5}},
    first_stage_per_query={"nDCG@10": {"q1": 0.5, "q2": 0.5}, "RR@10": {"q1": 0.5, "q2": 1.0}},
    pairs=40,
    seconds=2.5,
    usage=Usage(calls=40, input_tokens=4000, seconds=2.4),
    outcomes={"ok": 39, "failed": 1},
    failures=(
        Trouble("q0", "tiny", "it failed"),
        *(Trouble(f"q{number}", "large", "it was [bold]down") for number in range(5)),
        *(Trouble("q1", "tiny", f"odd reason {number}") for number in range(3)),
    ),
    stops=(
        Trouble("q1", "tiny", "budget of 0.4 seconds"),
        Trouble("q2", "tiny", "budget of 0.387 seconds"),
        Trouble("q2", "large", "budget of 5 calls"),
    ),
    late=2,
    data_notes={"queries without judgements, left out": 3},
)


def shown(report: EvaluationReport) -> str:
    console = Console(width=100, no_color=True)
    with console.capture() as capture:
        console.print(report_table(report))
    return capture.get()


def test_the_dict_has_the_promised_keys_and_is_json():
    found = json.loads(json.dumps(REPORT.to_dict(), allow_nan=False))
    assert found["measures"] == {"nDCG@10": 2 / 3, "RR@10": 0.5}
    assert found["first_stage"] == {"nDCG@10": 0.5, "RR@10": 0.75}
    assert (found["queries"], found["seconds"], found["pairs"], found["pairs_per_second"]) == (2, 2.5, 40, 16.0)
    assert found["usage"]["calls"] == 40
    assert found["per_query"]["nDCG@10"] == {"q1": 1 / 3, "q2": 1.0}
    assert len(found["failures"]) == 9 and found["failures"][0] == "query q0, tiny: it failed"
    assert found["stops"][0] == "query q1, tiny: budget of 0.4 seconds" and found["late"] == 2


@pytest.mark.parametrize(
    "words",
    [
        "pointwise([bold]tiny) on trec-dl19",  # a name is not markup
        "nDCG@10 │      0.5000 │   0.6667 │ +0.1667",
        "RR@10   │      0.7500 │   0.5000 │ -0.2500",
        "2 queries, 40 pairs in 2.5 s (16.0 pairs/s)",
        "40 calls, 4000 input tokens (0 cached), 0 output tokens",
        "outcomes: 39 ok, 1 failed",
        "data: 3 queries without judgements, left out",
        "9 failures:\n  large: it was [bold]down (5 queries: q0, q1, q2 and 2 more)\n  tiny: it failed (query q0)\n",
        "tiny: odd reason 0 (query q1)\n  ... and 2 more, for other reasons",
        "3 stopped early by a limit:\n  tiny: budget of … seconds (2 queries: q1, q2)\n"  # shares of one deadline
        "  large: budget of 5 calls (query q2)",
    ],
)
def test_the_table_shows(words: str):
    assert words in shown(REPORT)


def test_a_run_without_a_first_stage_has_neither_change_nor_bill():
    report = EvaluationReport("scifact", "bm25", {"AP": 0.25}, {}, 3, {"AP": {}}, {})
    assert report.pairs_per_second is None
    assert report.to_dict()["pairs_per_second"] is None
    text = shown(report)
    assert "0.2500" in text
    assert "3 queries" in text
    assert not any(word in text for word in ("reranked", "pairs", "calls", "failures", "+", "outcomes"))
