from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.backends.loopback import Loopback


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback() as loopback:
        yield loopback


@pytest.fixture
def root(server: Loopback) -> str:
    """Its address without a version."""
    return server.url.removesuffix("/v1")
