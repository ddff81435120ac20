"""How often one call may be sent to a server, and what was sent: so that a budget holds for tries, too.

A backend that tries again inside a call asks ``current().may_go_again()`` first, and says what became of each try.
Who makes the call has set aside its bound for one try; each further one is set aside before it begins, if the budget
has room for it. Outside a ranking nobody counts, and every try may be made; requests that are in no call's bill are
made ``with Tries().active()``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace

from rankkit.core.budgeting import Account
from rankkit.core.usage import Usage


class Tries:
    """The tries of one call that can cost ``bound`` each. Safe to use from several threads.

    ``failed`` counts those that were sent and brought nothing: they timed out, broke off, or were answered by an error
    and made again. One that reached no server is not among them. ``answered`` says whether the last one was answered,
    by a refusal perhaps.
    """

    def __init__(self, bound: Usage | None = None, account: Account | None = None) -> None:
        """The first try has been charged to ``account`` already. Without one, all may be made."""
        self.bound = bound or Usage()
        self.failed = 0
        self.answered = False
        self._account = account
        self._reserved = 1
        self._closed = False

    def may_go_again(self) -> str:
        """Whether there may be another try: "", or the limit that it would break. What the last one was given is free
        for it where that was not sent, or was answered.
        """
        if self._account is None:
            return ""
        with self._account.lock:
            if self._closed:
                return "the call was given up"
            if self.failed < self._reserved:
                return ""
            reason = self._account.reserve(self.bound)
            self._reserved += not reason
            return reason

    def ended(self, *, sent: bool, answered: bool) -> None:
        """A try is over."""
        self.failed += sent and not answered
        self.answered = answered

    def give_back(self) -> Usage:
        """The call is over: take back all that was set aside for it, and let it try no more.

        Returns:
            What was set aside, which is the most that the call may have cost.
        """
        if self._account is None:
            return times(self._reserved, self.bound)
        with self._account.lock:
            self._closed = True
            reserved = times(self._reserved, self.bound)
            self._account.refund(reserved)
            return reserved

    @property
    def usage_of_failed(self) -> Usage:
        return times(self.failed, self.bound)

    @contextmanager
    def active(self) -> Iterator[None]:
        """Make these the ``current`` ones of this thread or task."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)


def times(count: int, usage: Usage) -> Usage:
    return replace(
        usage,
        calls=count * usage.calls,
        input_tokens=count * usage.input_tokens,
        output_tokens=count * usage.output_tokens,
        cached_tokens=count * usage.cached_tokens,
        seconds=count * usage.seconds,
        cost=usage.cost and count * usage.cost,
        billed_units=None,  # what a service bills for a try that failed is not known
    )


_current: ContextVar[Tries | None] = ContextVar("rankkit_tries", default=None)


def current() -> Tries:
    """Those of the call that this thread or task makes; outside a ranking, some that nobody counts."""
    return _current.get() or Tries()
