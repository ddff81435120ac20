"""How each rerank API is spoken: one row each, from the services' documentation and clients as of November 2026.

A row says what differs: names of fields, path, key, limits, what a score is, whether a document's score depends on the
documents beside it. ``requests`` writes bodies by it, ``replies`` reads them. Standard library only: a config is
checked without an HTTP library.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from rankkit.core.ranking import ScoreKind
from rankkit.errors import ConfigError, nearest

ApiName = Literal[
    "cohere",
    "jina",
    "voyage",
    "mixedbread",
    "tei",
    "vllm",
    "llama.cpp",
    "infinity",
    "openrouter",
    "pinecone",
    "zeroentropy",
    "contextual",
]

#: Of a model's name, a limit or a property: ``None`` where nobody says.
ByModel = Callable[[str], int | None]


def by_prefix(*rows: tuple[str, int | None]) -> ByModel:
    """The value of the first prefix that the model's name has; ``None`` where it has none of them."""
    return lambda model: next((value for prefix, value in rows if model.startswith(prefix)), None)


def _unknown(model: str) -> int | None:
    return None


def _always_alone(model: str) -> bool | None:
    return True


@dataclass(frozen=True, slots=True)
class ScoreForm:
    """A kind of score that can be had, and the fields of the body that ask for it."""

    kind: ScoreKind
    fields: Mapping[str, object] = field(default_factory=dict)


