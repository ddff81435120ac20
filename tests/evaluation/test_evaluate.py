from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import log2
from pathlib import Path

import pytest

from rankkit.core.ranking import Ranking, Request, ScoreKind, Step
from rankkit.core.usage import Usage
from rankkit.data.datasets import load_dataset
from rankkit.data.runs import Run, read_run, write_run
from rankkit.errors import ConfigError, ContractViolation, DataError, EndpointTimeout
from rankkit.evaluation.evaluate import evaluate_reranker, evaluate_run
from rankkit.evaluation.measures import parse_measures
from rankkit.evaluation.report import Trouble

NDCG = parse_measures("nDCG@10")


@dataclass(frozen=True)
class ByGrade:
    """Sorts by the judgements themselves and bills a call and a token for each candidate."""

    qrels: Mapping[str, Mapping[str, int]]

    def rank(self, request: Request) -> Ranking:
        grades = [self.qrels[request.query.id].get(item.id, 0) for item in request.candidates]
        order = sorted(range(len(request)), key=lambda index: -grades[index])
        usage = Usage(calls=len(request), input_tokens=len(request))
        step = Step("oracle", usage=usage, outcomes={"ok": len(request)}, notes={"shortened": 1})
        scores = tuple(float(grades[index]) for index in order)
        return Ranking(request, tuple(order), scores, ScoreKind.RELEVANCE, usage, (step,))


def test_the_oracle_is_perfect_on_what_the_first_stage_found(fleas: Path):
    dataset = load_dataset(fleas)
    rankings: list[Ranking] = []
    report = evaluate_reranker(ByGrade(dataset.qrels), dataset, measures=NDCG, on_ranking=rankings.append)
    # q4 is judged, but has no candidates: it counts as 0, before and after.
    before = (2 / log2(3) + 1 / log2(4)) / (2 / log2(2) + 1 / log2(3))
    assert report.per_query == {"nDCG@10": {"q1": 1.0, "q2": 1.0, "q4": 0.0}}
    assert report.measures == pytest.approx({"nDCG@10": 2 / 3})
    assert report.first_stage_per_query["nDCG@10"] == pytest.approx({"q1": before, "q2": 1 / log2(3), "q4": 0.0})
    assert report.first_stage == pytest.approx({"nDCG@10": (before + 1 / log2(3)) / 3})
    assert [ranking.ids for ranking in rankings] == [("b", "c", "a", "d"), ("x", "w")]


def test_the_bill_is_added_up(fleas: Path):
    dataset = load_dataset(fleas)
    report = evaluate_reranker(ByGrade(dataset.qrels), dataset, measures=NDCG)
    assert (report.queries, report.pairs) == (3, 6)
    assert report.usage == Usage(calls=6, input_tokens=6)
    assert (report.outcomes, report.notes) == ({"ok": 6}, {"shortened": 2})
    assert report.seconds > 0
    assert report.pairs_per_second == pytest.approx(6 / report.seconds)
    assert report.data_notes == dataset.notes
    assert report.ranked_by.startswith("ByGrade(")


def test_the_head_is_reranked_and_the_tail_kept_behind_it(fleas: Path):
    dataset = load_dataset(fleas)
    rankings: list[Ranking] = []
    report = evaluate_reranker(ByGrade(dataset.qrels), dataset, measures=NDCG, head=2, on_ranking=rankings.append)
    assert [ranking.ids for ranking in rankings] == [("b", "a", "c", "d"), ("x", "w")]
    assert rankings[0].scores == (2.0, 0.0, None, None)
    assert rankings[0].request == dataset.requests[0]
    assert (report.pairs, report.usage.calls) == (4, 4)
    assert report.per_query["nDCG@10"]["q1"] == pytest.approx((2 + 1 / log2(4)) / (2 + 1 / log2(3)))


def test_what_a_reranker_drops_counts_as_not_found(fleas: Path):
    class OnlyTheBest(ByGrade):
        def rank(self, request: Request) -> Ranking:
            return super().rank(request).top(1)

    dataset = load_dataset(fleas)
    rankings: list[Ranking] = []
    report = evaluate_reranker(
        OnlyTheBest(dataset.qrels), dataset, measures=parse_measures("R@10"), on_ranking=rankings.append
    )
    assert report.per_query["R@10"] == {"q1": 1 / 2, "q2": 1.0, "q4": 0.0}
    assert rankings[0].ids == ("b",)


