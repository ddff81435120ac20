"""What a system is: the same in every process, another whenever an order could be another, never by its name."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import json
import logging
import os
import pkgutil
import shutil
import subprocess
import sys
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import pytest

import rankkit
from rankkit.backends.openai import Endpoint
from rankkit.comparison import identity
from rankkit.comparison.identity import identity_of, missing_identity
from rankkit.config import load
from rankkit.core import gates
from rankkit.core.gates import DropAfter, MarginAbove, TopScoreAbove
from rankkit.core.questions import Answer, Outcome
from rankkit.core.ranking import Ranking, Request
from rankkit.core.usage import Budget, Usage
from rankkit.listwise.generate import GenerateJudge
from rankkit.listwise.strategies.self_consistency import SelfConsistency
from rankkit.listwise.strategies.sliding import Sliding
from rankkit.pairwise.aggregation.methods import AGGREGATIONS, Aggregation, sampling, sum_wins
from rankkit.pairwise.difference import ScoreDifferenceJudge
from rankkit.pairwise.strategies.allpairs import AllPairs
from rankkit.pipeline.cascade import Cascade
from rankkit.pipeline.fusion import Fusion, fuse
from rankkit.pipeline.judged import JudgeReranker
from rankkit.pipeline.stage import Stage
from rankkit.pointwise.cross_encoder import CrossEncoderJudge
from rankkit.pointwise.strategy import ScoreAll
from rankkit.prompting.loading import load_prompt
from rankkit.replay.record import Recorded, RecordedJudge
from rankkit.replay.window_log import Turn, WindowLogJudge
from rankkit.testing import ScriptedModel
from tests.judging.test_every_judge import CHANGES_NO_ANSWER, AnyEncoder, built, changed, parameters
from tests.tiny import tiny_cross_encoder


def fingerprint(reranker: Any) -> str:
    found = identity_of(reranker)
    assert found is not None, missing_identity(reranker)
    assert json.loads(json.dumps(found.description)) == found.description
    return found.fingerprint


def scoring(name: str = "one", **changes: Any) -> JudgeReranker:
    return JudgeReranker(CrossEncoderJudge(AnyEncoder(name)), ScoreAll(), **changes)


def listing(strategy: Any = None, **judge: Any) -> JudgeReranker:
    made = GenerateJudge(ScriptedModel(), **{"template": load_prompt("rankgpt"), **judge})
    return JudgeReranker(made, strategy or Sliding())


# -- every field of every part

JUDGED = [(judge, name) for judge, made in built().items() for name in parameters(made)]


@pytest.mark.parametrize(("judge", "name"), JUDGED)
def test_whatever_a_judge_takes_makes_another_system(judge: str, name: str) -> None:
    made = built()[judge]
    same = fingerprint(JudgeReranker(made, ScoreAll())) == fingerprint(JudgeReranker(changed(made, name), ScoreAll()))
    assert same == ((judge, name) in CHANGES_NO_ANSWER)


def strategies() -> dict[str, Any]:
    """One of every strategy of the package."""
    found: dict[str, Any] = {}
    for folder in ("listwise.strategies", "pairwise.strategies", "pointwise"):
        package = importlib.import_module(f"rankkit.{folder}")
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            for name, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
                if is_dataclass(kind) and hasattr(kind, "adaptive") and not inspect.isabstract(kind) and name[0] != "_":
                    found[name] = kind(Sliding()) if kind is SelfConsistency else kind()
    return found


def other_value(part: Any, name: str) -> Any:
    value = getattr(part, name)
    special = {
        "inner": Sliding(window=4, step=2),
        "by": "median",
        "stages": ((7, 10), (3, 10)),
        "aggregation": AGGREGATIONS["kemeny"],
        "cutoff": 3,
        "step": 3,
        "window": 40,
        "best": 2,
    }
    if name in special:
        return special[name]
    if isinstance(value, float):
        return value / 2  # a probability stays one
    return not value if isinstance(value, bool) else 7


PARTS = strategies()


def test_there_are_as_many_strategies_as_the_package_has():
    assert {"ScoreAll", "Sliding", "TourRank", "SetwiseHeapsort", "AllPairs", "Tournament", "Swiss"} <= set(PARTS)
    assert len(PARTS) >= 15


@pytest.mark.parametrize(
    ("strategy", "name"), [(kind, one.name) for kind, made in PARTS.items() for one in fields(made) if one.init]
)
def test_whatever_a_strategy_takes_makes_another_system(strategy: str, name: str) -> None:
    made = PARTS[strategy]
    other = replace(made, **{name: other_value(made, name)})
    assert fingerprint(scoring_by(made)) != fingerprint(scoring_by(other))


def scoring_by(strategy: Any) -> JudgeReranker:
    return JudgeReranker(CrossEncoderJudge(AnyEncoder()), strategy)


def test_no_two_strategies_are_one():
    assert len({fingerprint(scoring_by(made)) for made in PARTS.values()}) == len(PARTS)


def test_aggregations_and_their_numbers_are_told_apart():
    made = [*AGGREGATIONS.values(), sampling(seed=1), sampling(opponents=3)]
    found = [fingerprint(scoring_by(AllPairs(aggregation=one))) for one in made]
    assert len(set(found)) == len(made)
    assert found[list(AGGREGATIONS).index("sample")] == fingerprint(scoring_by(AllPairs(aggregation=sampling())))


CHANGES: dict[str, dict[str, Any]] = {
    "Stage": {
        "reranker": scoring("two"),
        "top": 3,
        "cuts": (DropAfter(2),),
        "gates": (MarginAbove(2.0),),
        "on_failure": scoring("other"),
        "budget": Budget(calls=4),
        "instruction": "",
    },
    "Fusion": {
        "members": (scoring("two"), scoring()),
        "method": "scores",
        "weights": (0.3, 0.7),
        "normalise": "zscore",
        "k": 3,
        "on_member_failure": "raise",
    },
    "JudgeReranker": {
        "judge": CrossEncoderJudge(AnyEncoder("two")),
        "strategy": AllPairs(),
        "budget": Budget(tokens=5),
        "on_call_failure": "partial",
    },
}
WHOLES = {"Stage": Stage(scoring()), "Fusion": fuse(scoring(), scoring("two")), "JudgeReranker": scoring()}
#: What makes no difference to an order.
ASIDE = {"on_reply", "languages"}


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, one.name) for kind, made in WHOLES.items() for one in fields(made) if one.init]
)
def test_whatever_a_pipeline_takes_makes_another_system(kind: str, name: str) -> None:
    if name in ASIDE:
        return
    made, other = WHOLES[kind], replace(WHOLES[kind], **{name: CHANGES[kind][name]})
    one, two = (Cascade((part,)) if isinstance(part, Stage) else part for part in (made, other))
    assert fingerprint(one) != fingerprint(two)


@pytest.mark.parametrize("limit", [one.name for one in fields(Budget)])
def test_every_limit_counts(limit: str) -> None:
    found = {fingerprint(scoring(budget=Budget(**{limit: value}))) for value in (None, 1, 2)}
    assert len(found) == 3


def test_every_gate_and_cut_with_its_number_counts():
    kinds = [kind for _, kind in inspect.getmembers(gates, inspect.isclass) if is_dataclass(kind)]
    others = (gates.Situation, gates.KeepRelevant)
    made = [kind(number) for kind in kinds if kind not in others for number in (1, 2)]
    made += [gates.KeepRelevant(number, "a basis", calibrated=said) for number in (0.1, 0.2) for said in (True, False)]
    assert len(made) >= 16
    stages = [{"cuts" if hasattr(one, "kept") else "gates": (one,)} for one in made]
    assert len({fingerprint(Cascade((Stage(scoring(), **stage),))) for stage in stages}) == len(made)


def test_the_order_of_stages_and_members_counts():
    one, two = scoring(), scoring("two")
    found = {fingerprint(made) for made in (one >> two, two >> one, fuse(one, two), fuse(two, one), one, one >> one)}
    assert len(found) == 6


def test_a_new_version_of_the_method_is_another_system(monkeypatch):
    before = fingerprint(scoring())
    monkeypatch.setattr(identity, "METHOD_VERSION", identity.METHOD_VERSION + 1)
    assert fingerprint(scoring()) != before


# -- names and keys


def test_a_changed_word_of_a_prompt_counts_and_its_name_does_not():
    prompt = load_prompt("rankgpt")
    renamed = replace(prompt, name="mine", source="elsewhere", description="other", version=9)
    [first, *rest] = prompt.parts
    reworded = replace(prompt, parts=(replace(first, content=f"{first.content} Be fair."), *rest))
    assert fingerprint(listing()) == fingerprint(listing(template=renamed))
    assert fingerprint(listing()) != fingerprint(listing(template=reworded))
    shown = identity_of(listing(template=renamed)).description["judge"]["prompt"]
    assert shown["name"] == "mine" and shown["fingerprint"] == prompt.fingerprint
    assert shown["messages"][0]["content"] == first.content


def test_what_a_model_is_called_does_not_count_its_weights_do(tmp_path):
    tiny_cross_encoder(tmp_path / "one")
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    one, two = load(tmp_path / "one"), load(tmp_path / "two")
    assert fingerprint(one) == fingerprint(two)
    assert identity_of(two).description["judge"]["model"]["name"] == "two"
    [weights] = identity_of(one).description["judge"]["model"]["weights"]
    assert len(weights) == 64
    compared = {"paradigm": "pairwise", "aggregate": "kemeny", "strategy": "allpairs"}
    assert fingerprint(load({"model": str(tmp_path / "one"), **compared})) == fingerprint(
        load({"model": str(tmp_path / "two"), **compared})
    )
    tiny_cross_encoder(tmp_path / "three", labels=2)
    assert fingerprint(load(tmp_path / "three")) != fingerprint(one)


def test_a_model_that_was_never_named_by_the_fingerprint_is_told_apart():
    """Of somebody else's judge the words count as they are: what stands before an @ may be all that differs."""

    @dataclass(frozen=True)
    class Own:
        name: str = "own"
        score_kind = None
        concurrency = 1

        @property
        def fingerprints(self):
            return {"model": f"{self.name}@1"}

        def max_group_size(self, request):
            return None

        def prepare(self, asked):
            return []

    assert fingerprint(JudgeReranker(Own(), ScoreAll())) != fingerprint(JudgeReranker(Own("other"), ScoreAll()))


