"""A method, a strategy and a kind of model are one row each, from here and from outside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

from rankkit.config import load, parse, registry, to_toml
from rankkit.config.built_in import ROWS
from rankkit.config.checking import check_models
from rankkit.config.registry import GROUP, methods, register, strategies
from rankkit.config.rows import KindRow, MethodRow, StrategyRow
from rankkit.config.schema import json_schema
from rankkit.core.judge import BoundQuestion, Call, Reply
from rankkit.core.limits import Gate
from rankkit.core.questions import Answer, Asking, Score, StrategyResult, Task
from rankkit.core.ranking import ScoreKind
from rankkit.core.usage import Usage
from rankkit.errors import CapabilityMissing, ConfigError
from tests.tiny import tiny_cross_encoder

DOCUMENTS = ["bad", "word", "best", "good"]


@pytest.fixture
def folder(tmp_path) -> str:
    return str(tiny_cross_encoder(tmp_path / "tiny"))


@pytest.fixture
def registered() -> Iterator[object]:
    undo = []
    yield lambda row: undo.append(register(row))
    for forget in undo:
        forget()


# -- a toy of each


@dataclass(frozen=True)
class FirstOnly:
    """Scores the first so many of the first stage; the others stay behind them."""

    count: int = 2
    name = "first-only"
    adaptive = False

    def order(self, task: Task) -> Asking[Score, float]:
        asked = [Score(index) for index in range(min(self.count, task.n))]
        answers = yield asked
        scores = [answer.value if answer.value is not None else 0.0 for answer in answers]
        order = sorted(range(len(asked)), key=lambda index: -scores[index])
        return StrategyResult((*order, *range(len(asked), task.n)))


@dataclass(frozen=True)
class LengthJudge:
    """A longer document is a better one."""

    factor: float = 1.0
    name = "length"
    concurrency = 1
    score_kind = ScoreKind.LOGIT
    gate = Gate(1)

    @property
    def fingerprints(self) -> Mapping[str, str]:
        return {"model": f"length*{self.factor}"}

    def max_group_size(self, request):
        return None

    def prepare(self, asked: list[BoundQuestion[Score]]) -> list[Call[float]]:
        def run() -> list[Reply[float]]:
            lengths = [len(item.request.candidates[item.question.index].text) for item in asked]
            return [
                Reply(Answer(self.factor * length), Usage(calls=not number)) for number, length in enumerate(lengths)
            ]

        return [Call(tuple(range(len(asked))), Usage(calls=1), run)] if asked else []


FIRST_ONLY = StrategyRow(
    name="first-only", question="score", build=lambda spec: FirstOnly(**spec.strategy_options), options={"count": int}
)
LENGTH = MethodRow(
    name="length",
    question="score",
    kinds=("cross-encoder",),
    judge=lambda spec: LengthJudge(**spec.method_options),
    options={"factor": float},
    scores=("logit",),
)


def test_a_strategy_from_outside_is_one_row(folder, registered):
    with pytest.raises(ConfigError, match=r"strategy: input should be 'all' \(seen: 'first-only'\)"):
        load(folder, options={"strategy": "first-only"})
    registered(FIRST_ONLY)
    reranker = load(folder, options={"strategy": "first-only", "strategy_options": {"count": 3}})
    assert reranker.rerank("word", DOCUMENTS).ids == ("2", "1", "0", "3")
    assert parse({**reranker.spec.model_dump(exclude_defaults=True)}) == reranker.spec
    assert "[strategy_options]\ncount = 3" in to_toml(reranker)
    with pytest.raises(
        ConfigError, match=r"strategy_options\.cuont: first-only has no such option; did you mean count"
    ):
        load(folder, options={"strategy": "first-only", "strategy_options": {"cuont": 3}})
    with pytest.raises(ConfigError, match=r"strategy_options\.count: .*valid integer \(seen: '3'\)"):
        load(folder, options={"strategy": "first-only", "strategy_options": {"count": "3"}})
    with pytest.raises(ConfigError, match="cuts by scores"):
        check_models(parse({"model": folder, "strategy": "first-only", "drop_below": 1.0}))


def test_a_method_from_outside_is_one_row(folder, registered):
    registered(LENGTH)
    table = {"model": folder, "method": "length", "method_options": {"factor": -1.0}}
    ranking = load(table).rerank("word", ["four", "sixsix", "on"])
    assert ranking.ids == ("2", "0", "1") and ranking.scores == (-2.0, -4.0, -6.0)
    assert check_models(parse(table)) == []
    with pytest.raises(ConfigError, match=r"scores: .* is asked as a length, which has no use for 'probability'"):
        load({**table, "scores": "probability"})
    with pytest.raises(CapabilityMissing, match="the method length needs a cross-encoder model"):
        parse({"model": "monot5-base-msmarco", "method": "length"}).check()
    assert "length" in json_schema()["$defs"]["PointwiseSpec"]["properties"]["method"]["anyOf"][0]["enum"]


def test_a_kind_from_outside_is_one_row(folder, registered):
    registered(KindRow(name="toy", words="a toy model"))
    registered(MethodRow(name="played", question="score", kinds=("toy",), judge=lambda spec: LengthJudge()))
    with pytest.raises(CapabilityMissing, match="is a cross-encoder model; the method played needs a toy model"):
        load({"model": folder, "method": "played"})


def test_a_name_is_given_once(registered):
    registered(LENGTH)
    for row in (LENGTH, strategies("order")["sliding"], methods("listwise")["setwise"]):
        with pytest.raises(ConfigError, match=f"{row.name} already"):
            register(row)


def test_a_package_brings_rows_that_are_loaded_when_they_are_asked_for(tmp_path, folder, monkeypatch):
    package = tmp_path / "site" / "toy_rows-1.0.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-rows\nVersion: 1.0\n")
    lines = "pointwise.toy-first = toy_rows:ROW\npointwise.misnamed = toy_rows:ROW\n"
    (package / "entry_points.txt").write_text(f"[{GROUP}]\n{lines}")
    (tmp_path / "site" / "toy_rows.py").write_text(
        "from rankkit.config.rows import StrategyRow\n"
        "from rankkit.pointwise.strategy import ScoreAll\n"
        "ROW = StrategyRow(name='toy-first', question='score', build=lambda spec: ScoreAll(), scores=True)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.setattr(registry, "_REGISTRY", registry.Registry(ROWS))
    assert "toy-first" not in strategies("score")
    assert load(folder, options={"strategy": "toy-first"}).rerank("word", DOCUMENTS).ids[0] == "2"
    with pytest.raises(ConfigError, match="is no row of this name"):
        load(folder, options={"strategy": "misnamed"})


# -- every key of a constructor can be written


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({"paradigm": "pairwise", "strategy": "swiss", "strategy_options": {"rounds": 3}}, {"rounds": 3}),
        ({"paradigm": "pairwise", "strategy": "insertion", "strategy_options": {"together": 2}}, {"together": 2}),
        (
            {"paradigm": "listwise", "strategy": "tourrank", "strategy_options": {"stages": [[4, 5], [2, 4]]}},
            {"stages": ((4, 5), (2, 4))},
        ),
    ],
)
def test_a_strategy_s_own_settings_are_written_in_its_table(table, expected):
    strategy = parse(table).build_strategy()
    assert {key: getattr(strategy, key) for key in expected} == expected


def test_what_a_server_can_and_when_it_is_left_alone_are_written(folder):
    table = {"endpoint": "http://127.0.0.1:1/v1", "model": "m", "method": "constrained"}
    table |= {"capabilities": {"structure": "json_schema"}, "circuit": {"failures": 2, "cooldown": 1.5}}
    reranker = load(table)  # nobody is asked: there is no server
    assert parse(reranker.spec.model_dump(exclude_defaults=True, mode="json")) == reranker.spec
    with pytest.raises(ConfigError, match=r"circuit\.failure: .*\n.*Did you mean failures"):
        parse({**table, "circuit": {"failure": 3}})
    assert load(folder, options={"batch_tokens": 64, "engine": "onnxruntime"}).rerank("word", ["bad"]).ids == ("0",)
