"""The data model: a query and its candidates go in, the same candidates come out in a better order, with the usage
attached.

All types are frozen and hold plain Python values. ``Request.of`` and ``Candidate.of`` read the caller's
own shapes.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import get_args, overload

from rankkit.core.documents import TEXT_KEYS, Fields, OnEmpty, listed, read_document, unused_ids
from rankkit.core.explanation import Explanation, explain
from rankkit.core.printing import Line, as_html, as_text, warnings_of
from rankkit.core.printing import clip as clip
from rankkit.core.step import Step as Step
from rankkit.core.step import step_to_dict as step_to_dict
from rankkit.core.step import usage_to_dict as usage_to_dict
from rankkit.core.text import without_surrogates
from rankkit.core.usage import Usage
from rankkit.errors import ContractViolation, DuplicateIds, EmptyQuery, InputError, InvalidDocument, nearest

_SKIPPED = "documents without text, skipped"


class ScoreKind(StrEnum):
    """What a score's number means. Scores of different kinds, or of different models, are not comparable."""

    LOGIT = "logit"
    PROBABILITY = "probability"
    #: Fitted on judged data (``rankkit calibrate``); a plain probability is what a model says of itself.
    CALIBRATED = "calibrated probability"
    LOG_LIKELIHOOD = "log-likelihood"
    LOG_ODDS = "log-odds"
    SIMILARITY = "similarity"
    BM25 = "bm25"
    RELEVANCE = "relevance"
    WINS = "wins"
    FUSED = "fused"


@dataclass(frozen=True, slots=True)
class Query:
    """What is searched for. ``instruction`` says in words what counts as relevant beside it ("prefer official
    sources"): a reranker follows it or refuses the request.
    """

    text: str
    id: str = ""
    instruction: str = ""

    def __post_init__(self) -> None:
        for what, text in (("a query", self.text), ("an instruction", self.instruction)):
            if not isinstance(text, str):
                raise InputError(f"{what} is a string, not {type(text).__name__}")
        if not self.text.strip():
            where = f" (query id {self.id!r})" if self.id else ""
            raise EmptyQuery(
                f"the query is empty{where}",
                hint="Rerankers compare documents with a query: give one with words in it.",
            )


@dataclass(frozen=True, slots=True)
class Candidate:
    """One document to be ranked. Its rank is its position in the request, ``score`` is the first stage's where there
    was one.
    """

    id: str
    text: str
    title: str = ""
    score: float | None = None
    metadata: Mapping[str, object] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if not isinstance(self.text, str) or not isinstance(self.title, str):
            raise InvalidDocument(
                f"document {self.id!r}: text and title are strings, "
                f"not {type(self.text).__name__} and {type(self.title).__name__}"
            )
        if not self.text.strip() and not self.title.strip():
            raise InvalidDocument(
                f"document {self.id!r} has no text", hint="Leave it out, or give it a text or a title."
            )

    @property
    def content(self) -> str:
        """Title and text, as a reranker reads them."""
        return f"{self.title} {self.text}" if self.title else self.text

    @classmethod
    def of(cls, document: object, position: int = 0) -> Candidate:
        """Read a string, a mapping, or any object with a text: see ``rankkit.core.documents`` for the shapes.

        A document without an id gets its position as one. Other keys of a mapping are kept as metadata.

        Raises:
            InvalidDocument: it is no document, or has no text.
        """
        if isinstance(document, Candidate):
            return document
        return _candidate(read_document(document, position), str(position), position)


def _candidate(fields: Fields, name: str, position: int) -> Candidate:
    if fields.text is None and not fields.title:
        raise InvalidDocument(
            f"document {position} has no text: {fields.seen} was given",
            hint=f"Give a string, or a mapping or object with one of: {', '.join(TEXT_KEYS)}.",
        )
    return Candidate(fields.id or name, fields.text or "", fields.title, fields.score, fields.metadata)