def test_keys_are_no_part_of_it():
    def asking(key: str, **more: Any) -> JudgeReranker:
        model = Endpoint("m", base_url="http://127.0.0.1:1/v1", api_key=key, **more)
        return JudgeReranker(GenerateJudge(model, load_prompt("rankgpt")), Sliding())

    one = identity_of(asking("sk-one-secret"))
    assert one == identity_of(asking("sk-two-secret"))
    assert "secret" not in json.dumps(one.description)
    assert fingerprint(asking("k", extra_body={"seed": 3})) != one.fingerprint


def test_prices_count_only_where_money_is_limited():
    @dataclass(frozen=True)
    class Priced(ScriptedModel):
        euros: float = 1.0

        def price(self, *, input_tokens: int, output_tokens: int) -> float:
            return self.euros * (input_tokens + output_tokens)

    def system(euros: float, budget: Budget) -> str:
        return fingerprint(JudgeReranker(GenerateJudge(Priced(euros=euros), load_prompt("rankgpt")), Sliding(), budget))

    assert system(1.0, Budget(calls=3)) == system(2.0, Budget(calls=3))
    assert system(1.0, Budget(cost=3.0)) != system(2.0, Budget(cost=3.0))


def test_where_candidates_come_from_is_said_and_does_not_count(tmp_path):
    tiny_cross_encoder(tmp_path / "model")
    plain = load(str(tmp_path / "model"))
    searching = load({"model": str(tmp_path / "model"), "first_stage": {"corpus": "here", "k1": 0.5}})
    assert fingerprint(plain) == fingerprint(searching)
    assert identity_of(searching).description["spec"]["first_stage"] == {"corpus": "here", "k1": 0.5}


