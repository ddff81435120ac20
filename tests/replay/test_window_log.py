"""Published window logs give the published figure, and sloppy or empty answers never do harm."""

from __future__ import annotations

import gzip
import json

import pytest

from rankkit.core.judge import BoundQuestion
from rankkit.core.questions import Order
from rankkit.core.ranking import Query, Request
from rankkit.errors import DataError, InvalidReply
from rankkit.evaluation.experiment import Experiment
from rankkit.listwise.strategies.sliding import Sliding
from rankkit.pipeline.judged import JudgeReranker
from rankkit.replay.window_log import is_window_log, read_window_log
from rankkit.testing import request_of


@pytest.mark.data
@pytest.mark.parametrize(
    ("options", "difference"),
    [
        ({"step": 16}, r"call 2 asks about places 64 to 84 of 100, but the log shows places 70 to 90"),
        ({"depth": 40}, r"call 1 asks about places 20 to 40 of 100, but the log shows places 80 to 100"),
        ({"passes": 2}, r"call 10 .* the log has 9 calls for this query"),
    ],
)
def test_another_run_than_the_recorded_one_is_not_accepted(data_dir, options, difference):
    judge = read_window_log(data_dir / "recorded-listwise" / "rankvicuna-dl19.responses.jsonl.gz")
    experiment = Experiment.of(data_dir / "trec-dl19", measures="nDCG@10", limit=1)
    with pytest.raises(InvalidReply, match=difference):
        experiment.of_reranker(JudgeReranker(judge, Sliding(**{"window": 20, "step": 10, **options})))


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
    with pytest.raises(
        InvalidReply, match="query q, call 1 asks about places 1 to 6 of 6, but the log shows places 2 to 6"
    ):
        JudgeReranker(read_window_log(path), Sliding(5, 2)).rank(asked(6))
    with pytest.raises(InvalidReply, match=r"call 2 .* the log has 1 calls"):
        JudgeReranker(read_window_log(path), Sliding(4, 2)).rank(asked(6))


def test_a_question_about_anything_but_a_slice_is_a_difference(tmp_path):
    judge = read_window_log(log_of(tmp_path, (0, 3, "[1]")))
    [call] = judge.prepare([BoundQuestion(asked(6), Order((0, 2, 4)))])
    with pytest.raises(InvalidReply, match="call 1 asks about 3 passages that are not in a row"):
        call.run()


def test_recorded_answers_that_the_run_did_not_come_to_are_told(tmp_path):
    judge = read_window_log(log_of(tmp_path, (2, 6, "[2] > [1]"), (0, 4, "[1]"), (2, 6, "[1]")))
    JudgeReranker(judge, Sliding(4, 2)).rank(asked(6))
    with pytest.raises(InvalidReply, match="query 'q' has 3 recorded answers, and this run asked for 2 of them"):
        judge.left_over()


def test_queries_that_the_run_has_not_are_counted(tmp_path):
    judge = read_window_log(log_of(tmp_path, (0, 2, "[2] > [1]")))
    assert judge.left_over() == 1
    JudgeReranker(judge, Sliding(4, 2)).rank(asked(2))
    assert judge.left_over() == 0


def test_a_broken_log_is_refused_by_line(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text('{"qid": "q", "start": 0, "end": 2, "response": "x"}\n{"qid": "q"}\n')
    with pytest.raises(DataError, match=r"log\.jsonl:2: not a line of a window log"):
        read_window_log(path)