@dataclass(frozen=True, slots=True)
class Request:
    """A query and its candidates, in first-stage order. Ids are unique; this is checked here and nowhere else.

    ``notes`` counts what was left out or changed when they were read (``of``).
    """

    query: Query
    candidates: tuple[Candidate, ...]
    notes: Mapping[str, int] = field(default_factory=dict, compare=False, hash=False, repr=False)

    def __post_init__(self) -> None:
        if len({candidate.id for candidate in self.candidates}) < len(self.candidates):
            counts = Counter(candidate.id for candidate in self.candidates)
            repeated = [name for name, count in counts.items() if count > 1]
            raise DuplicateIds(
                f"{len(repeated)} document id(s) are given more than once: {', '.join(map(repr, repeated[:5]))}",
                hint="Ids distinguish candidates: make them unique, or leave them out to have positions as ids.",
            )

    @classmethod
    def of(
        cls, query: str | Query, documents: Iterable[object], *, on_empty: OnEmpty = "error", instruction: str = ""
    ) -> Request:
        """Accept plain strings, mappings and objects (see ``Candidate.of``); nothing handed in is changed.

        Documents without an id get their position among ``documents`` as one, or another number where that is the id
        of somebody else. ``on_empty="skip"`` leaves out those without a text and a title. Lone surrogates in plain
        values, halves of characters, are read as U+FFFD. ``notes`` counts both.

        Raises:
            EmptyQuery, InvalidDocument, DuplicateIds: as they say.
            InputError: ``documents`` is not an iterable of documents.
        """
        if on_empty not in get_args(OnEmpty):
            raise InputError(f"on_empty is {on_empty!r}", hint=nearest(str(on_empty), get_args(OnEmpty)))
        notes = Counter[str]()
        asked = query if isinstance(query, Query) else Query(_valid(query, "query", notes))
        if instruction:
            asked = replace(asked, instruction=_valid(instruction, "instruction", notes))
        read: dict[int, Fields | Candidate] = {}
        for position, document in enumerate(listed(documents)):
            one = document if isinstance(document, Candidate) else read_document(document, position)
            if on_empty == "skip" and isinstance(one, Fields) and one.is_empty:
                notes[_SKIPPED] += 1
            else:
                read[position] = one if isinstance(one, Candidate) else _valid_fields(one, notes)
        nameless = [position for position, one in read.items() if not one.id]
        taken = {one.id for one in read.values()}
        made = dict(zip(nameless, unused_ids(taken, nameless, beyond=len(read) + notes[_SKIPPED]), strict=False))
        candidates = (
            one if isinstance(one, Candidate) else _candidate(one, made.get(position, ""), position)
            for position, one in read.items()
        )
        return cls(asked, tuple(candidates), {words: times for words, times in notes.items() if times})

    def __len__(self) -> int:
        return len(self.candidates)

    def select(self, places: Iterable[int]) -> Request:
        """The same query over the candidates at these positions (counted from 0), in this order.

        Raises:
            InputError: a position that is not there.
        """
        chosen = tuple(places)
        if wrong := [place for place in chosen if not 0 <= place < len(self.candidates)]:
            raise InputError(
                f"there is no candidate at position {wrong[0]}", hint=f"Positions go from 0 to {len(self) - 1}."
            )
        return Request(self.query, tuple(self.candidates[place] for place in chosen), self.notes)


def _valid(text: str, what: str, notes: Counter[str]) -> str:
    valid = without_surrogates(text) if isinstance(text, str) else text
    if valid is not text:
        notes[f"lone surrogates read as U+FFFD, {what}"] += 1
    return valid


def _valid_fields(fields: Fields, notes: Counter[str]) -> Fields:
    text, title = without_surrogates(fields.text or ""), without_surrogates(fields.title)
    if text is (fields.text or "") and title is fields.title:
        return fields
    notes["lone surrogates read as U+FFFD, documents"] += 1
    return replace(fields, text=text, title=title)


@dataclass(frozen=True, slots=True)
class Ranked:
    """One row of a ranking; ``rank`` counts from 1, ``index`` is the position in the request. ``raw_score`` is the
    model's own where ``score`` is a calibrated probability.
    """

    rank: int
    index: int
    candidate: Candidate
    score: float | None
    raw_score: float | None = None

    def numbers(self, *, raw: bool) -> dict[str, object]:
        """For JSON: all but the texts, with the ``raw`` score where there may be one."""
        said = {"rank": self.rank, "index": self.index, "id": self.candidate.id, "score": self.score}
        return {**said, **({"raw_score": self.raw_score} if raw else {})}


