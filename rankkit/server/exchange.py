"""What goes through the server, whatever the wire format: a request read, a ranking to be written, a problem."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, Protocol

from rankkit.core.ranking import Ranking

#: What scores a client wants: the dialect's own promise (0 to 1 in most), or the model's raw ones.
ScoreForm = Literal["promised", "raw"]


@dataclass(frozen=True, slots=True)
class WireRequest:
    """A request to rerank, read from a body of any dialect.

    ``documents`` are the texts that are scored, in the body's order (objects are rendered already); ``originals`` the
    same documents as the client sent them, for replies that give them back. ``top_n`` is how many results are wanted:
    none for all. ``options`` are the dialect's own switches that its reply needs again.
    """

    query: str
    documents: tuple[str, ...]
    originals: tuple[Any, ...]
    model: str | None = None
    top_n: int | None = None
    return_documents: bool = False
    score_form: ScoreForm = "promised"
    instruction: str | None = None
    max_tokens_per_doc: int | None = None
    #: Every document has to be in the reply, last ones that a cascade dropped too: clients of TEI and of /score count.
    complete: bool = False
    #: A query for each document, where they differ (pairs of /score); ``query`` is the first of them.
    queries: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    #: What of the body was left aside, in words: a field that has no meaning here, a limit that does not apply.
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """One document of a reply: its place in the body's list, counted from 0, and its score."""

    index: int
    score: float


@dataclass(frozen=True, slots=True)
class Ranked:
    """What is to be written: the results best first and already cut, and all that a reply may tell.

    ``warnings`` say what was cut, skipped, repaired or failed, and where scores come from a rank. ``input_tokens`` is
    none where nobody counted them.
    """

    request: WireRequest
    ranking: Ranking
    results: tuple[Result, ...]
    model: str
    request_id: str
    input_tokens: int | None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """Why there is no ranking. ``kind`` is a short constant (``invalid_request``, ``not_found``, ``unauthorized``,
    ``too_large``, ``overloaded``, ``deadline``, ``internal``, ``unavailable``); ``param`` names the field it is about.
    """

    status: int
    kind: str
    message: str
    param: str | None = None
    retry_after: int | None = None
    request_id: str = ""


class WireError(Exception):
    """Raised where a body cannot be read or served; answered by the dialect with ``problem``, and with ``headers``
    that HTTP asks for.
    """

    def __init__(self, problem: Problem, headers: Mapping[str, str] = MappingProxyType({})) -> None:
        super().__init__(problem.message)
        self.problem = problem
        self.headers = headers


@dataclass(frozen=True, slots=True)
class Written:
    """A reply as it goes out: JSON (none for an empty body) and headers beside the usual ones."""

    status: int
    json: Any
    headers: Mapping[str, str] = field(default_factory=dict)


class Dialect(Protocol):
    """A wire format: how a body is read and a reply is written. One file and one row each; no I/O, no model."""

    @property
    def name(self) -> str: ...

    def read(self, body: Mapping[str, Any]) -> WireRequest:
        """Raises:
        WireError: 400 or 422, with the field's name and what was seen.
        """

    def write(self, ranked: Ranked) -> Written: ...

    def write_problem(self, problem: Problem) -> Written: ...


class DialectFinder(Protocol):
    """Which dialect a request speaks: by path, headers (lower case) and body, as ``dialects.find`` does. ``body`` is
    none where it was not read or is no object: the path alone must do, so that every error has the right shape.
    """

    def __call__(self, path: str, headers: Mapping[str, str], body: Mapping[str, Any] | None) -> Dialect: ...


def cut(results: Sequence[Result], top_n: int | None) -> tuple[Result, ...]:
    """The best ``top_n`` of them, or all."""
    return tuple(results if top_n is None else results[:top_n])