# -- records


def test_two_records_are_two_systems():
    def recorded(said: str, **more: Any) -> JudgeReranker:
        answer = Recorded(["a"], Outcome.OK, (), None, said, (), Usage(calls=1), {"model": "m"})
        return JudgeReranker(RecordedJudge({("q", "Order", ("a", "b"), None): answer}, **more), Sliding())

    assert fingerprint(recorded("a")) == fingerprint(recorded("a", name="other file"))
    assert fingerprint(recorded("a")) != fingerprint(recorded("b"))
    assert "own code" in missing_identity(recorded("a", reread=lambda question, said: Answer(None)))
    logs = [WindowLogJudge({"q": [Turn(0, 2, said)]}, name) for said, name in (("a", "x"), ("a", "y"), ("b", "x"))]
    one, renamed, other = (fingerprint(JudgeReranker(log, Sliding())) for log in logs)
    assert one == renamed != other


# -- own code


class OnlyRank:
    def rank(self, request: Request) -> Ranking:
        return Ranking(request, tuple(range(len(request))))


class Versioned(OnlyRank):
    def __init__(self, fingerprint: str) -> None:
        self.fingerprint = fingerprint


@dataclass(frozen=True)
class OwnGate:
    needs_scores = False
    certain = True

    def reason(self, situation: Any) -> str:
        return ""


