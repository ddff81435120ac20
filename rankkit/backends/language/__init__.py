"""What every language model has, wherever it runs: prices, and thoughts before its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rankkit.core.lazy import lazily

if TYPE_CHECKING:
    from rankkit.backends.language.pricing import Prices as Prices
    from rankkit.backends.language.pricing import estimate_prompt_tokens as estimate_prompt_tokens
    from rankkit.backends.language.pricing import estimate_tokens as estimate_tokens
    from rankkit.backends.language.thinking import split_thinking as split_thinking
else:
    __getattr__, __dir__, __all__ = lazily(
        __name__,
        {
            "Prices": "rankkit.backends.language.pricing",
            "estimate_prompt_tokens": "rankkit.backends.language.pricing",
            "estimate_tokens": "rankkit.backends.language.pricing",
            "split_thinking": "rankkit.backends.language.thinking",
        },
    )
