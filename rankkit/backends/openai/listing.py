"""The server's list of its models (``GET /models``): which there are, and how much they read."""

from __future__ import annotations

from collections.abc import Mapping

from rankkit.backends.http.circuit import Circuit
from rankkit.backends.http.client import HttpClient
from rankkit.errors import AuthenticationFailed, EndpointError, ModelNotServed, RequestRefused

#: Fields of a model's row that tell its context: vLLM, OpenRouter and LM Studio, Groq.
CONTEXT_FIELDS = ("max_model_len", "context_length", "context_window")
#: Seconds for the whole list, which is asked for before any deadline runs.
LONGEST = 5.0

#: By these a server says that it has no such list, or none for us: asking again tells nothing new.
_ANSWERS = (ModelNotServed, RequestRefused, AuthenticationFailed)


class Listing:
    """What was learned is kept; that nothing was, is not: a server that is down is asked again, at the next need, and
    after two failures in a row once in half a minute.
    """

    def __init__(self, client: HttpClient) -> None:
        self._client = client
        self._circuit = Circuit(failures=2, cooldown=30.0)

    async def context_length(self, model: str) -> tuple[int | None, bool]:
        """In tokens, ``None`` where the list does not say it, and whether that is final."""
        try:
            self._circuit.before_call()
            row = (await self.models()).get(model, {})
        except _ANSWERS:
            return None, True
        except EndpointError as error:
            if error.sent:
                self._circuit.failed(error.message)
            return None, False
        self._circuit.succeeded()
        said = (row.get(field) for field in CONTEXT_FIELDS)
        return next((value for value in said if isinstance(value, int) and value > 0), None), True

    async def models(self) -> Mapping[str, Mapping[str, object]]:
        """What the server says about each model that it serves, by name.

        Raises:
            EndpointError: there is no list at present.
        """
        rows = (await self._client.get("/models", timeout=LONGEST)).get("data")
        known = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        return {row["id"]: row for row in known if isinstance(row.get("id"), str)}

    async def served(self) -> tuple[str, ...]:
        """The models' names, none where the server does not say."""
        try:
            return tuple(await self.models())
        except EndpointError:
            return ()
