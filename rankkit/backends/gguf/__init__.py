"""Language models in GGUF files, on the CPU through llama.cpp."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rankkit.core.lazy import lazily

if TYPE_CHECKING:
    from rankkit.backends.gguf.chat_template import ChatTemplate as ChatTemplate
    from rankkit.backends.gguf.model import GgufModel as GgufModel
else:
    __getattr__, __dir__, __all__ = lazily(
        __name__,
        {
            "ChatTemplate": "rankkit.backends.gguf.chat_template",
            "GgufModel": "rankkit.backends.gguf.model",
        },
    )
