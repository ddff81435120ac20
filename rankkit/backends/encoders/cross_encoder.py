"""Cross-encoders as ONNX graphs, on the CPU: small runs, many at once, scores that depend on nothing but the input."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from rankkit.backends.encoders.onnx import OnnxSession, find_graph
from rankkit.backends.protocols import PairBatch
from rankkit.backends.tokenizing.files import LongQuery, micro_batches, padded
from rankkit.backends.tokenizing.pairs import PairTokenizer
from rankkit.backends.tokenizing.triples import TripleTokenizer
from rankkit.core.ranking import ScoreKind
from rankkit.errors import ConfigError, InvalidModel
from rankkit.machine.cpus import available_cpus

#: On a CPU a batch should stay in its cache: at 16k tokens a batch the same graph is three times slower than at 512.
TOKENS_A_BATCH = 1024

Reader = TypeVar("Reader", PairTokenizer, TripleTokenizer)

_KNOWN_INPUTS = {"input_ids", "attention_mask", "token_type_ids"}


class OnnxClassifier(Generic[Reader]):
    """A folder with a graph that has a classification head, and how it is run; what it reads is its children's
    business.

    The first output holds one logit an input, or two (no, yes), of which the difference is the score. A dynamically
    quantised graph is run one input at a time: in company its scores would move (by up to 0.76 for MiniLM-L-12) and
    cost as much. Other graphs get length-sorted batches of at most ``batch_tokens`` tokens, padding included, where a
    score moves by float rounding only (1e-5).

    ``threads`` is how many runs go on at once, one core each; the default is what this process may use. ``graph``
    names the file where a folder has several.
    """

    score_kind = ScoreKind.LOGIT

    #: What makes tokens of its inputs.
    _reader: type[Reader]

    def __init__(
        self,
        folder: str | Path,
        *,
        name: str | None = None,
        graph: str | None = None,
        max_length: int | None = None,
        long_query: LongQuery = "shorten",
        threads: int | None = None,
        batch_tokens: int = TOKENS_A_BATCH,
    ) -> None:
        folder = Path(folder)
        self.name = name or folder.name
        self.concurrency = checked_threads(threads)
        self._session = OnnxSession(find_graph(folder, *([graph] if graph else ["model.onnx", "model*.onnx"])))
        self._check()
        self._tokenizer: Reader = self._reader(folder, max_length=max_length, long_query=long_query)
        self.max_length = self._tokenizer.max_length
        self._batch_tokens = 0 if self._session.dynamically_quantised else max(batch_tokens, self.max_length)
        self.fingerprint = f"{self._session.fingerprint}/{self.max_length}"

    @property
    def one_pair_a_run(self) -> bool:
        return self._batch_tokens == 0

    def _check(self) -> None:
        unknown = set(self._session.inputs) - _KNOWN_INPUTS
        if unknown or "input_ids" not in self._session.inputs:
            raise InvalidModel(
                f"{self._session.path} takes the inputs {', '.join(self._session.inputs)}; "
                f"a cross-encoder takes {', '.join(sorted(_KNOWN_INPUTS))} or some of them"
            )
        labels = self._session.output_shape[-1]
        if isinstance(labels, int) and len(self._session.output_shape) > 1 and labels not in (1, 2):
            raise InvalidModel(
                f"{self._session.path} gives {labels} numbers a pair; a reranker gives one logit or two",
                hint="Is it a classifier with other labels, or an encoder without a head?",
            )

    def score(self, batch: PairBatch) -> list[float]:
        """One logit an input, along the batch's positions."""
        ids, mask, types = padded(batch, self._tokenizer.pad_id)
        output = self._session.run({"input_ids": ids, "attention_mask": mask, "token_type_ids": types})
        return self._logits(output.astype(np.float64), len(batch.positions))

    def _logits(self, output: NDArray[np.float64], count: int) -> list[float]:
        rows = output.reshape(count, -1) if output.size % count == 0 else output
        match rows.shape:
            case (_, 1):
                return [float(value) for value in rows[:, 0]]
            case (_, 2):
                return [float(value) for value in rows[:, 1] - rows[:, 0]]
        raise InvalidModel(f"{self._session.path} gave an output of shape {output.shape} for {count} input(s)")


class OnnxCrossEncoder(OnnxClassifier[PairTokenizer]):
    """Any folder with ``model.onnx`` (or ``onnx/model*.onnx``) and ``tokenizer.json``; a ``PairScorer``."""

    _reader = PairTokenizer

    def batches(self, pairs: Sequence[tuple[str, str]]) -> Iterable[PairBatch]:
        """Tokenise, and group what is run together. Each pair is in exactly one batch."""
        return micro_batches(self._tokenizer.encode(pairs), self._batch_tokens)


class OnnxDuoEncoder(OnnxClassifier[TripleTokenizer]):
    """A cross-encoder trained on a query and *two* documents, as duoBERT was; a ``DuoScorer``.

    It reads ``[CLS] query [SEP] first [SEP] second [SEP]`` (in the model's own special tokens); its logit says how much
    better the first is.
    """

    _reader = TripleTokenizer

    def duos(self, triples: Sequence[tuple[str, str, str]]) -> Iterable[PairBatch]:
        """Tokenise (query, first, second), and group what is run together. Each triple is in exactly one batch."""
        return micro_batches(self._tokenizer.encode(triples), self._batch_tokens)


def checked_threads(threads: int | None) -> int:
    """How many runs may go on at once: what is asked for, else what this process may use."""
    if threads is not None and threads < 1:
        raise ConfigError(f"threads is {threads}", hint="Give 1 or more, or leave it out to use what this process may.")
    return threads or available_cpus()
