"""A reranker behind a rerank API as a backend: Cohere, Jina, Voyage, TEI, vLLM, ... (``dialects``).

Connections, deadlines, limits, retries that honour ``Retry-After`` and masked keys are the affair of ``backends.http``.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from functools import partial
from types import TracebackType

from rankkit.backends.http.circuit import Circuit
from rankkit.backends.http.client import Delivery, HttpClient, Limits, ReplyForm
from rankkit.backends.http.credentials import all_headers, find_key
from rankkit.backends.protocols import DocumentBatch, DocumentScores
from rankkit.backends.rerank_api.address import address_of
from rankkit.backends.rerank_api.pricing import RerankPrices, most_units
from rankkit.backends.rerank_api.replies import hidden_status_in, read_counts, read_scores, read_warnings
from rankkit.backends.rerank_api.requests import body_of, in_batches
from rankkit.backends.rerank_api.settings import RerankSettings
from rankkit.core.limits import Gate
from rankkit.core.ranking import ScoreKind
from rankkit.core.text import without_surrogates
from rankkit.core.usage import Usage

#: Remarks on calls and documents, counted in a ``Step``.
TOKENS_ESTIMATED = "tokens are an upper estimate: the service counts none"
UNITS_UNKNOWN = "billed units unknown: charged at the most that they can be"
APART = "scored in several calls, and scores may depend on the documents of a call"
PERHAPS_CUT = "perhaps longer than the service reads"


class RerankApi:
    """Scores the documents of a query by one of the ``dialects``.

    - ``api`` names the dialect. ``base_url`` is the service's own, or wherever a server speaks it: with or without the
      version or the whole path at its end.
    - Key: ``api_key``, or the environment variable named by ``key_env``. Only where ``base_url`` is left out are the
      service's own variables read without being named. The key is in no repr, error, log or pickle.
    - ``headers``, ``headers_env``, ``query``, ``timeout``, ``total_timeout``, ``retries``, ``concurrency`` and
      ``circuit`` are as an ``Endpoint``'s.
    - ``documents_per_call`` and ``tokens_per_call`` replace what the service is known to take in one call.
    - ``scores``: the form of scores where there are several (``"logit"`` instead of ``"probability"``, TEI).
    - ``instruction_field``: the field that carries a request's instruction, for a server that is known to read one.
    - ``extra_body`` is merged into every request (``{"max_tokens_per_doc": 1024}``, say).

    An answer's bill has the tokens that the service counted, or a stated upper estimate, and the units that it says it
    billed: ``None`` where it does not say. A ranking charges tries that failed as it does an endpoint's.
    """

    def __init__(  # noqa: PLR0913 - one keyword for each thing that a service may differ in, all with a default
        self,
        api: str,
        model: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        key_env: str | None = None,
        key_header: str | None = None,
        headers: Mapping[str, str] | None = None,
        headers_env: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        timeout: float = 60.0,
        total_timeout: float | None = None,
        retries: int = 2,
        concurrency: int = 8,
        documents_per_call: int | None = None,
        tokens_per_call: int | None = None,
        scores: str | None = None,
        instruction_field: str | None = None,
        extra_body: Mapping[str, object] | None = None,
        prices: RerankPrices | None = None,
        circuit: Circuit | None = None,
    ) -> None:
        """Nothing is sent yet.

        Raises:
            ConfigError: an API that nobody knows, a value that is not possible, a ``base_url`` that holds a password or
                is missing, or a key that is not there.
        """
        self._literal_key = api_key is not None
        made = self._settings = RerankSettings(
            api=api,
            model=model,
            base_url=base_url,
            key_env=key_env,
            key_header=key_header,
            headers=headers or {},
            headers_env=headers_env or {},
            query=query or {},
            timeout=timeout,
            total_timeout=total_timeout,
            retries=retries,
            concurrency=concurrency,
            documents_per_call=documents_per_call,
            tokens_per_call=tokens_per_call,
            scores=scores,
            instruction_field=instruction_field,
            extra_body=extra_body or {},
            prices=prices,
            circuit=circuit,
        )
        dialect = self._dialect = made.dialect
        base, self._path = address_of(dialect, base_url)
        key = find_key(api_key, key_env, dialect.own_variables if base_url is None else ())
        sent, secrets = all_headers(
            key, key_header or dialect.key_header or None, {**dialect.headers, **made.headers}, made.headers_env
        )
        self._limits = made.limits
        self._client = HttpClient(
            base,
            headers=sent,
            query=made.query,
            secrets=secrets,
            limits=Limits(timeout, retries, total_timeout),
            gate=Gate(concurrency),
            circuit=circuit or Circuit(),
            form=ReplyForm(partial(hidden_status_in, dialect), array_as=dialect.results if dialect.array_reply else ""),
        )

    def __repr__(self) -> str:
        return f"RerankApi({self._settings.api!r}, {self._settings.model!r}, base_url={self.base_url!r})"

    def __reduce__(self) -> tuple[object, ...]:
        if self._literal_key:
            raise TypeError(
                "a RerankApi with a key given as api_key is not copied or sent to another process: build it where it "
                "is used, or name the key's environment variable with key_env"
            )
        return _rebuild, (self._settings,)

    def __enter__(self) -> RerankApi:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back, and end what still runs. A later call makes new ones."""
        self._client.close()

    async def aclose(self) -> None:
        """``close`` for a task."""
        await asyncio.to_thread(self.close)

    @property
    def name(self) -> str:
        return f"{self._settings.api}/{self._settings.model}"

    @property
    def base_url(self) -> str:
        return self._client.base_url

    @property
    def fingerprint(self) -> str:
        """A hash of address, model and all that is sent with every request. The weights behind it may change unseen."""
        made = self._settings
        parts = [made.api, self.base_url + self._path, made.model, made.score_form, made.extra_body, made.instruction]
        further = {name: getattr(made, name) for name in ("headers", "query") if getattr(made, name)}
        written = json.dumps([*parts, further], sort_keys=True, default=str)
        return hashlib.sha256(written.encode()).hexdigest()[:12]

    @property
    def concurrency(self) -> int:
        return self.gate.places

    @property
    def gate(self) -> Gate:
        """Lets ``concurrency`` calls in at once."""
        return self._client.gate

    @property
    def score_kind(self) -> ScoreKind:
        return self._dialect.scores[self._settings.score_form].kind

    @property
    def zero_to_one(self) -> bool:
        """Whether its relevance is a hosted service's, between 0 and 1, and each document's alone. What people run
        themselves in the form ``relevance`` is whatever the model's head gives.
        """
        hosted = self.score_kind is ScoreKind.RELEVANCE and bool(self._dialect.base_url)
        return hosted and self._dialect.scores_alone(self._settings.model) is True

    @property
    def takes_instruction(self) -> bool:
        return bool(self._settings.instruction)

    def batches(self, query: str, instruction: str, documents: Sequence[str]) -> Iterable[DocumentBatch]:
        """All documents in their order, in calls that the service takes."""
        texts = [without_surrogates(text) for text in documents]
        return in_batches(without_surrogates(query), without_surrogates(instruction), texts, self._limits)

    def bound(self, batch: DocumentBatch) -> Usage:
        """The most that a call can cost."""
        cost = self._cost(batch.most_tokens, most_units(self._dialect, batch))
        return Usage(calls=1, input_tokens=batch.most_tokens, cost=cost)

    def score(self, batch: DocumentBatch) -> DocumentScores:
        """One score a document of the batch.

        Raises:
            EndpointError: one of its kinds; ``InvalidReply`` where there is not one number for each document.
        """
        return self._client.run(partial(self._ask, batch))

    async def score_async(self, batch: DocumentBatch) -> DocumentScores:
        return await self._client.run_async(partial(self._ask, batch))

    async def _ask(self, batch: DocumentBatch) -> DocumentScores:
        made = self._settings
        body = body_of(
            self._dialect,
            made.model,
            batch,
            scores=made.score_form,
            instruction_field=made.instruction,
            extra=made.extra_body,
        )
        delivery = await self._client.post(self._path, body)
        scores = read_scores(self._dialect, delivery.body, len(batch.documents))
        usage, notes = self._bill(batch, delivery)
        warnings = (f"the service warns: {words}" for words in read_warnings(delivery.body, delivery.headers))
        return DocumentScores(scores, usage, (*notes, *warnings), self._remarks(batch))

    def _bill(self, batch: DocumentBatch, delivery: Delivery) -> tuple[Usage, tuple[str, ...]]:
        counted, notes = read_counts(delivery.body, delivery.headers), []
        tokens = counted.tokens if self._dialect.counts_tokens else None
        if tokens is None:
            tokens = batch.most_tokens
            notes.append(TOKENS_ESTIMATED)
        units = counted.units
        if self._dialect.unit and units is None:
            units = most_units(self._dialect, batch)
            notes.append(UNITS_UNKNOWN)
        cost = self._cost(tokens, units)
        return Usage(1, tokens, 0, 0, delivery.seconds, cost, counted.units), tuple(notes)

    def _cost(self, tokens: int, units: float | None) -> float | None:
        prices = self._settings.prices
        return None if prices is None else prices.cost(tokens=tokens, units=units)

    def _remarks(self, batch: DocumentBatch) -> tuple[tuple[str, ...], ...]:
        """On each document."""
        apart = not batch.alone and self._dialect.scores_alone(self._settings.model) is not True
        reads = self._reads
        longest = None if reads is None else reads - batch.query_tokens
        return tuple(
            (APART,) * apart + (PERHAPS_CUT,) * (longest is not None and tokens > longest) for tokens in batch.tokens
        )

    @property
    def _reads(self) -> int | None:
        given = self._settings.extra_body.get("max_tokens_per_doc")
        return given if isinstance(given, int) and given > 0 else self._dialect.reads(self._settings.model)


def _rebuild(settings: RerankSettings) -> RerankApi:
    return RerankApi(**{field.name: getattr(settings, field.name) for field in fields(settings)})
