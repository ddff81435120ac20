"""The endpoint of a cascade's second stage dies in the middle of a run: every query still has its whole ranking."""

from __future__ import annotations

import json

import pytest

from rankkit.config import load
from rankkit.core.usage import Budget
from rankkit.errors import ServerFailed
from rankkit.evaluation.experiment import Experiment
from tests.backends.loopback import Hangs, Loopback, chat, error
from tests.cli.command import rankkit
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


def specs(server: Loopback, tmp_path, on_failure: str):
    model = str(tiny_cross_encoder(tmp_path / "tiny"))
    first = {"paradigm": "pointwise", "model": model}
    second = {"paradigm": "listwise", "endpoint": server.url, "model": "little", "concurrency": 1, "retries": 0}
    return [first, {**second, "on_failure": on_failure}]


def cascade(server: Loopback, tmp_path, on_failure: str):
    return load({"stages": specs(server, tmp_path, on_failure)})


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
    failed = [trouble for trouble in report.failures if trouble.why.startswith(("ServerFailed", "CircuitOpen"))]
    assert len({trouble.query for trouble in failed}) == 4
    assert all("generate little" in trouble.stage for trouble in failed)


def test_with_raise_the_run_stops_with_that_error(data, tmp_path):
    with Loopback() as server:
        dying_after(server, 2)
        with pytest.raises(ServerFailed, match=r"503.*gone") as stopped:
            Experiment.of(data, measures="RR@10").of_reranker(cascade(server, tmp_path, "raise"))
    assert type(stopped.value) is ServerFailed and server.url in str(stopped.value)
    assert len(server.asked) == 3  # two answers and that error; nobody was asked after it


@pytest.mark.slow
def test_the_command_says_which_stage_ran_out_of_time_and_ends_with_7(data, tmp_path):
    config = tmp_path / "cascade.json"
    with Loopback() as server:
        server.behaviour = lambda asked: Hangs()
        spec = {"stages": specs(server, tmp_path, "keep"), "budget": {"seconds": 0.4}}
        config.write_text(json.dumps(spec))
        documents = tmp_path / "documents.txt"
        documents.write_text("\n".join(DOCUMENTS))
        measured = rankkit("eval", "--data", str(data), "--config", str(config))
        counted = rankkit("eval", "--data", str(data), "--config", str(config), "--json")
        reranked = rankkit("rerank", "word", str(documents), "--config", str(config))
    assert [measured.returncode, counted.returncode, reranked.returncode] == [7, 7, 7]
    assert "6 stopped early by a limit:" in measured.stdout and "6 queries: q0, q1, q2 and 3 more" in measured.stdout
    assert all("(generate little): budget of 0." in line for line in json.loads(counted.stdout)["stops"])
    assert reranked.stdout.split()[-1] == "bad"
    assert "stopped sliding(20, 10)(generate little): budget of 0." in " ".join(reranked.stderr.split())


def test_a_number_of_calls_that_is_reached_is_no_trouble(data, tmp_path):
    with Loopback() as server:
        server.behaviour = lambda asked: chat("[2] > [1] > [3] > [4]")
        config = tmp_path / "cascade.json"
        config.write_text(json.dumps({"stages": specs(server, tmp_path, "keep"), "budget": {"calls": 1}}))
        measured = rankkit("eval", "--data", str(data), "--config", str(config))
    assert measured.returncode == 0 and "budget of 1 calls (6 queries: " in measured.stdout


def test_a_deadline_over_a_stage_that_hangs_gives_the_order_before_it(tmp_path):
    with Loopback() as server:
        server.behaviour = lambda asked: Hangs()
        reranker = cascade(server, tmp_path, "keep")
        ranking = reranker.rerank("word", DOCUMENTS, budget=Budget(seconds=1))
    assert ranking.ids == ("3", "1", "2", "0") and "seconds" in ranking.steps[1].stopped
