from __future__ import annotations

import json
from pathlib import Path

import pytest

from rankkit.core.execution import Progress
from rankkit.core.ranking import Ranking, Request
from rankkit.errors import ConfigError, DataError
from rankkit.evaluation.experiment import Experiment
from rankkit.pipeline.judged import JudgeReranker
from rankkit.pointwise.strategy import ScoreAll
from rankkit.testing import oracle


@pytest.fixture
def folder(write, tmp_path: Path) -> Path:
    """Two queries whose documents carry their own relevance, which is what the oracle reads."""

    def row(qid: str, **relevance: float) -> str:
        documents = [{"docid": name, "text": name, "relevance": worth} for name, worth in relevance.items()]
        return json.dumps({"qid": qid, "query": f"query {qid}", "candidates": documents}) + "\n"

    write("candidates.jsonl", row("q1", a=0, b=1, c=2, d=3) + row("q2", x=0, y=1))
    write("qrels.txt", "q1 0 b 1\nq1 0 c 2\nq1 0 d 3\nq2 0 y 1\n")
    return tmp_path


def test_a_reranker_its_run_and_the_run_read_again(folder: Path):
    out = folder / "out.run"
    experiment = Experiment.of(folder, measures="nDCG@10,MRR@10", run_out=out)
    seen: list[Progress] = []
    report = experiment.of_reranker(JudgeReranker(oracle(), ScoreAll()), progress=seen.append)
    assert report.measures == {"nDCG@10": 1.0, "MRR@10": 1.0}
    assert report.first_stage["MRR@10"] == 1 / 2
    assert (report.queries, report.pairs, report.usage.calls) == (2, 6, 6)
    assert (seen[-1].done, seen[-1].total) == (2, 2)
    assert Experiment.of(folder, measures="nDCG@10,MRR@10").of_run(out).measures == report.measures


def test_depth_keeps_the_tail_in_the_run(folder: Path):
    out = folder / "out.run"
    experiment = Experiment.of(folder, limit=1, run_out=out)
    report = experiment.of_reranker(JudgeReranker(oracle(), ScoreAll()), depth=2)
    assert [row.split()[2] for row in out.read_text().splitlines()] == ["b", "a", "c", "d"]
    assert (report.queries, report.pairs) == (1, 2)


class Unmoved:
    """A reranker that repeats the order it is given."""

    def rank(self, request: Request) -> Ranking:
        return Ranking(request, tuple(range(len(request))))


def test_who_repeats_the_order_that_came_in_is_found_out_by_another_order(folder: Path):
    experiment = Experiment.of(folder, measures="nDCG@10", run_out=folder / "out.run")
    ranks = experiment.of_reranker(JudgeReranker(oracle(), ScoreAll()), reverse=True, shuffle=3)
    repeats = experiment.of_reranker(Unmoved(), reverse=True, shuffle=3)
    assert list(ranks.reordered) == ["reversed", "shuffled 3"]
    assert all(one.measures == ranks.measures for one in ranks.reordered.values())
    # The documents were stored worst first.
    assert repeats.measures["nDCG@10"] < repeats.reordered["reversed"].measures["nDCG@10"] == 1.0
    assert all(one.measures == one.first_stage for one in repeats.reordered.values())
    assert repeats.to_dict()["reordered"]["reversed"]["measures"] == {"nDCG@10": 1.0}
    # The run is that of the stored order, and a seed is a seed.
    assert [row.split()[2] for row in (folder / "out.run").read_text().splitlines()[:4]] == ["a", "b", "c", "d"]
    again = experiment.of_reranker(Unmoved(), shuffle=3).reordered["shuffled 3"]
    assert again.per_query == repeats.reordered["shuffled 3"].per_query


def test_only_the_candidates_that_are_reranked_change_places(folder: Path):
    report = Experiment.of(folder, measures="RR@10", limit=1).of_reranker(Unmoved(), depth=2, reverse=True)
    assert report.measures["RR@10"] == 1 / 2 and report.reordered["reversed"].measures["RR@10"] == 1.0


def test_whatever_can_be_refused_is_refused_before_anything_is_ranked(folder: Path):
    with pytest.raises(ConfigError, match="no measure 'accuracy'"):
        Experiment.of(folder, measures="accuracy")
    with pytest.raises(DataError, match="there is no folder"):
        Experiment.of(folder, run_out=folder / "missing" / "out.run")
    with pytest.raises(ConfigError, match="limit is 0"):
        Experiment.of(folder, limit=0)


def test_a_run_that_is_measured_is_not_written_again(folder: Path):
    experiment = Experiment.of(folder, run_out=folder / "out.run")
    with pytest.raises(ConfigError, match="nothing to write to"):
        experiment.of_run(folder / "in.run")
