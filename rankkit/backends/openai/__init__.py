"""Language models behind any server that speaks OpenAI's protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rankkit.core.lazy import lazily

if TYPE_CHECKING:
    from rankkit.backends.openai.endpoint import Endpoint as Endpoint
    from rankkit.backends.openai.probe import Capabilities as Capabilities
else:
    __getattr__, __dir__, __all__ = lazily(
        __name__,
        {
            "Capabilities": "rankkit.backends.openai.probe",
            "Endpoint": "rankkit.backends.openai.endpoint",
        },
    )
