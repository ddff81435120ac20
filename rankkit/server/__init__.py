"""An HTTP server that speaks the wire formats of the rerank services (extra ``server``): ``rankkit serve``.

``exchange`` has the values that go through it: a ``Dialect`` reads a body into a ``WireRequest``, the application ranks
it, and the same dialect writes the ``Ranked`` or the ``Problem`` as its clients expect it. Everything else knows no
wire format: ``front`` is what each request passes first, ``endpoint`` its way to a ranking, ``served`` the rerankers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rankkit.core.lazy import lazily

if TYPE_CHECKING:
    from rankkit.server.asgi import application as application
    from rankkit.server.keys import FixedKeys as FixedKeys
    from rankkit.server.keys import KeyFile as KeyFile
    from rankkit.server.settings import Limits as Limits
    from rankkit.server.settings import Settings as Settings
else:
    __getattr__, __dir__, __all__ = lazily(
        __name__,
        {
            "FixedKeys": "rankkit.server.keys",
            "KeyFile": "rankkit.server.keys",
            "Limits": "rankkit.server.settings",
            "Settings": "rankkit.server.settings",
            "application": "rankkit.server.asgi",
        },
    )
