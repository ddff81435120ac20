"""When a request is tried again: a matter of status, headers and the number of tries, not of the clock on the wall."""

from __future__ import annotations

import pytest

from rankkit.backends.http.retrying import passes, wait_before_next


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after": "Thu, 01 Jan 1970 00:01:00 GMT"}, 50.0),
        ({"retry-after": "3600"}, None),
        ({"retry-after": "inf"}, None),
    ],
)
def test_the_server_s_wish(headers: dict[str, str], expected: float | None):
    assert wait_before_next(1, headers, now=10.0) == expected


@pytest.mark.parametrize("headers", [{}, {"retry-after": "soon"}, {"retry-after": "nan"}, {"retry-after": ""}])
def test_without_one_the_wait_doubles(headers: dict[str, str]):
    for tries, longest in ((1, 0.5), (2, 1.0), (5, 8.0), (50, 8.0)):
        wait = wait_before_next(tries, headers)
        assert wait is not None and longest * 0.75 <= wait <= longest


def test_what_passes():
    assert all(passes(status, {}) for status in (408, 409, 429, 500, 503))
    assert not any(passes(status, {}) for status in (400, 401, 404, 422))
    assert not passes(429, {}, ("insufficient_quota",))
    assert passes(400, {"x-should-retry": "true"}) and not passes(500, {"x-should-retry": "false"})
