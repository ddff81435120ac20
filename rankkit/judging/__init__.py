"""What the judges of all paradigms share: their backend, batches, prompts that fit, windows of passages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rankkit.core.lazy import lazily

if TYPE_CHECKING:
    from rankkit.judging.batched import BatchJudge as BatchJudge
    from rankkit.judging.batched import FirstWordJudge as FirstWordJudge
    from rankkit.judging.fitting import Fit as Fit
    from rankkit.judging.on_backend import BackendJudge as BackendJudge
    from rankkit.judging.on_backend import LanguageModelJudge as LanguageModelJudge
    from rankkit.judging.window import Fitted as Fitted
    from rankkit.judging.window import Window as Window
    from rankkit.judging.windowed import WindowJudge as WindowJudge
else:
    __getattr__, __dir__, __all__ = lazily(
        __name__,
        {
            "BackendJudge": "rankkit.judging.on_backend",
            "BatchJudge": "rankkit.judging.batched",
            "FirstWordJudge": "rankkit.judging.batched",
            "Fit": "rankkit.judging.fitting",
            "Fitted": "rankkit.judging.window",
            "LanguageModelJudge": "rankkit.judging.on_backend",
            "Window": "rankkit.judging.window",
            "WindowJudge": "rankkit.judging.windowed",
        },
    )
