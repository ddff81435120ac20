"""The HTTP library: the one that the OpenAI SDK brings, httpx up to its version 2, httpx2 since.

Of the SDK nothing but that is used. Its own request loop reads a reply whole however large it is, follows redirects,
knows no deadline over all tries, sees an error by its status only, logs texts on DEBUG, and sends to every server what
the environment holds for OpenAI. The two libraries are alike in all that is used here: transports, requests, errors.
"""

from __future__ import annotations

import sys
from typing import Any

from rankkit.core.extras import require_extra

with require_extra("openai", "a model behind an HTTP address"):
    import openai

_client = openai.DefaultAsyncHttpxClient.mro()[1]
http: Any = sys.modules[_client.__module__.partition(".")[0]]
