"""Promises of every judge in the package: its fingerprints tell apart what changes an answer, its bounds hold."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

import rankkit
from rankkit.backends.protocols import DocumentBatch, DocumentScores, Generated, PairBatch
from rankkit.core.judge import BoundQuestion, Call
from rankkit.core.questions import Choose, Compare, Order, Score
from rankkit.core.ranking import ScoreKind
from rankkit.core.usage import Usage
from rankkit.listwise.constrained import ConstrainedJudge
from rankkit.listwise.first_token import FirstTokenJudge
from rankkit.listwise.generate import GenerateJudge
from rankkit.listwise.setwise import SetwiseConstrainedJudge, SetwiseJudge, SetwiseTextJudge
from rankkit.pairwise.cross_encoder import DuoEncoderJudge
from rankkit.pairwise.difference import ScoreDifferenceJudge
from rankkit.pairwise.duot5 import DuoT5Judge
from rankkit.pairwise.prompted import PromptedJudge
from rankkit.prompting.loading import load_prompt
from rankkit.testing import ScriptedModel, request_of


@dataclass(frozen=True)
class AnyEncoder:
    """What encoders of all kinds can do, as far as building a judge needs it."""

    fingerprint: str = "one"
    name: str = "encoder"
    concurrency: int = 1
    score_kind: ScoreKind = ScoreKind.LOGIT
    document_fingerprint: str = "one"

    def queries(self, texts: object) -> Iterable[PairBatch]:
        return []

    def documents(self, texts: object) -> Iterable[PairBatch]:
        return []

    def query_vectors(self, batch: PairBatch) -> Any: ...

    def document_vectors(self, batch: PairBatch) -> Any: ...

    def batches(self, pairs: object) -> Iterable[PairBatch]:
        return []

    def duos(self, triples: object) -> Iterable[PairBatch]:
        return []

    def score(self, batch: PairBatch) -> list[float]:
        return []

    def target_tokens(self, words: Any) -> tuple[int, ...]:
        return tuple(range(len(words)))

    def fill(self, template: str, rows: object) -> Iterable[PairBatch]:
        return []

    def score_targets(self, batch: PairBatch, targets: object) -> list[tuple[float, ...]]:
        return []


@dataclass(frozen=True)
class AnyService:
    """What a rerank API can do, as far as building a judge needs it."""

    fingerprint: str = "one"
    name: str = "service"
    concurrency: int = 1
    score_kind: ScoreKind = ScoreKind.RELEVANCE
    takes_instruction: bool = False

    def batches(self, query: str, instruction: str, documents: object) -> Iterable[DocumentBatch]:
        return []

    def bound(self, batch: DocumentBatch) -> Usage:
        return Usage()

    def score(self, batch: DocumentBatch) -> DocumentScores:
        return DocumentScores((), Usage(), (), ())

    async def score_async(self, batch: DocumentBatch) -> DocumentScores:
        return self.score(batch)


#: The judge of another kind that ``ScoreDifferenceJudge`` asks.
def pointwise() -> Any:
    from rankkit.pointwise.monot5 import MonoT5Judge

    return MonoT5Judge(AnyEncoder())


#: Another value for each parameter of a constructor.
OTHERS: dict[str, Any] = {
    "passage_tokens": 17,
    "policy": "raise",
    "by_text": True,
    "store": object(),
    "scores": "probability",
}
SETWISE = (SetwiseJudge, SetwiseConstrainedJudge, SetwiseTextJudge)
#: What changes no answer: how much is remembered, and where.
CHANGES_NO_ANSWER = {
    ("ScoreDifferenceJudge", "remembered"),
    ("ScoreDifferenceJudge", "most_bytes"),
    ("SimilarityJudge", "store"),
}


def built() -> dict[str, Any]:
    """One of every judge of the package."""
    from rankkit.pointwise.cross_encoder import CrossEncoderJudge
    from rankkit.pointwise.likelihood import QueryLikelihoodJudge
    from rankkit.pointwise.monot5 import MonoT5Judge
    from rankkit.pointwise.prompted import PromptedScoreJudge
    from rankkit.pointwise.remote import RemoteJudge
    from rankkit.pointwise.similarity import SimilarityJudge

    model, order, choose = ScriptedModel(), load_prompt("listwise/small"), load_prompt("listwise/setwise")
    judges = [
        *(kind(model, order) for kind in (GenerateJudge, ConstrainedJudge, FirstTokenJudge)),
        *(kind(model, choose) for kind in (SetwiseJudge, SetwiseConstrainedJudge, SetwiseTextJudge)),
        PromptedJudge(model, load_prompt("pairwise/prp")),
        PromptedScoreJudge(model, load_prompt("pointwise/yes-no")),
        QueryLikelihoodJudge(model, load_prompt("pointwise/query-likelihood")),
        *(kind(AnyEncoder()) for kind in (DuoEncoderJudge, DuoT5Judge, CrossEncoderJudge, MonoT5Judge)),
        ScoreDifferenceJudge(pointwise()),
        RemoteJudge(AnyService()),
        SimilarityJudge(AnyEncoder()),
    ]
    return {type(judge).__name__: judge for judge in judges}


def parameters(judge: Any) -> list[str]:
    return [name for name in inspect.signature(type(judge)).parameters if name != "self"]


def changed(judge: Any, name: str) -> Any:
    """The same judge with another value for one parameter."""
    if isinstance(judge, ScoreDifferenceJudge):
        other = type(pointwise())(AnyEncoder(fingerprint="other"))
        return ScoreDifferenceJudge(other) if name == "judge" else ScoreDifferenceJudge(pointwise(), **{name: 7})
    if name == "backend":
        return replace(judge, backend=replace(judge.backend, fingerprint="other"))
    if name in ("template", "prompt"):
        before = getattr(judge, name)
        return replace(judge, **{name: replace(before, answer=(*before.answer, ("more", "words")))})
    assert name in OTHERS, f"give another value for {name} of {type(judge).__name__}"
    return replace(judge, **{name: OTHERS[name]})


def test_every_judge_of_the_package_is_here() -> None:
    found = set()
    for module in pkgutil.walk_packages(rankkit.__path__, "rankkit."):
        if module.name.split(".")[1] in ("listwise", "pairwise", "pointwise", "judging"):
            for name, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
                if name.endswith("Judge") and not inspect.isabstract(kind) and name != "Judge":
                    found.add(name)
    assert found == set(built())


@pytest.mark.parametrize(
    ("judge", "name"), [(judge, name) for judge, made in built().items() for name in parameters(made)]
)
def test_whatever_a_constructor_takes_is_in_the_fingerprints(judge: str, name: str) -> None:
    made = built()[judge]
    assert (made.fingerprints != changed(made, name).fingerprints) == ((judge, name) not in CHANGES_NO_ANSWER)


def test_two_methods_on_one_model_never_share_fingerprints() -> None:
    prints = [tuple(sorted(judge.fingerprints.items())) for judge in built().values()]
    assert len(set(prints)) == len(prints)


@dataclass(frozen=True)
class RecordsRooms(ScriptedModel):
    """Records the room that it is given for each answer."""

    rooms: list[int] = field(default_factory=list, compare=False)

    def generate(self, prompt: Any, *, max_tokens: int, stop: Any = ()) -> Generated:
        self.rooms.append(max_tokens)
        return super().generate(prompt, max_tokens=max_tokens, stop=stop)


def made(call: Call[Any], depth: int = 0) -> Iterator[Call[Any]]:
    """Each call that a judge makes, just before it is made, tries again included."""
    yield call
    for reply in call.run():
        if reply.again is not None and depth < 10:
            yield from made(reply.again, depth + 1)


@pytest.mark.parametrize("thinking", [0, 1000])
@pytest.mark.parametrize("count", [2, 3, 7, 20])
@pytest.mark.parametrize("said", ["", "nonsense", "[1]", "[2] > [1]", Generated("[2] > ", "length"), "I'm sorry."])
def test_no_more_tokens_are_asked_for_than_the_bound_says(thinking: int, count: int, said: Any) -> None:
    request = request_of([0.0] * count)
    backend = RecordsRooms(say=lambda prompt: said, thinking_tokens=thinking)
    from rankkit.pointwise.prompted import PromptedScoreJudge

    order, choose = load_prompt("listwise/small"), load_prompt("listwise/setwise")
    everything = tuple(range(count))
    judges: list[tuple[Any, Any]] = [
        *(
            (GenerateJudge(backend, order, policy=policy), Order(everything))
            for policy in ("repair", "retry", "keep_order")
        ),
        *((kind(backend, order), Order(everything)) for kind in (ConstrainedJudge, FirstTokenJudge)),
        *(
            (kind(backend, choose), Choose(everything))
            for kind in (SetwiseJudge, SetwiseConstrainedJudge, SetwiseTextJudge)
        ),
        *((PromptedJudge(backend, load_prompt("prp"), by_text=by_text), Compare(0, 1)) for by_text in (True, False)),
        *((PromptedScoreJudge(backend, load_prompt("yes-no"), by_text=by_text), Score(0)) for by_text in (True, False)),
    ]
    for judge, question in judges:
        for call in judge.prepare([BoundQuestion(request, question)]):
            for one in made(call):
                before = len(backend.rooms)
                one.run()
                assert all(room + thinking <= one.bound.output_tokens for room in backend.rooms[before:]), judge
                assert one.bound.calls == 1


def test_judges_are_values() -> None:
    """Their fields are all that they are made of: none is hidden from the test above."""
    for judge in built().values():
        if dataclasses.is_dataclass(judge):
            init = {part.name for part in dataclasses.fields(judge) if part.init}
            assert init == set(parameters(judge))
    assert Score(0)
