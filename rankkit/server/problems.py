"""Which status an error becomes, and what a client may read of it: one table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rankkit.errors import (
    AuthenticationFailed,
    BudgetExhausted,
    Cancelled,
    CircuitOpen,
    ContentRefused,
    ContextTooSmall,
    EndpointError,
    EndpointTimeout,
    InputError,
    RankkitError,
    RateLimited,
)
from rankkit.server.exchange import Problem, WireError


class Row(NamedTuple):
    """``words`` stand for the error's own where those are not the client's business; ``retry_after`` is in seconds."""

    error: type[RankkitError]
    status: int
    kind: str
    words: str = ""
    retry_after: int | None = None


#: The first that fits. What is not here is a 500.
TABLE: Sequence[Row] = (
    Row(InputError, 422, "invalid_request"),
    Row(ContextTooSmall, 422, "invalid_request", "the query is too long for the model's context"),
    Row(ContentRefused, 422, "content_refused", "the model's endpoint refuses this content"),
    Row(BudgetExhausted, 504, "deadline", "the time or the budget of this request is over"),
    Row(Cancelled, 503, "unavailable", "the server stopped while this request was being ranked", 1),
    Row(RateLimited, 503, "unavailable", "the model's endpoint takes no more requests for now", 5),
    Row(CircuitOpen, 503, "unavailable", "the model's endpoint failed too often and is left alone for a while", 5),
    Row(EndpointTimeout, 504, "unavailable", "the model's endpoint did not answer in time"),
    Row(AuthenticationFailed, 502, "unavailable", "the model's endpoint does not accept this server's key"),
    Row(EndpointError, 502, "unavailable", "the model's endpoint failed"),
)


def problem_of(error: BaseException, request_id: str) -> Problem:
    """For a client: nothing of the inside, but an id by which the log can be searched."""
    if isinstance(error, WireError):
        said = error.problem
        return Problem(said.status, said.kind, said.message, said.param, said.retry_after, request_id)
    for row in TABLE:
        if isinstance(error, row.error):
            words = row.words or str(getattr(error, "message", error))
            return Problem(row.status, row.kind, words, retry_after=row.retry_after, request_id=request_id)
    words = f"the server failed; its log has more under the request id {request_id}"
    return Problem(500, "internal", words, request_id=request_id)


def refused(status: int, kind: str, message: str, *, param: str | None = None, retry: int | None = None) -> WireError:
    """To be raised: a request that is answered without being ranked."""
    return WireError(Problem(status, kind, message, param, retry))
