"""Which reranker is better, by how much, at what cost, how surely?

::

    experiment  the experiment file          statistics  how sure a figure is
    running     systems over data sets       result      what was found, as a value; outputs/ makes reports of it
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rankkit.core.lazy import lazily

if TYPE_CHECKING:
    from rankkit.comparison.result import Comparison as Comparison
else:
    __getattr__, __dir__, __all__ = lazily(
        __name__,
        {
            "Comparison": "rankkit.comparison.result",
        },
    )
