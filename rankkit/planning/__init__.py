"""Before anything is paid for: what a prompt would say, and how fast a reranker is here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rankkit.core.lazy import lazily

if TYPE_CHECKING:
    from rankkit.planning.calibration import Speed as Speed
    from rankkit.planning.calibration import calibrate as calibrate
    from rankkit.planning.preview import Rendered as Rendered
    from rankkit.planning.preview import render_prompt as render_prompt
else:
    __getattr__, __dir__, __all__ = lazily(
        __name__,
        {
            "Rendered": "rankkit.planning.preview",
            "Speed": "rankkit.planning.calibration",
            "calibrate": "rankkit.planning.calibration",
            "render_prompt": "rankkit.planning.preview",
        },
    )
