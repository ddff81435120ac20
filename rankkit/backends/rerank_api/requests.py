"""The body of a request, and which documents go into one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rankkit.backends.language.pricing import estimate_tokens
from rankkit.backends.protocols import DocumentBatch
from rankkit.backends.rerank_api.dialects import Dialect
from rankkit.errors import ConfigError

#: Fields that a question, what it costs and how its answer is read depend on.
OWN_FIELDS = frozenset(
    """model query documents texts input top_n top_k return_documents return_text return_input return_embeddings
    raw_scores use_activation instruction rank_fields stream""".split()
)

#: What stands around a document in the JSON, in bytes, rounded up.
_AROUND = 16


@dataclass(frozen=True, slots=True)
class CallLimits:
    """How much one call may hold."""

    documents: int
    tokens: int | None
    bytes: int

    def __post_init__(self) -> None:
        if self.documents < 1 or (self.tokens is not None and self.tokens < 1):
            raise ConfigError(
                f"documents_per_call={self.documents}, tokens_per_call={self.tokens} is not possible",
                hint="Give 1 or more, or leave it out for what the service takes.",
            )


def in_batches(query: str, instruction: str, documents: Sequence[str], limits: CallLimits) -> Iterator[DocumentBatch]:
    """All documents in their order, each call as full as it may be, made when it is asked for. A document that is too
    large by itself has a call of its own: the service says what it makes of it.
    """
    asked = estimate_tokens(query) + estimate_tokens(instruction)
    start, tokens, held, size = 0, list[int](), 0, 0
    for place, document in enumerate(documents):
        own, own_size = estimate_tokens(document), len(json.dumps(document)) + _AROUND
        full = len(tokens) >= limits.documents or size + own_size > limits.bytes
        full = full or (limits.tokens is not None and held + asked + own > limits.tokens)
        if full and tokens:
            yield _batch(query, instruction, documents, start, tokens, asked)
            start, tokens, held, size = place, [], 0, 0
        tokens.append(own)
        held, size = held + asked + own, size + own_size
    if tokens:
        yield _batch(query, instruction, documents, start, tokens, asked)


def _batch(
    query: str, instruction: str, documents: Sequence[str], start: int, tokens: Sequence[int], query_tokens: int
) -> DocumentBatch:
    end = start + len(tokens)
    return DocumentBatch(
        query,
        instruction,
        tuple(range(start, end)),
        tuple(documents[start:end]),
        tuple(tokens),
        query_tokens,
        alone=len(tokens) == len(documents),
    )


def body_of(
    dialect: Dialect,
    model: str,
    batch: DocumentBatch,
    *,
    scores: str,
    instruction_field: str,
    extra: Mapping[str, object],
) -> dict[str, object]:
    """What is sent: nothing that nobody asked for, and no field without a value (some servers refuse null)."""
    documents = [{"text": text} for text in batch.documents] if dialect.wraps else list(batch.documents)
    said = {
        **({"model": model} if dialect.sends_model else {}),
        "query": batch.query,
        dialect.documents: documents,
        **({dialect.limit: len(documents)} if dialect.limit else {}),
        **dialect.fields,
        **dialect.scores[scores].fields,
    }
    if batch.instruction:
        said[instruction_field] = batch.instruction
    return {**said, **extra}


def check_extra_body(extra: Mapping[str, object]) -> dict[str, object]:
    """Raises:
    ConfigError: a field that each call sets itself.
    """
    if taken := sorted(OWN_FIELDS & set(extra)):
        raise ConfigError(
            f"extra_body sets {', '.join(taken)}, which each call sets itself",
            hint="Leave it out: all documents are asked for; model, scores and instruction have keys of their own.",
        )
    return dict(extra)
