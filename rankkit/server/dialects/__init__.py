"""The wire formats of the rerank services, one file each: what a body means, how a reply and an error look.

``find`` says which of them a request speaks; ``DIALECTS`` are all of them, by name, and ``PATHS`` where they are asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rankkit.core.lazy import lazily

if TYPE_CHECKING:
    from rankkit.server.dialects.finding import DIALECTS as DIALECTS
    from rankkit.server.dialects.finding import PATHS as PATHS
    from rankkit.server.dialects.finding import find as find
else:
    __getattr__, __dir__, __all__ = lazily(
        __name__,
        {
            "DIALECTS": "rankkit.server.dialects.finding",
            "PATHS": "rankkit.server.dialects.finding",
            "find": "rankkit.server.dialects.finding",
        },
    )
