"""The endpoint of a cascade's second stage dies in the middle of a run: every query still has its whole ranking."""

from __future__ import annotations

import json

import pytest

from rankkit.config import load
from rankkit.errors import EndpointError
from rankkit.evaluation.experiment import Experiment
from rankkit.usage import Budget
from tests.backends.loopback import Loopback, chat, error
from tests.tiny import tiny_cross_encoder

DOCUMENTS = ["bad", "good", "word", "best"]


@pytest.fixture
def data(tmp_path):
    """Six queries over the same four documents, of which ``best`` is judged relevant."""
    folder = tmp_path / "data"
    folder.mkdir()
    candidates = [{"docid": text, "text": text, "score": -place} for place, text in enumerate(DOCUMENTS)]
    names = [f"q{number}" for number in range(6)]
    (folder / "queries.tsv").write_text("".join(f"{name}\tword\n" for name in names))
    (folder / "qrels.txt").write_text("".join(f"{name} 0 best 1\n" for name in names))
    lines = [json.dumps({"qid": name, "query": "word", "candidates": candidates}) for name in names]
    (folder / "candidates.jsonl").write_text("\n".join(lines))
    return folder


def cascade(server: Loopback, tmp_path, on_failure: str):
    model = str(tiny_cross_encoder(tmp_path / "tiny"))
    first = {"paradigm": "pointwise", "model": model}
    second = {"paradigm": "listwise", "endpoint": server.url, "model": "little", "concurrency": 1, "retries": 0}
    return load({"stages": [first, {**second, "on_failure": on_failure}]})


def dying_after(server: Loopback, count: int) -> None:
    server.behaviour = lambda asked: (
        chat("[2] > [1] > [3] > [4]") if len(server.asked) <= count else error(503, "gone", {"retry-after-ms": "1"})
    )


def test_with_keep_the_others_have_the_first_stage_s_order_and_the_report_says_why(data, tmp_path):
    with Loopback() as server:
        dying_after(server, 2)
        report = Experiment.of(data, measures="RR@10").of_reranker(cascade(server, tmp_path, "keep"))
    assert report.queries == 6
    # Two queries had the second stage, which put `good` in front of `best`; the others have the cross-encoder's order.
    assert sorted(report.per_query["RR@10"].values()) == [0.5, 0.5, 1.0, 1.0, 1.0, 1.0]
    failed = [line for line in report.failures if "ServerFailed" in line or "CircuitOpen" in line]
    assert len({line.partition(",")[0] for line in failed}) == 4
    assert all("generate little" in line for line in failed)


def test_with_raise_the_run_stops_with_that_error(data, tmp_path):
    with Loopback() as server:
        dying_after(server, 2)
        with pytest.raises(EndpointError):
            Experiment.of(data, measures="RR@10").of_reranker(cascade(server, tmp_path, "raise"))


def test_a_deadline_over_a_stage_that_hangs_gives_the_order_before_it(tmp_path):
    import time

    from tests.backends.loopback import Hangs

    with Loopback() as server:
        server.behaviour = lambda asked: Hangs()
        reranker = cascade(server, tmp_path, "keep")
        started = time.monotonic()
        ranking = reranker.rerank("word", DOCUMENTS, budget=Budget(seconds=1))
        assert time.monotonic() - started < 1.5
    assert ranking.ids == ("3", "1", "2", "0") and "seconds" in ranking.steps[1].stopped
