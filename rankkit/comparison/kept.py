"""How a ranking is kept: as compact JSON without the texts, under a digest of the request that it is of."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from pydantic import TypeAdapter

from rankkit.core.ranking import Query, Ranking, Request, ScoreKind, Step
from rankkit.core.usage import Usage
from rankkit.data.plain import plain
from rankkit.errors import ContractViolation, RankkitError

#: What the reason of a stage is made of that was skipped because time was short (``TimeBelow``).
_TIME_SHORT = " s left are less than "


@dataclass(frozen=True, slots=True)
class KeptRanking:
    """A ranking as the store has it, for people: ids instead of texts. ``candidates`` are all ids in first-stage order,
    ``ids`` those ranked, best first.
    """

    query: Query
    candidates: tuple[str, ...]
    ids: tuple[str, ...]
    scores: tuple[float | None, ...] | None
    score_kind: ScoreKind | None
    scores_from: str
    dropped: tuple[str, ...]
    usage: Usage
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class _Body:
    """All of a ranking but its request."""

    order: tuple[int, ...]
    scores: tuple[float | None, ...] | None
    score_kind: ScoreKind | None
    usage: Usage
    steps: tuple[Step, ...]
    dropped: tuple[int, ...]
    scores_from: str


_BODY = TypeAdapter(_Body)


def passing_trouble(ranking: Ranking) -> str:
    """Why the ranking is not what the system makes of the request on a good day: a call failed, or a limit of time
    ended or skipped a stage. ``""`` where it is.
    """
    for step in ranking.steps:
        if step.failures or step.late:
            return f"{step.stage}: {step.trouble}"
        if _TIME_SHORT in step.skipped:
            return f"{step.stage}: {step.skipped}"
    return ""


def request_digest(request: Request) -> bytes:
    """Of all that a reranker may read: the query with its id, and of each candidate, in order, id, title, text, score
    and metadata.
    """
    digest = hashlib.sha256(b"request 1")
    for text in _read(request):
        part = text.encode("utf-8", "surrogatepass")
        digest.update(b"%d:%s" % (len(part), part))  # each by itself: ("a", "bc") is not ("ab", "c")
    return digest.digest()


def _read(request: Request) -> Iterator[str]:
    yield str(request.query.id)
    yield request.query.text
    if request.query.instruction:
        yield f"instruction {request.query.instruction}"
    for candidate in request.candidates:
        yield from (str(candidate.id), candidate.title, candidate.text)
        yield "" if candidate.score is None else repr(float(candidate.score))
        yield json.dumps(plain(candidate.metadata), sort_keys=True) if candidate.metadata else ""


def encoded(ranking: Ranking) -> bytes | None:
    """The ranking in bytes; ``None`` for one that could not be read back as it is."""
    places = {candidate.id: place for place, candidate in enumerate(ranking.request.candidates)}
    body = {one.name: getattr(ranking, one.name) for one in fields(_Body)}
    body["steps"] = [_step(step, places) for step in ranking.steps]
    try:
        made = zlib.compress(json.dumps(body, default=_parts, separators=(",", ":")).encode())
        return made if decoded(made, ranking.request) == ranking else None
    except (TypeError, ValueError, RankkitError):  # a value that is neither JSON's nor ours
        return None


def decoded(made: bytes, request: Request) -> Ranking:
    """``encoded`` read back, for the request that it is of.

    Raises:
        ValueError: these are no such bytes.
    """
    body = _body(made, [candidate.id for candidate in request.candidates])
    try:
        return Ranking(request, **{one.name: getattr(body, one.name) for one in fields(body)})
    except ContractViolation as error:
        raise ValueError(f"no kept ranking: {error}") from error


def encoded_request(request: Request) -> bytes:
    """What is kept of a request for people: the query, and the candidates' ids."""
    told = [request.query.id, request.query.text, [candidate.id for candidate in request.candidates]]
    return zlib.compress(json.dumps(told, separators=(",", ":")).encode())


def decoded_request(made: bytes) -> tuple[Query, list[str]]:
    """Raises:
    ValueError: these are no such bytes.
    """
    try:
        identifier, text, ids = _loaded(made)
        return Query(text, identifier), list(ids)
    except (TypeError, RankkitError) as error:
        raise ValueError(f"no kept request: {error}") from error


def shown(made: bytes, request: bytes) -> KeptRanking:
    """Raises:
    ValueError: these are no such bytes.
    """
    query, ids = decoded_request(request)
    body = _body(made, ids)
    if sorted((*body.order, *body.dropped)) != list(range(len(ids))):
        raise ValueError("no kept ranking: it is of other candidates")
    return KeptRanking(
        query=query,
        candidates=tuple(ids),
        ids=tuple(ids[place] for place in body.order),
        scores=body.scores,
        score_kind=body.score_kind,
        scores_from=body.scores_from,
        dropped=tuple(ids[place] for place in body.dropped),
        usage=body.usage,
        steps=body.steps,
    )


def _step(step: Step, places: Mapping[str, int]) -> dict[str, object]:
    """Ids as places in the request, which are shorter; an id from elsewhere stays."""
    return _parts(step) | {"order": [places.get(name, name) for name in step.order]}


def _parts(value: object) -> dict[str, object]:
    """One level of what JSON does not know."""
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: getattr(value, one.name) for one in fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not kept")


def _body(made: bytes, ids: Sequence[str]) -> _Body:
    read = _loaded(made)
    try:
        for step in read["steps"]:
            step["order"] = [ids[place] if isinstance(place, int) else place for place in step["order"]]
    except (LookupError, TypeError) as error:
        raise ValueError(f"no kept ranking: {error}") from error
    return _BODY.validate_python(read)


def _loaded(made: bytes) -> Any:
    try:
        return json.loads(zlib.decompress(made))
    except (zlib.error, TypeError, RecursionError) as error:
        raise ValueError(str(error)) from error
