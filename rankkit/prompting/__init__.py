"""The words said to models: files with placeholders, and texts made harmless before they are filled in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rankkit.core.lazy import lazily

if TYPE_CHECKING:
    from rankkit.prompting.loading import list_prompts as list_prompts
    from rankkit.prompting.loading import load_prompt as load_prompt
    from rankkit.prompting.parsing import parse_prompt as parse_prompt
    from rankkit.prompting.template import Message as Message
    from rankkit.prompting.template import MessageTemplate as MessageTemplate
    from rankkit.prompting.template import Prompt as Prompt
    from rankkit.prompting.template import PromptTemplate as PromptTemplate
else:
    __getattr__, __dir__, __all__ = lazily(
        __name__,
        {
            "Message": "rankkit.prompting.template",
            "MessageTemplate": "rankkit.prompting.template",
            "Prompt": "rankkit.prompting.template",
            "PromptTemplate": "rankkit.prompting.template",
            "list_prompts": "rankkit.prompting.loading",
            "load_prompt": "rankkit.prompting.loading",
            "parse_prompt": "rankkit.prompting.parsing",
        },
    )
