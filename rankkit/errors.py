"""Every error that rankkit raises on purpose.

::

    RankkitError
    ├── InputError                 what the caller handed in cannot be ranked
    │   ├── EmptyQuery
    │   ├── InvalidDocument        no text, not a document, ...
    │   ├── DuplicateIds
    │   ├── QueryTooLong
    │   ├── InstructionRefused     a model that cannot follow the request's instruction
    │   └── DataError              a line of a file cannot be read, or files do not fit together
    ├── ConfigError                a spec, an option or a value of it
    ├── PromptError                a prompt file
    ├── MissingExtra               an optional dependency is not installed
    ├── ModelError
    │   ├── UnknownModel           neither a catalogue name nor a folder
    │   ├── ModelNotPulled         known, but not on this machine
    │   ├── InvalidModel           its files are missing, broken or of another kind
    │   ├── ChecksumMismatch
    │   ├── DownloadFailed
    │   ├── LicenceNotAccepted
    │   ├── SourceUnverified       nothing says what its files must be
    │   └── StoreError             the cache folder, or the run store: full, not writable, damaged, ...
    ├── BackendError               a model could not answer
    │   ├── CapabilityMissing      the backend cannot do what the judge needs
    │   ├── ContextTooSmall        the fixed part of a prompt does not fit
    │   ├── InvalidOutput          NaN, infinite, or not an answer to the question
    │   └── EndpointError          a remote model
    │       ├── ConnectionFailed
    │       ├── EndpointTimeout
    │       ├── AuthenticationFailed
    │       ├── ModelNotServed
    │       ├── RateLimited
    │       ├── ServerFailed
    │       ├── RequestRefused     the server calls the request itself wrong
    │       │   └── ContentRefused a content filter does not let the text through
    │       ├── InvalidReply       not the JSON that the protocol promises
    │       └── CircuitOpen        not asked: it failed too often just before
    ├── BudgetExhausted
    └── Cancelled                  nobody waits for it any more: its task was cancelled, its time was over

A message says what was seen and what was allowed; the hint says what to do next. Programmer errors (a strategy that
returns something other than a permutation, say) are ``ContractViolation``, a ``RuntimeError`` outside this tree:
nobody should catch them.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar


class RankkitError(Exception):
    """Base of all of them. ``exit_code`` is what the command line returns for it (table in docs/cli.md)."""

    exit_code: ClassVar[int] = 1
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message

    def __reduce__(self) -> tuple[object, ...]:
        # The default would lose the hint on its way through a process pool.
        return _rebuild, (type(self), self.message, self.hint), vars(self)


def _rebuild(kind: type[RankkitError], message: str, hint: str) -> RankkitError:
    return kind(message, hint=hint)


class ContractViolation(RuntimeError):
    """A strategy, judge or reranker broke its own promise. A bug in it, not in the caller's input."""


class InputError(RankkitError, ValueError):
    exit_code = 5


class EmptyQuery(InputError):
    pass


class InvalidDocument(InputError):
    pass


class DuplicateIds(InputError):
    pass


class InstructionRefused(InputError):
    pass


class QueryTooLong(InputError):
    pass


class DataError(InputError):
    pass


class ConfigError(RankkitError, ValueError):
    exit_code = 2


class PromptError(ConfigError):
    pass


class MissingExtra(RankkitError, ImportError):
    exit_code = 3


class ModelError(RankkitError):
    exit_code = 4


class UnknownModel(ModelError):
    pass


class ModelNotPulled(ModelError):
    pass


class InvalidModel(ModelError):
    pass


class ChecksumMismatch(ModelError):
    pass


class DownloadFailed(ModelError):
    retryable = True


class SourceUnverified(ModelError):
    """Neither a commit nor a checksum says what a model's files must be, and nobody said that they are trusted."""


class LicenceNotAccepted(ModelError):
    pass


class StoreError(ModelError, OSError):
    pass


class BackendError(RankkitError):
    exit_code = 6


class CapabilityMissing(BackendError):
    exit_code = 2


class ContextTooSmall(BackendError):
    pass


class InvalidOutput(BackendError):
    pass


class EndpointError(BackendError):
    #: Whether the request may have reached the server, which may then charge for it.
    sent: bool = True
    #: All that the server said about it, and the short codes that stood beside: its message quotes the beginning.
    said: str = ""
    codes: tuple[str, ...] = ()


class ConnectionFailed(EndpointError):
    retryable = True


class EndpointTimeout(EndpointError):
    retryable = True


class AuthenticationFailed(EndpointError):
    pass


class ModelNotServed(EndpointError):
    pass


class RateLimited(EndpointError):
    retryable = True


class ServerFailed(EndpointError):
    retryable = True


class RequestRefused(EndpointError):
    pass


class ContentRefused(RequestRefused):
    pass


class InvalidReply(EndpointError):
    retryable = True


class CircuitOpen(EndpointError):
    pass


class BudgetExhausted(RankkitError):
    exit_code = 6


class Cancelled(RankkitError):
    pass


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint that names what ``name`` was probably meant to be, or everything that is known when nothing is close."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if close:
        return f"Did you mean {' or '.join(close)}?"
    return f"Known: {', '.join(names)}." if names else "None is known."
