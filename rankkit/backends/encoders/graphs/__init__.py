"""Graphs as data: read, measured, rewritten so that they compute less for the same answer, and kept beside the source.

``onnx_format`` reads and writes the files, ``probing`` learns the shapes, ``row_rules``, ``narrowing`` and
``simplifying`` rewrite, ``equivalence`` holds the result against the source, ``making`` does all of it and
``optimised`` finds what was made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rankkit.core.lazy import lazily

if TYPE_CHECKING:
    from rankkit.backends.encoders.graphs.making import optimise_graph as optimise_graph
    from rankkit.backends.encoders.graphs.optimised import Optimised as Optimised
    from rankkit.backends.encoders.graphs.optimised import find_optimised as find_optimised
else:
    __getattr__, __dir__, __all__ = lazily(
        __name__,
        {
            "Optimised": "rankkit.backends.encoders.graphs.optimised",
            "find_optimised": "rankkit.backends.encoders.graphs.optimised",
            "optimise_graph": "rankkit.backends.encoders.graphs.making",
        },
    )
