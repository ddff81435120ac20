"""Where a rerank API is asked: a ``base_url`` may end in a version, in the whole path, or in neither."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from rankkit.backends.http.address import check_url
from rankkit.backends.rerank_api.dialects import Dialect
from rankkit.errors import ConfigError

_VERSION = re.compile(r"/v\d+(?=/|\Z)")


def address_of(dialect: Dialect, base_url: str | None) -> tuple[str, str]:
    """The base and the path behind it. A version or the whole path that ``base_url`` has is not said twice, and a
    version that it has is the one that is meant.

    Raises:
        ConfigError: it is no address, or none is given for a server that people run themselves.
    """
    if base_url is None and not dialect.hosted:
        raise ConfigError(
            f"api = {dialect.name!r} is a server that people run themselves: where is it?",
            hint=f'Give base_url = "http://127.0.0.1:8000", or wherever its {dialect.path} is.',
        )
    base = check_url(base_url or dialect.base_url)
    ends, path = urlsplit(base).path, dialect.path
    versioned = _VERSION.match(path)
    tail = path[versioned.end() :] if versioned else path
    if ends.endswith(tail):
        return base[: -len(tail)], tail
    own = re.search(r"/v\d+\Z", ends)
    return base, tail if own and versioned else path
