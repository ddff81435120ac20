"""Whoever changes what a method makes of the same answers is told to raise ``METHOD_VERSION``: until then, run stores
would take the old orders for the new ones.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from rankkit.comparison.identity import METHOD_VERSION
from rankkit.core.judge import BoundQuestion
from rankkit.core.questions import Answer, Choose, Compare, Order, Question, Score
from rankkit.core.ranking import ScoreKind
from rankkit.pairwise.aggregation.methods import AGGREGATIONS
from rankkit.pairwise.strategies.allpairs import AllPairs
from rankkit.pipeline.fusion import fuse
from rankkit.pipeline.judged import JudgeReranker
from rankkit.pointwise.strategy import ScoreAll
from rankkit.testing import ScriptedJudge, request_of
from tests.comparison.test_identity import PARTS

#: The orders of a version, as digests; written by ``python -m tests.comparison.test_method_version``.
KNOWN = Path(__file__).with_name("orders.json")


def number(*what: object) -> float:
    """As good as random, and the same everywhere."""
    return int(hashlib.sha256(repr(what).encode()).hexdigest()[:12], 16) / 16**12


def inconsistent(asked: BoundQuestion[Question]) -> Answer[object]:
    """Knows something, contradicts itself in the rest, and does not always answer."""
    question = asked.question
    if number("silent", question) < 0.05:
        return Answer(None)
    match question:
        case Score(index):
            return Answer(round(number(index), 2))
        case Compare(first, second):
            return Answer(round((number(first) - number(second) + 1 + number(question)) / 3, 3))
        case Order(indices):
            return Answer(tuple(sorted(indices, key=lambda index: (number(index) + number(index, question), index))))
        case Choose(indices):
            return Answer(max(indices, key=lambda index: (number(index) + number(index, question), -index)))
    raise AssertionError(question)


def orders() -> dict[str, list[int]]:
    """What every strategy and aggregation, a cascade and fusions make of the same answers."""
    judge = ScriptedJudge(inconsistent, score_kind=ScoreKind.LOGIT, fingerprints={"model": "inconsistent"})
    strategies = {**PARTS, **{f"by {name}": AllPairs(aggregation=one) for name, one in AGGREGATIONS.items()}}
    systems = {name: JudgeReranker(judge, strategy) for name, strategy in strategies.items()}
    one, two = JudgeReranker(judge, ScoreAll()), JudgeReranker(judge, AllPairs())
    systems |= {"cascade": one.drop_at_gap(least=7) >> two.reorder_top(5)}
    for method in ("rrf", "weighted", "scores"):
        for normalise in ("minmax", "zscore", "rank"):
            systems[f"{method} {normalise}"] = fuse(one, two, method=method, normalise=normalise)
    request = request_of([0.0] * 34)
    return {name: list(system.rank(request).order) for name, system in systems.items()}


def digests() -> dict[str, str]:
    return {name: hashlib.sha256(repr(order).encode()).hexdigest()[:12] for name, order in sorted(orders().items())}


@pytest.mark.slow
def test_the_orders_of_all_methods_are_those_of_the_version():
    known, found = json.loads(KNOWN.read_text()), digests()
    assert found.keys() == known["orders"].keys(), f"write the orders of what is new into {KNOWN.name}: see KNOWN"
    others = [name for name in found if found[name] != known["orders"][name]]
    assert not others and known["version"] == METHOD_VERSION, (
        f"{', '.join(others)} give other orders than before: raise METHOD_VERSION in rankkit/comparison/identity.py "
        f"(now {METHOD_VERSION}), and write the new orders into {KNOWN.name}: see KNOWN"
    )


@pytest.mark.slow
def test_answers_are_what_the_orders_follow_from():
    assert len(set(digests().values())) > len(PARTS) / 2


if __name__ == "__main__":
    KNOWN.write_text(json.dumps({"version": METHOD_VERSION, "orders": digests()}, indent=2) + "\n")
