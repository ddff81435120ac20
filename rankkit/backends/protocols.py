"""What a judge may ask of a backend. Each protocol is one capability; a judge's constructor names the one that it
needs.

A backend lives for many calls, may be shared by threads, and is asked by at most ``concurrency`` of them at once. It
raises ``BackendError`` and its kin, never a foreign exception, and never returns an error's text as an answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from rankkit.core.ranking import ScoreKind
from rankkit.core.usage import Usage
from rankkit.errors import CapabilityMissing
from rankkit.prompting.template import Message as Message
from rankkit.prompting.template import Prompt as Prompt


@dataclass(frozen=True, slots=True)
class Generated:
    """What a model wrote. ``finish`` is ``"length"`` when the token limit cut it off; ``thinking`` is apart from
    ``text``. ``steps``, here and below, are runs of a model on this machine (prompt included), 0 where nobody can tell.
    """

    text: str
    finish: Literal["stop", "length", "refused"] = "stop"
    thinking: str = ""
    usage: Usage = field(default_factory=Usage)
    steps: int = 0


@dataclass(frozen=True, slots=True)
class Continuations:
    """Natural-log probabilities of given continuations; ``None`` where the backend does not show one (outside its top
    few), and for all where it ``refused`` to read the prompt. ``notes`` are remarks for the ``Step``: on
    values that were none, say.
    """

    log_probabilities: tuple[float | None, ...]
    usage: Usage = field(default_factory=Usage)
    steps: int = 0
    refused: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Permuted:
    """Positions into the labels that were offered, best first; only as many as were asked for, and none where it
    ``refused`` to answer.
    """

    order: tuple[int, ...]
    usage: Usage = field(default_factory=Usage)
    steps: int = 0
    refused: bool = False


class Backend(Protocol):
    @property
    def name(self) -> str:
        """The model's name, as a person knows it."""

    @property
    def fingerprint(self) -> str:
        """Short, and different whenever answers could be: the weights' hash, or the endpoint and model name."""

    @property
    def concurrency(self) -> int:
        """How many calls may run at once."""


@dataclass(frozen=True, slots=True)
class PairBatch:
    """Tokenised inputs ((query, document) pairs, mostly) that one call answers, made by the backend itself.

    ``positions`` are the inputs' places in what was handed in; ``shortened``, ``query_shortened`` and, where there
    are any, ``notes`` (further remarks on each input) are parallel to it.
    """

    positions: tuple[int, ...]
    tokens: tuple[int, ...]
    shortened: tuple[bool, ...]
    query_shortened: tuple[bool, ...]
    payload: object
    notes: tuple[tuple[str, ...], ...] = ()


@runtime_checkable
class PairScorer(Backend, Protocol):
    """Gives a (query, document) pair a number: a cross-encoder."""

    @property
    def score_kind(self) -> ScoreKind: ...

    def batches(self, pairs: Sequence[tuple[str, str]]) -> Iterable[PairBatch]: ...

    def score(self, batch: PairBatch) -> list[float]:
        """One score a pair of the batch, along its ``positions``."""


@runtime_checkable
class DuoScorer(Backend, Protocol):
    """Reads a query and two documents at once and gives a logit of the first being the better one: duoBERT."""

    def duos(self, triples: Sequence[tuple[str, str, str]]) -> Iterable[PairBatch]:
        """Batches of (query, first, second)."""

    def score(self, batch: PairBatch) -> list[float]:
        """One logit a triple of the batch, along its ``positions``."""


@runtime_checkable
class TargetScorer(Backend, Protocol):
    """Tells how probable given words are as the first output token for a filled-in text: a sequence-to-sequence model.

    ``template`` has ``$name`` placeholders, and each row their values. When a row is longer than the model can read,
    ``$query`` and the fixed words stay whole and all other values are cut evenly.
    """

    def target_tokens(self, words: Sequence[str]) -> tuple[int, ...]:
        """The one token of each word. Raises ``InvalidModel`` where a word is not one token of this model's."""

    def fill(self, template: str, rows: Sequence[Mapping[str, str]]) -> Iterable[PairBatch]: ...

    def score_targets(self, batch: PairBatch, targets: Sequence[int]) -> list[tuple[float, ...]]:
        """Natural-log probabilities (of the whole vocabulary) of the targets, along the batch's ``positions``."""


@dataclass(frozen=True, slots=True)
class DocumentBatch:
    """The documents of a query that one call scores, with their places in what was handed in. ``tokens`` are an upper
    estimate of each document's, ``query_tokens`` of the query's with the instruction. ``alone``: one call holds all.
    """

    query: str
    instruction: str
    positions: tuple[int, ...]
    documents: tuple[str, ...]
    tokens: tuple[int, ...]
    query_tokens: int
    alone: bool = True

    @property
    def most_tokens(self) -> int:
        """What is read if the query is read with each document."""
        return self.query_tokens * len(self.documents) + sum(self.tokens)