def test_what_only_ranks_has_no_identity_and_the_log_says_so(caplog):
    with caplog.at_level(logging.INFO, logger="rankkit"):
        assert identity_of(OnlyRank()) is None
    assert "OnlyRank is computed anew each time" in caplog.text and "fingerprint" in caplog.text
    assert "OnlyRank" in missing_identity(OnlyRank()) and missing_identity(scoring()) == ""


@pytest.mark.parametrize(
    "whole",
    [
        scoring() >> OnlyRank(),
        fuse(OnlyRank(), scoring()),
        scoring().on_failure(OnlyRank()),
        scoring().skip_if(OwnGate()),
        JudgeReranker(CrossEncoderJudge(AnyEncoder()), AllPairs(aggregation=Aggregation("own", None, lambda m: [0.0]))),
    ],
    ids=["cascade", "fusion", "fallback", "gate", "function"],
)
def test_nor_has_what_it_is_a_part_of(whole):
    assert identity_of(whole) is None and "own code" in missing_identity(whole)


def test_own_code_that_says_what_it_is_has_one():
    one, two = Versioned("1"), Versioned("2")
    assert fingerprint(one) == fingerprint(Versioned("1")) != fingerprint(two)
    assert fingerprint(scoring() >> one) != fingerprint(scoring() >> two)
    assert identity_of(Versioned("")) is None


def test_a_part_of_rankkit_that_somebody_changed_is_own_code():
    class Mine(Sliding):
        pass

    assert identity_of(listing(Mine())) is None
    same = AllPairs(aggregation=Aggregation("sum", AGGREGATIONS["sum"].kind, sum_wins))
    assert fingerprint(scoring_by(same)) == fingerprint(scoring_by(AllPairs(aggregation=AGGREGATIONS["sum"])))


# -- processes

PROGRAM = """
import sys
from rankkit.comparison import identity_of
from rankkit.config import load
print(identity_of(load(sys.argv[1])).fingerprint)
"""


@pytest.mark.slow
def test_two_processes_agree(tmp_path):
    tiny_cross_encoder(tmp_path / "model")
    config = tmp_path / "cascade.toml"
    config.write_text(
        f'[[stages]]\nmodel = "{tmp_path}/model"\ndrop_after = 5\n'
        f'[[stages]]\nparadigm = "pairwise"\nmodel = "{tmp_path}/model"\non_failure = "raise"\n'
    )
    found = set()
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", PROGRAM, str(config)]
        found.add(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip())
    assert found == {fingerprint(load(config))}


def test_a_score_difference_shows_whose_scores_it_compares():
    judge = ScoreDifferenceJudge(CrossEncoderJudge(AnyEncoder()))
    shown = identity_of(JudgeReranker(judge, AllPairs())).description["judge"]
    assert shown["scores_of"]["model"] == {"kind": f"{AnyEncoder.__module__}.AnyEncoder", "name": "encoder"} | {
        "fingerprint": "one"
    }


def test_every_part_of_a_pipeline_is_a_value():
    """What identity goes through are fields: one that is hidden from it would make two systems one."""
    for kind in (Cascade, Fusion, Stage, *map(type, PARTS.values())):
        hidden = [one.name for one in dataclasses.fields(kind) if one.init and not one.compare]
        assert not hidden, f"{kind.__name__} hides {hidden}"
    assert rankkit.__version__ not in json.dumps(identity_of(scoring()).description)
    assert identity_of(scoring().skip_if(TopScoreAbove(1.0))) is not None
