"""Each method on a real 135M model, in this process and through a real OpenAI-compatible server.

A model of that size proves the plumbing, not the method: nothing here asserts that its order is any good.
"""

from __future__ import annotations

import random

import pytest

from rankkit.config import load
from rankkit.listwise.constrained import ConstrainedJudge
from rankkit.listwise.generate import GenerateJudge
from rankkit.listwise.strategies.single import Single
from rankkit.prompt import load_prompt
from rankkit.questions import Outcome
from rankkit.ranking import Request
from rankkit.reranker import JudgeReranker

pytestmark = [pytest.mark.model, pytest.mark.slow]
SMALL = {"paradigm": "listwise", "window": 4, "step": 2, "prompt": "listwise/small"}


METHODS = {
    "generate": SMALL,
    "constrained": SMALL,
    "first-token": {**SMALL, "prompt": "listwise/letters"},
    "setwise": {**SMALL, "prompt": "listwise/setwise", "top_k": 2},
}


@pytest.mark.data
@pytest.mark.parametrize("method", METHODS)
def test_each_method_gives_the_same_order_here_and_over_http(smollm2, server, requests, method):
    here = load({**METHODS[method], "model": smollm2, "method": method, "context": 2048})
    over_http = {"model": "smollm2", "endpoint": server, "method": method, "concurrency": 1}
    # By default this server penalises repeated tokens, which distorts a ranking: labels are in the prompt already.
    there = load({**METHODS[method], **over_http, "extra_body": {"repeat_penalty": 1.0}})
    for request in requests:
        ours, theirs = here.rank(request), there.rank(request)
        assert sorted(ours.order) == sorted(theirs.order) == list(range(6))
        assert ours.usage.calls == sum(ours.steps[0].outcomes.values()) > 0
        if method == "first-token":
            # The server shows the top few only; what both saw, both put into the same order.
            continue
        assert ours.order == theirs.order, (ours.steps, theirs.steps)


def noise_windows(count: int, passages: int = 5) -> list[Request]:
    rng = random.Random(11)
    words = "river stone music window seven orange quiet engine paper moon travel copper".split()
    documents = [[" ".join(rng.choices(words, k=3)) for _ in range(passages)] for _ in range(count)]
    return [Request.of(" ".join(rng.choices(words, k=3)), texts) for texts in documents]


def test_constrained_decoding_is_a_perfect_permutation_in_two_hundred_windows_of_noise(smollm2):
    from rankkit.backends.gguf import GgufModel

    template = load_prompt("listwise/small")
    with GgufModel(smollm2, context=1024) as model:
        ranker = JudgeReranker(ConstrainedJudge(model, template), Single())
        outcomes: list[str] = []
        for request in noise_windows(200):
            ranking = ranker.rank(request)
            assert sorted(ranking.order) == list(range(5))
            outcomes += ranking.steps[0].outcomes
        assert outcomes == [Outcome.OK] * 200
        free = JudgeReranker(GenerateJudge(model, template), Single())
        malformed = [free.rank(request).steps[0].outcomes != {"ok": 1} for request in noise_windows(20)]
    assert any(malformed), "if a 135M model always writes clean permutations, this comparison says nothing"
