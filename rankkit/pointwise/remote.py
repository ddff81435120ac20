"""A rerank API as a judge: it scores the documents of one query in one call, as many as it takes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from rankkit.backends.protocols import DocumentBatch, DocumentScorer, DocumentScores, require
from rankkit.core.judge import BoundQuestion, Call, Reply
from rankkit.core.questions import Answer, Score
from rankkit.core.ranking import Request, ScoreKind
from rankkit.core.usage import Usage
from rankkit.judging.on_backend import BackendJudge


@dataclass(frozen=True)
class RemoteJudge(BackendJudge[DocumentScorer]):
    """Sends each candidate's title and text. A request's candidates share calls; no two requests do.

    A call that failed loses its own documents only: what other calls brought is kept, and not asked for again.
    """

    def __post_init__(self) -> None:
        require(self.backend, DocumentScorer, by="a judge of a rerank API")

    @property
    def fingerprints(self) -> Mapping[str, str]:
        return {"model": f"{self.backend.name}@{self.backend.fingerprint}"}

    @property
    def score_kind(self) -> ScoreKind:
        return self.backend.score_kind

    @property
    def zero_to_one(self) -> bool:
        """Whether the service promises numbers between 0 and 1."""
        return bool(getattr(self.backend, "zero_to_one", False))

    @property
    def takes_instruction(self) -> bool:
        """Whether the API has a field for a request's instruction."""
        return self.backend.takes_instruction

    def max_group_size(self, request: Request) -> int | None:
        return None

    def prepare(self, asked: Sequence[BoundQuestion[Score]]) -> Iterator[Call[float]]:
        by_request: dict[int, list[int]] = {}
        for slot, item in enumerate(asked):
            by_request.setdefault(id(item.request), []).append(slot)
        for slots in by_request.values():
            request = asked[slots[0]].request
            texts = [request.candidates[asked[slot].question.index].content for slot in slots]
            for batch in self.backend.batches(request.query.text, request.query.instruction, texts):
                answered = tuple(slots[position] for position in batch.positions)
                yield Call(
                    answered,
                    self.backend.bound(batch),
                    partial(self._run, batch),
                    partial(_await, self.backend.score_async, batch),
                )

    def _run(self, batch: DocumentBatch) -> list[Reply[float]]:
        return _replies(self.backend.score(batch))


async def _await(
    score: Callable[[DocumentBatch], Awaitable[DocumentScores]], batch: DocumentBatch
) -> list[Reply[float]]:
    return _replies(await score(batch))


def _replies(scored: DocumentScores) -> list[Reply[float]]:
    """The first document carries the bill of the call, and the remarks on it."""
    return [
        Reply(
            Answer(score),
            Usage() if place else scored.usage,
            (*(() if place else scored.notes), *scored.remarks[place]),
        )
        for place, score in enumerate(scored.scores)
    ]
