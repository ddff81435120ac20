"""From a model's words to an order, with every defect named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rankkit.core.lazy import lazily

if TYPE_CHECKING:
    from rankkit.listwise.parsing.identifiers import Alphabet as Alphabet
    from rankkit.listwise.parsing.reply import Defect as Defect
    from rankkit.listwise.parsing.reply import Reply as Reply
    from rankkit.listwise.parsing.reply import read_reply as read_reply
else:
    __getattr__, __dir__, __all__ = lazily(
        __name__,
        {
            "Alphabet": "rankkit.listwise.parsing.identifiers",
            "Defect": "rankkit.listwise.parsing.reply",
            "Reply": "rankkit.listwise.parsing.reply",
            "read_reply": "rankkit.listwise.parsing.reply",
        },
    )
