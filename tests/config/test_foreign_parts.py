"""A reranker, and a spec, of somebody else that are made of others: what walks through them sees their parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import pytest

import rankkit
from rankkit.backends.encoders.cross_encoder import CrossEncoder
from rankkit.config import PointwiseSpec
from rankkit.config.cascade import CascadeSpec
from rankkit.config.checking import check_models, walk
from rankkit.config.dry_build import dry_build
from rankkit.config.kinds import FailurePolicy
from rankkit.config.spec import BaseSpec
from rankkit.core.budgeting import Account
from rankkit.core.execution import Execution
from rankkit.core.plan import Plan
from rankkit.core.questions import Answer, Score
from rankkit.core.ranking import Ranking, Request
from rankkit.core.reranker import Reranker
from rankkit.core.runner import OnReply
from rankkit.errors import BackendError, ConfigError, UnknownModel
from rankkit.pipeline.cascade import check_widths
from rankkit.pipeline.fusion import fuse
from rankkit.pipeline.judged import JudgeReranker
from rankkit.planning.calibration import calibrate, judged, sample_request
from rankkit.pointwise.cross_encoder import CrossEncoderJudge
from rankkit.pointwise.strategy import ScoreAll
from rankkit.testing import ScriptedJudge, request_of
from tests.tiny import tiny_cross_encoder


@dataclass(frozen=True, repr=False)
class ByLength(rankkit.BaseReranker):
    """Sends queries of a few words to one reranker, and the others to another."""

    short: rankkit.BaseReranker
    long: rankkit.BaseReranker

    def __repr__(self) -> str:
        return f"by_length({self.short!r}, {self.long!r})"

    def children(self) -> tuple[Reranker, ...]:
        return self.short, self.long

    def _chosen(self, request: Request) -> rankkit.BaseReranker:
        return self.short if len(request.query.text.split()) < 3 else self.long

    async def rank_accounted(
        self, requests: Sequence[Request], accounts: Sequence[Account], execution: Execution
    ) -> list[Ranking]:
        each = zip(requests, accounts, strict=True)
        return [(await self._chosen(one).rank_accounted([one], [account], execution))[0] for one, account in each]

    def plan_accounted(self, request: Request, account: Account) -> Plan:
        return self._chosen(request).plan_accounted(request, account)


class ByLengthSpec(BaseSpec):
    paradigm: Literal["by-length"] = "by-length"
    short: PointwiseSpec
    long: CascadeSpec

    def parts(self) -> Iterator[tuple[str, BaseSpec]]:
        yield "short", self.short
        yield "long", self.long
        yield from super().parts()

    def reranker(self, *, on_reply: OnReply | None = None) -> rankkit.BaseReranker:
        return ByLength(self.short.build(on_reply=on_reply), self.long.build(on_reply=on_reply))


ByLengthSpec.model_rebuild(_types_namespace={"FailurePolicy": FailurePolicy})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_cross_encoder(tmp_path_factory.mktemp("models") / "tiny", max_length=128)


def scoring(name: str) -> JudgeReranker:
    judge = ScriptedJudge[Score, float](lambda asked: Answer(-float(asked.question.index)), name=name)
    return JudgeReranker(judge, ScoreAll())


def encoding(folder) -> JudgeReranker:
    return JudgeReranker(CrossEncoderJudge(CrossEncoder(folder)), ScoreAll())


def test_its_parts_are_planned_and_calibrated(folder):
    both = ByLength(encoding(folder), scoring("other"))
    assert [one.name for one in judged(both >> fuse(both, scoring("third")))] == [
        both.short.name,
        "pointwise(other)",
        both.short.name,
        "pointwise(other)",
        "pointwise(third)",
    ]
    speeds = calibrate((both >> scoring("last")).on_failure(scoring("fallback")), sample_request(6, "two words"))
    assert list(speeds) == [both.short.name, "pointwise(other)", "pointwise(last)"]
    assert speeds[both.short.name].seconds_a_token
    [first, last] = (both.drop_after(2) >> scoring("last")).plan(request_of([1, 2, 3])).stages
    assert (first.stage, first.questions, last.questions) == (both.short.name, 3, 2)


def test_it_is_described_closed_and_held_to_widths_with_its_parts(folder):
    both = ByLength(encoding(folder), scoring("other").drop_after(9) >> scoring("last"))
    [described] = (both >> scoring("behind")).describe()["children"][:1]
    assert [child["name"] for child in described["children"]] == [repr(both.short), repr(both.long)]
    with pytest.raises(ConfigError, match="keeps 9, but only 5 candidates reach it"):
        check_widths(both, 5)
    with pytest.raises(ConfigError, match="keeps 9, but only 5 candidates reach it"):
        scoring("wide").drop_after(5) >> both
    with both:
        assert both.rerank("word", ["bad", "best"]).ids == ("1", "0")
    with pytest.raises(BackendError, match="closed"):
        both.rerank("word", ["bad", "best"])


class Fixed:
    """Has only ``rank``, and names what it is made of: a reranker and something else."""

    def __init__(self, inner: Reranker) -> None:
        self.inner = inner

    def rank(self, request: Request) -> Ranking:
        return self.inner.rank(request)

    def children(self) -> list[object]:
        return [self.inner, "a setting"]


def test_one_with_rank_alone_may_name_its_parts_too(folder):
    inner = encoding(folder)
    whole = Fixed(inner) >> scoring("last")
    [described, _] = whole.describe()["children"]
    assert described["name"] == "Fixed" and [part["name"] for part in described["children"]] == [repr(inner)]
    assert [one.name for one in judged(whole)] == ["pointwise(last)"], "it is one stage of a plan"
    assert whole.rerank("word", ["bad", "best"]).ids == ("1", "0")
    whole.close()
    with pytest.raises(BackendError, match="closed"):
        inner.rerank("word", ["bad", "best"])


def test_its_spec_is_checked_with_its_parts(folder):
    def spec(short: object, *stages: object) -> ByLengthSpec:
        return ByLengthSpec.model_validate({"short": short, "long": {"stages": stages}})

    good = spec({"model": str(folder)}, {"model": str(folder), "drop_after": 4}, {"model": str(folder)})
    assert check_models(good) == [] and isinstance(good.build(), ByLength)
    assert [path for path, _ in walk(good)] == ["", "short", "long", "long.stages.1", "long.stages.2"]
    with pytest.raises(UnknownModel, match=r"long\.stages\.1\.model: "):
        check_models(spec({}, {"model": "minilm-of-nobody"}))
    ordered = {"paradigm": "listwise"}
    with pytest.raises(ConfigError, match=r"long\.stages\.2: skip_if\.top_score_above looks at scores"):
        check_models(spec({}, ordered, {"skip_if": {"top_score_above": 1.0}}))
    with pytest.raises(ConfigError, match="keeps 4, but only 3 candidates reach it"):
        check_widths(dry_build(good), 3)
