"""A real model asked A or B, in this process and over HTTP, with its position bias told."""

from __future__ import annotations

import pytest

from rankkit.config import load

pytestmark = [pytest.mark.model, pytest.mark.data, pytest.mark.slow]


def test_a_language_model_compares_the_same_here_and_over_http(smollm2, server, requests):
    spec = {"paradigm": "pairwise", "strategy": "heapsort", "top_k": 2}
    here = load({**spec, "model": smollm2, "context": 2048})
    over_http = {"model": "smollm2", "endpoint": server, "concurrency": 1}
    there = load({**spec, **over_http, "extra_body": {"repeat_penalty": 1.0}})
    ours, theirs = here.rank(requests[0]), there.rank(requests[0])
    assert ours.order == theirs.order
    assert ours.steps[0].questions == theirs.steps[0].questions == ours.usage.calls
    [diagnostics, other] = [ranking.steps[0].diagnostics for ranking in (ours, theirs)]
    assert 0.0 <= diagnostics["position_bias"] <= 1.0 and diagnostics["position_bias"] == other["position_bias"]
    assert ours.usage.cached_tokens > 0  # instructions, query and first document were computed once


def test_a_budget_stops_a_real_model_in_time(smollm2, requests):
    reranker = load({"paradigm": "pairwise", "model": smollm2, "context": 2048, "budget": {"calls": 3}})
    ranking = reranker.rank(requests[0])
    assert ranking.usage.calls == 3 and sorted(ranking.order) == list(range(6))
    assert ranking.steps[0].stopped == "budget of 3 calls"
