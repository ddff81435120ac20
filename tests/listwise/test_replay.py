"""Published window logs give the published figure, and sloppy or empty answers never do harm."""

from __future__ import annotations

import gzip
import json

import pytest

from rankkit.errors import DataError, InvalidReply
from rankkit.evaluation.experiment import Experiment
from rankkit.listwise.replay import is_window_log, read_window_log
from rankkit.listwise.strategies.sliding import Sliding
from rankkit.ranking import Query, Request
from rankkit.reranker import JudgeReranker
from rankkit.testing import request_of


@pytest.mark.data
@pytest.mark.parametrize(
    ("log", "at_least", "at_most"),
    [("rankvicuna", 0.6682, 0.6682), ("vicuna13b", 0.5058, 1.0), ("vicuna7b", 0.5058, 1.0)],
)
def test_recorded_answers_of_real_models_over_trec_dl19(data_dir, log, at_least, at_most):
    judge = read_window_log(data_dir / "recorded-listwise" / f"{log}-dl19.responses.jsonl.gz")
    report = Experiment.of(data_dir / "trec-dl19", measures="nDCG@10").of_reranker(
        JudgeReranker(judge, Sliding(20, 10))
    )
    assert at_least <= round(report.measures["nDCG@10"], 4) <= at_most
    assert sum(report.outcomes.values()) == 43 * 9  # every answer has its outcome


def log_of(tmp_path, *turns: tuple[int, int, str]):
    path = tmp_path / "log.jsonl.gz"
    lines = [json.dumps({"qid": "q", "start": start, "end": end, "response": said}) for start, end, said in turns]
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    return path


def asked(count: int) -> Request:
    return Request(Query("words", id="q"), request_of([0] * count).candidates)


def test_answers_are_applied_to_the_slice_of_the_current_order(tmp_path):
    path = log_of(tmp_path, (2, 6, "[4] > [3] > [2] > [1]"), (0, 4, "[3] > [4] > [1] > [2]"))
    assert is_window_log(path)
    ranking = JudgeReranker(read_window_log(path), Sliding(4, 2)).rank(asked(6))
    assert ranking.order == (5, 4, 0, 1, 3, 2)


def test_the_first_difference_is_told(tmp_path):
    path = log_of(tmp_path, (2, 6, "[1]"))
    with pytest.raises(InvalidReply, match="query q, call 1 asks about 5 passages, but the log shows places 2 to 6"):
        JudgeReranker(read_window_log(path), Sliding(5, 2)).rank(asked(6))
    with pytest.raises(InvalidReply, match=r"call 2 .* the log has 1 calls"):
        JudgeReranker(read_window_log(path), Sliding(4, 2)).rank(asked(6))


def test_a_broken_log_is_refused_by_line(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text('{"qid": "q", "start": 0, "end": 2, "response": "x"}\n{"qid": "q"}\n')
    with pytest.raises(DataError, match=r"log\.jsonl, line 2"):
        read_window_log(path)
