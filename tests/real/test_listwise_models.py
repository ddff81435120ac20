"""Each method on real small models, in this process and through a real OpenAI-compatible server.

Models of that size prove the plumbing, not the method: nothing here asserts that their order is any good.
"""

from __future__ import annotations

import random
from collections.abc import Mapping

import pytest

from rankkit.config import load
from rankkit.core.judge import BoundQuestion, Reply
from rankkit.core.questions import Outcome
from rankkit.core.ranking import Ranking, Request
from rankkit.listwise.constrained import ConstrainedJudge
from rankkit.listwise.generate import GenerateJudge
from rankkit.listwise.strategies.single import Single
from rankkit.pipeline.judged import JudgeReranker
from rankkit.prompting.loading import load_prompt

pytestmark = [pytest.mark.model, pytest.mark.slow]
SMALL = {"paradigm": "listwise", "window": 4, "step": 2, "prompt": "listwise/small"}


METHODS = {
    "generate": SMALL,
    "constrained": SMALL,
    # A server shows its top few labels only, so a second window would not be the same window.
    "first-token": {"paradigm": "listwise", "strategy": "single", "prompt": "listwise/letters"},
    "setwise": {"paradigm": "listwise", "window": 4, "prompt": "listwise/setwise", "top_k": 2},
}


def ranked(spec: Mapping[str, object], request: Request) -> tuple[Ranking, list[str | None]]:
    """The ranking, and what the model said to each question; of a model that is asked to go on, its last words."""
    said: list[str | None] = []

    def hear(asked: BoundQuestion[object], reply: Reply[object]) -> None:
        if reply.again is None:
            said.append(reply.said)

    return load(spec, on_reply=hear).rank(request), said


@pytest.mark.data
@pytest.mark.parametrize("method", METHODS)
def test_each_method_gives_the_same_order_here_and_over_http(served, method):
    spec = {**METHODS[method], "method": method}
    for request in served.requests:
        ours, said_here = ranked({**spec, "model": served.path, "context": 2048}, request)
        theirs, said_there = ranked({**spec, **served.over_http}, request)
        assert sorted(ours.order) == sorted(theirs.order) == list(range(len(request)))
        assert ours.usage.calls == sum(ours.steps[0].outcomes.values()) > 0
        if method == "first-token":
            [whole], [top] = said_here, said_there
            shown = top.split(" > ")
            assert top and whole.split(" > ")[: len(shown)] == shown
            assert ours.order[: len(shown)] == theirs.order[: len(shown)]
        else:
            assert ours.order == theirs.order, (ours.steps, theirs.steps)


def noise_windows(count: int, passages: int = 5) -> list[Request]:
    rng = random.Random(11)
    words = "river stone music window seven orange quiet engine paper moon travel copper".split()
    documents = [[" ".join(rng.choices(words, k=3)) for _ in range(passages)] for _ in range(count)]
    return [Request.of(" ".join(rng.choices(words, k=3)), texts) for texts in documents]


def test_constrained_decoding_is_a_perfect_permutation_in_two_hundred_windows_of_noise(smollm2, record_property):
    from rankkit.backends.gguf.model import GgufModel

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
        clean = sum(free.rank(request).steps[0].outcomes == {"ok": 1} for request in noise_windows(40))
    record_property("malformed of 40 free answers, none under the constraint", 40 - clean)
    assert clean < 20, f"{clean} of 40 free answers are clean: where most are, the constraint proves little"