def test_a_run_that_was_written_and_read_back_has_the_same_figures(fleas: Path, tmp_path: Path):
    dataset = load_dataset(fleas)
    measures = parse_measures("nDCG@10,MRR@10,AP")
    rankings: list[Ranking] = []
    report = evaluate_reranker(ByGrade(dataset.qrels), dataset, measures=measures, head=3, on_ranking=rankings.append)
    write_run(tmp_path / "a.run", rankings, tag="oracle")
    again = evaluate_run(dataset, read_run(tmp_path / "a.run"), measures=measures)
    assert (again.measures, again.per_query) == (report.measures, report.per_query)
    assert (again.first_stage, again.queries) == (report.first_stage, report.queries)
    assert (again.ranked_by, again.pairs, again.pairs_per_second) == ("oracle", 0, None)


def test_a_query_that_a_run_lacks_counts_as_zero_and_is_told(fleas: Path):
    report = evaluate_run(load_dataset(fleas), Run({"q2": (("x", 1.0),)}), measures=NDCG)
    assert report.measures == pytest.approx({"nDCG@10": 1 / 3})
    assert report.data_notes["queries that the run lacks, counted as 0"] == 2


def test_a_run_of_other_data_is_refused(fleas: Path):
    with pytest.raises(DataError, match="the run has none of the 3 queries"):
        evaluate_run(load_dataset(fleas), Run({"other": (("x", 1.0),)}), measures=NDCG)


def test_without_candidates_there_is_nothing_to_rerank_but_a_run_can_be_measured(fleas: Path):
    dataset = replace(load_dataset(fleas), requests=())
    with pytest.raises(DataError, match="has no candidates to rerank") as caught:
        evaluate_reranker(ByGrade(dataset.qrels), dataset, measures=NDCG)
    assert "candidates.jsonl" in caught.value.hint
    report = evaluate_run(dataset, Run({"q2": (("x", 1.0),)}), measures=NDCG)
    assert (report.first_stage, report.first_stage_per_query) == ({}, {})


def test_a_head_of_nothing_is_refused(fleas: Path):
    dataset = load_dataset(fleas)
    with pytest.raises(ConfigError, match="0 candidates cannot be reranked"):
        evaluate_reranker(ByGrade(dataset.qrels), dataset, measures=NDCG, head=0)


def test_a_reranker_that_answers_another_request_is_caught(fleas: Path):
    class Stuck:
        """Returns its first ranking for ever."""

        first: Ranking | None = None

        def rank(self, request: Request) -> Ranking:
            self.first = self.first or Ranking(request, tuple(range(len(request))))
            return self.first

    with pytest.raises(ContractViolation, match="Stuck ranked something else than its request 'q2'"):
        evaluate_reranker(Stuck(), load_dataset(fleas), measures=NDCG)


def test_failures_and_stops_are_told_with_their_query(fleas: Path):
    class Unlucky:
        def rank(self, request: Request) -> Ranking:
            failed = Step("llm", failures=("EndpointTimeout: no answer",), stopped="budget of 2 calls")
            return Ranking(request, tuple(range(len(request))), steps=(failed, Step("tail", defects={"repeated": 2})))

    report = evaluate_reranker(Unlucky(), load_dataset(fleas), measures=NDCG)
    assert report.measures == report.first_stage
    assert report.failures == (
        Trouble("q1", "llm", "EndpointTimeout: no answer"),
        Trouble("q2", "llm", "EndpointTimeout: no answer"),
    )
    assert report.stops == (Trouble("q1", "llm", "budget of 2 calls"), Trouble("q2", "llm", "budget of 2 calls"))
    assert (report.stopped, report.late, report.defects) == ({"budget of 2 calls": 2}, 0, {"repeated": 4})


def test_what_a_reranker_raises_is_raised(fleas: Path):
    class Down:
        def rank(self, request: Request) -> Ranking:
            raise EndpointTimeout("no answer")

    with pytest.raises(EndpointTimeout):
        evaluate_reranker(Down(), load_dataset(fleas), measures=NDCG)