@dataclass(frozen=True, slots=True, repr=False)
class Ranking:
    """A request's candidates, best first.

    ``order`` and ``dropped`` are positions in the request and together always a permutation of all of them: whatever
    a reranker does, no candidate can be lost, invented or repeated. ``scores`` run along ``order``; they are ``None``
    as a whole where the method gives none (listwise), and one by one where a candidate was not scored. ``scores_from``
    names the stage that gave them where a later stage, which gives none, has changed the order since: then they need
    not fall, and no threshold is held against them.

    As a sequence it holds rows: ``ranking[0]``, ``ranking[:3]``, ``for row in ranking``.
    """

    request: Request
    order: tuple[int, ...]
    scores: tuple[float | None, ...] | None = None
    score_kind: ScoreKind | None = None
    usage: Usage = field(default_factory=Usage)
    steps: tuple[Step, ...] = ()
    dropped: tuple[int, ...] = ()
    scores_from: str = ""

    def __post_init__(self) -> None:
        if sorted((*self.order, *self.dropped)) != list(range(len(self.request))):
            raise ContractViolation(
                f"a ranking of {len(self.request)} candidates must hold each position once, "
                f"but holds {self.order} and drops {self.dropped}"
            )
        if self.scores is not None and len(self.scores) != len(self.order):
            raise ContractViolation(f"{len(self.scores)} scores for {len(self.order)} candidates")
        if self.scores is not None and not all(score is None or math.isfinite(score) for score in self.scores):
            raise ContractViolation("a score is NaN or infinite")

    @property
    def query(self) -> Query:
        return self.request.query

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        return tuple(self.request.candidates[index] for index in self.order)

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(self.request.candidates[index].id for index in self.order)

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(self.request.candidates[index].text for index in self.order)

    def __len__(self) -> int:
        return len(self.order)

    def __iter__(self) -> Iterator[Ranked]:
        return (self._row(place) for place in range(len(self.order)))

    @overload
    def __getitem__(self, place: int) -> Ranked: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[Ranked, ...]: ...

    def __getitem__(self, place: int | slice) -> Ranked | tuple[Ranked, ...]:
        places = range(len(self.order))[place]
        return tuple(map(self._row, places)) if isinstance(places, range) else self._row(places)

    def _row(self, place: int) -> Ranked:
        index = self.order[place]
        score = None if self.scores is None else self.scores[place]
        candidate, calibrated = self.request.candidates[index], self.calibrated_by
        raw = calibrated.raw_scores.get(candidate.id) if calibrated is not None else None
        return Ranked(place + 1, index, candidate, score, raw)

    @property
    def calibrated_by(self) -> Step | None:
        """The step that made calibrated probabilities of raw scores, if these are the scores here."""
        if self.score_kind is not ScoreKind.CALIBRATED:
            return None
        return next((step for step in reversed(self.steps) if step.raw_scores), None)

    def explain(self, document: str | int) -> Explanation:
        """What each stage made of one document, named by its id, or by its rank counted from 1.

        Raises:
            InputError: there is no such document, or none at this rank.
        """
        if isinstance(document, int):
            if not 1 <= document <= len(self.order):
                raise InputError(f"there is no rank {document}", hint=f"Ranks here go from 1 to {len(self.order)}.")
            document = self.ids[document - 1]
        first = {candidate.id: rank for rank, candidate in enumerate(self.request.candidates, start=1)}
        if document not in first:
            raise InputError(f"there is no document {document!r} in this ranking", hint=nearest(document, first))
        final = self.ids.index(document) + 1 if document in self.ids else None
        return explain(document, first[document], self.steps, final)

    def top(self, k: int) -> Ranking:
        """The best ``k``; the others are remembered as dropped."""
        if k < 0:
            raise InputError(f"top_k is {k}", hint="Give 0 or more.")
        if k >= len(self.order):
            return self
        return replace(
            self,
            order=self.order[:k],
            scores=None if self.scores is None else self.scores[:k],
            dropped=(*self.order[k:], *self.dropped),
        )

    def above(self, threshold: float) -> Ranking:
        """Those with a score of at least ``threshold``, in the unit of ``score_kind``; the others are remembered as
        dropped.
        """
        if self.scores is None and not self.order:
            return self
        if self.scores is None or self.scores_from:
            seen = f": its scores are those of {self.scores_from}, its order is not" if self.scores_from else ""
            raise InputError(
                f"this ranking has no scores of its own to hold against a threshold{seen}",
                hint="Listwise methods give an order only: use top_k, or cut behind a stage that gives scores "
                "(drop_below).",
            )
        kept = [row for row in self if row.score is not None and row.score >= threshold]
        inside = {row.index for row in kept}
        return replace(
            self,
            order=tuple(row.index for row in kept),
            scores=tuple(row.score for row in kept),
            dropped=(*(index for index in self.order if index not in inside), *self.dropped),
        )

    def noted(self, words: str) -> Ranking:
        """The same, with a note in its last step."""
        if not self.steps:
            return self
        last = self.steps[-1]
        return replace(self, steps=(*self.steps[:-1], replace(last, notes={**last.notes, words: 1})))

    def to_dict(self) -> dict[str, object]:
        """Plain Python for JSON: the rows without their texts, the usage and the steps' words."""
        return {
            "query": self.query.text,
            "query_id": self.query.id,
            **({"instruction": self.query.instruction} if self.query.instruction else {}),
            "score_kind": self.score_kind and self.score_kind.value,
            **({"raw_score_kind": calibrated.raw_kind} if (calibrated := self.calibrated_by) else {}),
            "scores_from": self.scores_from or None,
            "input_notes": dict(self.request.notes),
            "results": [row.numbers(raw=calibrated is not None) for row in self],
            "usage": usage_to_dict(self.usage),
            "steps": [step_to_dict(step) for step in self.steps],
        }

    def __repr__(self) -> str:
        kind, lines = self._kind("order only"), _lines(self[:10])
        return as_text(self.query.text, lines, kind=kind, total=len(self), warnings=warnings_of(self.steps))

    def _repr_html_(self) -> str:
        kind, lines = self._kind("score"), _lines(self[:20])
        return as_html(self.query.text, lines, kind=kind, warnings=warnings_of(self.steps))

    def _kind(self, otherwise: str) -> str:
        kind = self.score_kind.value if self.score_kind else otherwise
        return f"{kind} of {self.scores_from}, an earlier stage" if self.scores_from else kind


def _lines(rows: Iterable[Ranked]) -> list[Line]:
    return [Line(row.rank, row.score, row.candidate.id, row.candidate.content) for row in rows]