@dataclass(frozen=True, slots=True)
class DocumentScores:
    """One score a document. ``notes`` are remarks on the call, ``remarks`` those on each document."""

    scores: tuple[float, ...]
    usage: Usage
    notes: tuple[str, ...]
    remarks: tuple[tuple[str, ...], ...]


@runtime_checkable
class DocumentScorer(Backend, Protocol):
    """Scores the documents of one query in one call, which can also be awaited: a rerank API."""

    @property
    def score_kind(self) -> ScoreKind: ...

    @property
    def takes_instruction(self) -> bool: ...

    def batches(self, query: str, instruction: str, documents: Sequence[str]) -> Iterable[DocumentBatch]: ...

    def bound(self, batch: DocumentBatch) -> Usage:
        """The most that a call can cost."""

    def score(self, batch: DocumentBatch) -> DocumentScores: ...

    async def score_async(self, batch: DocumentBatch) -> DocumentScores: ...


@runtime_checkable
class TextBackend(Backend, Protocol):
    """A language model. ``context_length`` is in tokens, ``None`` when the server does not tell."""

    @property
    def context_length(self) -> int | None: ...

    @property
    def thinking_tokens(self) -> int:
        """What ``max_tokens`` is raised by, for a model that thinks before it answers."""

    def count_tokens(self, prompt: Prompt) -> int:
        """Tokens of a prompt, template included: exact, or a stated upper estimate."""

    def price(self, *, input_tokens: int, output_tokens: int) -> float | None:
        """What so many tokens cost, so that a budget of money can be asked before a call; ``None``: nothing is
        priced.
        """


@runtime_checkable
class TextGenerator(TextBackend, Protocol):
    def generate(self, prompt: Prompt, *, max_tokens: int, stop: Sequence[str] = ()) -> Generated:
        """Greedy decoding."""


@runtime_checkable
class ContinuationScorer(TextBackend, Protocol):
    def score_continuations(self, prompt: Prompt, continuations: Sequence[str]) -> Continuations:
        """log P(continuation | prompt) for each, all of its tokens counted; one that begins another counts without
        the cases in which that one follows.
        """


@runtime_checkable
class PermutationDecoder(TextBackend, Protocol):
    def permute(
        self, prompt: Prompt, labels: Sequence[str], *, top: int, opening: str = "", separator: str = " > "
    ) -> Permuted:
        """Greedy decoding of ``opening label separator label ...`` where each label may come once, until ``top`` are
        there.

        An order of fewer (but at least one) is what a constraint gives that cannot forbid a label twice: ask on, with
        the labels that remain and the others as a part of ``opening``.
        """


@runtime_checkable
class AsyncTextGenerator(TextGenerator, Protocol):
    """One that can also be awaited, without holding a thread; so are the two below."""

    async def generate_async(self, prompt: Prompt, *, max_tokens: int, stop: Sequence[str] = ()) -> Generated: ...


@runtime_checkable
class AsyncContinuationScorer(ContinuationScorer, Protocol):
    async def score_continuations_async(self, prompt: Prompt, continuations: Sequence[str]) -> Continuations: ...


@runtime_checkable
class AsyncPermutationDecoder(PermutationDecoder, Protocol):
    async def permute_async(
        self, prompt: Prompt, labels: Sequence[str], *, top: int, opening: str = "", separator: str = " > "
    ) -> Permuted: ...


_WORDS: dict[type, str] = {
    PairScorer: "score (query, document) pairs",
    DuoScorer: "score a query with two documents",
    DocumentScorer: "score the documents of a query in one call",
    TargetScorer: "give probabilities of target words for a filled-in text",
    TextGenerator: "generate text",
    ContinuationScorer: "give log-probabilities of continuations",
    PermutationDecoder: "decode under a constraint",
}

_WHO: dict[type, str] = {
    PairScorer: "an ONNX cross-encoder",
    DuoScorer: "an ONNX cross-encoder trained on two documents (duoBERT)",
    DocumentScorer: "rerank APIs",
    TargetScorer: "an ONNX sequence-to-sequence model (monoT5, duoT5)",
    TextGenerator: "GGUF models and OpenAI-compatible endpoints",
    ContinuationScorer: "GGUF models, and endpoints that return top log-probabilities",
    PermutationDecoder: "GGUF models, and endpoints with structured output",
}


def require(backend: Backend, capability: type, *, by: str) -> None:
    """Refuse a backend that cannot do what a judge needs, when the reranker is built rather than in the middle of a
    run.

    Raises:
        CapabilityMissing: names the backends that can.
    """
    if not isinstance(backend, capability):
        raise CapabilityMissing(
            f"{by} needs a backend that can {_WORDS[capability]}; {backend.name!r} ({type(backend).__name__}) cannot",
            hint=f"Those can: {_WHO[capability]}.",
        )
