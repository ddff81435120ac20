"""How relevant is this one? Judges give each document a number of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rankkit.core.lazy import lazily

if TYPE_CHECKING:
    from rankkit.pointwise.cross_encoder import CrossEncoderJudge as CrossEncoderJudge
    from rankkit.pointwise.monot5 import MonoT5Judge as MonoT5Judge
    from rankkit.pointwise.remote import RemoteJudge as RemoteJudge
    from rankkit.pointwise.strategy import ScoreAll as ScoreAll
else:
    __getattr__, __dir__, __all__ = lazily(
        __name__,
        {
            "CrossEncoderJudge": "rankkit.pointwise.cross_encoder",
            "MonoT5Judge": "rankkit.pointwise.monot5",
            "RemoteJudge": "rankkit.pointwise.remote",
            "ScoreAll": "rankkit.pointwise.strategy",
        },
    )
