"""The wire formats of the rerank services, one file each: what a body means, how a reply and an error look.

``find`` says which of them a request speaks; ``DIALECTS`` are all of them, by name, and ``PATHS`` where they are asked.
"""

from __future__ import annotations

from rankkit.server.dialects.finding import DIALECTS as DIALECTS
from rankkit.server.dialects.finding import PATHS as PATHS
from rankkit.server.dialects.finding import find as find
