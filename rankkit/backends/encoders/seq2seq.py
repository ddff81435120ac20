"""Sequence-to-sequence models (T5 and its kin), asked how probable some first words of the answer are.

monoT5 and duoT5 never write anything: one decoder step after the start token tells the probabilities of "true" and
"false". So the encoder runs once for each input and the decoder for one token.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankkit.backends.encoders.engine import Engine, gate_for
from rankkit.backends.encoders.head import DEFAULT_ENGINE, TOKENS_A_BATCH, Head, input_shape, no_threads
from rankkit.backends.encoders.seq2seq_graphs import first_step, open_graphs
from rankkit.backends.protocols import PairBatch
from rankkit.backends.tokenizing.batching import micro_batches, padded
from rankkit.backends.tokenizing.files import LongQuery, read_json
from rankkit.backends.tokenizing.filled_text import FilledTextTokenizer
from rankkit.errors import InvalidModel

#: Where a model says what its decoder begins with.
_GENERATION_FILES = ("generation_config.json", "config.json")


class Seq2Seq(Head):
    """A folder with the graphs of ``seq2seq_graphs``, ``tokenizer.json`` and ``config.json``; a ``TargetScorer``.

    Batches, threads and engines as for ``CrossEncoder``: length-sorted micro-batches of at most ``batch_tokens``
    tokens, padding included, in which a log-probability moves by float rounding only (1e-5), and one input a run where
    a graph is dynamically quantised. ``max_length`` is 512 for T5. ``engine`` is a name, or the engines themselves: one
    for the whole model, or the encoder's and the decoder's.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        name: str | None = None,
        engine: str | Engine | Sequence[Engine] = DEFAULT_ENGINE,
        max_length: int | None = None,
        long_query: LongQuery = "shorten",
        threads: int | None = None,
        batch_tokens: int = TOKENS_A_BATCH,
    ) -> None:
        arguments: dict[str, Any] = {
            "name": name,
            "engine": engine,
            "max_length": max_length,
            "long_query": long_query,
            "threads": threads,
            "batch_tokens": batch_tokens,
        }
        folder = Path(folder)
        engines = _opened(folder, engine, threads)
        super().__init__(folder, engines, name=name, arguments=arguments)
        self._first_step = first_step(engines)
        self._shape = input_shape(engines[0])
        self._tokenizer = FilledTextTokenizer(
            folder, max_length=max_length, long_query=long_query, most_tokens=self._shape.tokens
        )
        self._start = _start_token(folder)
        self._long_query = long_query
        self._batch_tokens = 0 if self.runs_alone else max(batch_tokens, self.max_length)

    @property
    def max_length(self) -> int:
        return self._tokenizer.max_length

    def _files(self) -> tuple[str, ...]:
        return (*super()._files(), "generation_config.json")

    def _options(self) -> tuple[object, ...]:
        return self.max_length, self._long_query, self._batch_tokens

    def target_tokens(self, words: Sequence[str]) -> tuple[int, ...]:
        """The token of each word, looked up in the model's own tokenizer.

        Raises:
            InvalidModel: a word is not one token of this model's.
        """
        return tuple(self._tokenizer.target_token(word) for word in words)

    def fill(self, template: str, rows: Sequence[Mapping[str, str]]) -> Iterable[PairBatch]:
        """Tokenise the template filled in with each row, and group what is run together. ``$query`` is never cut for a
        document; what is too long is taken evenly from all other values.
        """
        return micro_batches(self._tokenizer.encode(template, rows), self._batch_tokens, self._shape)

    def score_targets(self, batch: PairBatch, targets: Sequence[int]) -> list[tuple[float, ...]]:
        if not batch.positions:
            return []
        ids, mask, _ = padded(batch, self._tokenizer.pad_id, self._shape)
        with self.gate.held():  # one place for both graphs: a run is encoder and decoder
            logits = self._first_step.logits(ids, mask, self._start)[: len(batch.positions)]
        if targets and max(targets) >= logits.shape[1]:
            raise InvalidModel(
                f"the model gives logits of {logits.shape[1]} tokens; its tokenizer knows number {max(targets)}",
                hint="Tokenizer and graph are of two different models: export both anew.",
            )
        return [_log_probabilities(row.astype(np.float64), targets) for row in logits]


def _opened(folder: Path, engine: str | Engine | Sequence[Engine], threads: int | None) -> list[Engine]:
    if isinstance(engine, str):
        return open_graphs(folder, engine, gate_for(threads))
    no_threads(threads)
    return [engine] if isinstance(engine, Engine) else list(engine)


def _log_probabilities(logits: NDArray[np.float64], targets: Sequence[int]) -> tuple[float, ...]:
    """Log-softmax at the targets. NaN and infinite logits give NaN, which no judge accepts as an answer."""
    with np.errstate(invalid="ignore", over="ignore"):
        shifted = logits - logits.max()
        total = np.log(np.exp(shifted).sum())
        return tuple(float(shifted[target] - total) for target in targets)


def _start_token(folder: Path) -> int:
    for file in _GENERATION_FILES:
        token = read_json(folder / file).get("decoder_start_token_id")
        if isinstance(token, int) and 0 <= token < 2**31:
            return token
    raise InvalidModel(
        f"neither generation_config.json nor config.json in {folder} says decoder_start_token_id",
        hint="Copy the config.json of the model (T5 begins with its padding token, 0) beside the graphs.",
    )