_OWN_SCALE = {"relevance": ScoreForm(ScoreKind.RELEVANCE)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One rerank API.

    - ``base_url`` and ``own_variables`` are the hosted service's: where it is, and the environment variables that hold
      its key; ``key_header`` takes the key as it is, else it goes as ``Authorization: Bearer``. ``""`` and none: people
      run this server themselves.
    - ``documents``, ``results``, ``score`` and ``limit`` are names of fields; with ``array_reply`` the whole reply is
      the array of results. ``limit`` is sent, with the number of documents, only where fewer come if it is left out.
    - ``wraps`` documents into ``{"text": ...}``. ``fields`` go with every request: they ask for no texts in the reply
      where these are given by default.
    - ``scores``: the forms of scores, the default first. ``instruction``: the field of a request's instruction.
    - One call holds at most ``most_documents``, ``most_bytes`` of JSON and, by model, ``most_tokens``: those of the
      query once a document, and the documents'. Query and document together are cut by the service to ``reads`` tokens.
    - ``scores_alone``, by model: whether each document is scored for itself, so that equal documents get equal scores
      whatever stands beside them; ``None`` where nobody says.
    - ``counts_tokens``: whether what it calls tokens are some.
    - ``unit``: what the service bills, other than tokens. One unit is a query with up to ``unit_documents`` documents;
      a document of more than ``unit_tokens`` (with the query) counts once for each part of that length.
    """

    name: ApiName
    path: str
    base_url: str = ""
    own_variables: tuple[str, ...] = ()
    key_header: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    sends_model: bool = True
    documents: str = "documents"
    wraps: bool = False
    fields: Mapping[str, object] = field(default_factory=dict)
    limit: str = ""
    results: str = "results"
    array_reply: bool = False
    score: str = "relevance_score"
    scores: Mapping[str, ScoreForm] = field(default_factory=lambda: _OWN_SCALE)
    instruction: str = ""
    most_documents: int = 1000
    most_bytes: int = 8_000_000
    most_tokens: ByModel = _unknown
    reads: ByModel = _unknown
    scores_alone: Callable[[str], bool | None] = _always_alone
    counts_tokens: bool = True
    unit: str = ""
    unit_documents: int = 100
    unit_tokens: int | None = None

    @property
    def hosted(self) -> bool:
        return bool(self.base_url)


_RAW = {"probability": ScoreForm(ScoreKind.PROBABILITY), "logit": ScoreForm(ScoreKind.LOGIT, {"raw_scores": True})}

ROWS = (
    Dialect(
        name="cohere",
        base_url="https://api.cohere.com",
        path="/v2/rerank",
        own_variables=("CO_API_KEY", "COHERE_API_KEY"),
        reads=by_prefix(("", 4096)),  # ``max_tokens_per_doc``, which extra_body may set
        unit="search units",
        unit_tokens=500,
    ),
    Dialect(
        name="jina",
        base_url="https://api.jina.ai",
        path="/v1/rerank",
        own_variables=("JINA_API_KEY", "JINAAI_API_KEY", "JINA_AI_API_KEY"),
        fields={"return_documents": False},
        # Version 3 reads all documents of a call together.
        scores_alone=lambda model: not model.rpartition("/")[2].startswith("jina-reranker-v3"),
    ),
    Dialect(
        name="voyage",
        base_url="https://api.voyageai.com",
        path="/v1/rerank",
        own_variables=("VOYAGE_API_KEY",),
        fields={"truncation": True},  # its default; servers of several dialects know Voyage's by it
        results="data",
        most_tokens=by_prefix(("rerank-2", 600_000), ("", 100_000)),
        reads=by_prefix(
            ("rerank-2.5", 32_000),
            ("rerank-2-lite", 8_000),
            ("rerank-2", 16_000),
            ("rerank-lite-1", 4_000),
            ("", 8_000),
        ),
    ),
    Dialect(
        name="mixedbread",
        base_url="https://api.mixedbread.com",
        path="/v1/reranking",
        own_variables=("MXBAI_API_KEY",),
        documents="input",
        limit="top_k",  # 10 if it is left out
        results="data",
        score="score",
    ),
    Dialect(
        name="tei",
        path="/rerank",
        sends_model=False,
        documents="texts",
        array_reply=True,
        score="score",
        scores=_RAW,
        most_documents=32,  # --max-client-batch-size
        most_bytes=1_900_000,  # --payload-limit
    ),
    Dialect(
        name="vllm",
        path="/rerank",
        scores={
            # Whatever the model's head gives: a probability mostly, a cosine, a sum of maxima.
            "relevance": ScoreForm(ScoreKind.RELEVANCE),
            "logit": ScoreForm(ScoreKind.LOGIT, {"use_activation": False}),
        },
    ),
    Dialect(name="llama.cpp", path="/v1/rerank", scores={"logit": ScoreForm(ScoreKind.LOGIT)}),
    Dialect(name="infinity", path="/rerank", scores=_RAW, counts_tokens=False),  # 0.0.78 counts characters
    Dialect(
        name="openrouter",
        base_url="https://openrouter.ai/api/v1",
        path="/rerank",
        own_variables=("OPENROUTER_API_KEY",),
        scores_alone=lambda model: True if model.startswith("cohere/") else None,
        unit="search units",
        unit_tokens=500,
    ),
    Dialect(
        name="pinecone",
        base_url="https://api.pinecone.io",
        path="/rerank",
        own_variables=("PINECONE_API_KEY",),
        key_header="api-key",
        headers={"x-pinecone-api-version": "2026-07"},
        wraps=True,
        fields={"return_documents": False},
        results="data",
        score="score",
        most_documents=100,
        most_bytes=1_900_000,
        reads=by_prefix(("bge-reranker-v2-m3", 1024), ("pinecone-rerank-v0", 512), ("cohere-", 4096)),
        unit="rerank units",
    ),
    Dialect(
        name="zeroentropy",
        base_url="https://api.zeroentropy.dev/v1",
        path="/models/rerank",
        own_variables=("ZEROENTROPY_API_KEY",),
        most_bytes=4_500_000,
        reads=by_prefix(("zerank-", 32_768)),
    ),
    Dialect(
        name="contextual",
        base_url="https://api.contextual.ai/v1",
        path="/rerank",
        own_variables=("CONTEXTUAL_API_KEY",),
        instruction="instruction",
    ),
)

DIALECTS: Mapping[str, Dialect] = {row.name: row for row in ROWS}


def dialect_of(api: str) -> Dialect:
    """Raises:
    ConfigError: nobody speaks it; names those that are known.
    """
    if api not in DIALECTS:
        raise ConfigError(f"there is no rerank API {api!r}", hint=nearest(api, DIALECTS))
    return DIALECTS[api]
