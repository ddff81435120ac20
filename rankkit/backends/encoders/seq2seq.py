"""Sequence-to-sequence models (T5 and its kin) as ONNX graphs, asked how probable some first words of the answer are.

monoT5 and duoT5 never write anything: one decoder step after the start token tells the probabilities of "true" and
"false". So the encoder runs once for each input and the decoder for one token.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rankkit.backends.encoders.cross_encoder import TOKENS_A_BATCH, checked_threads
from rankkit.backends.encoders.seq2seq_graphs import open_graphs
from rankkit.backends.protocols import PairBatch
from rankkit.backends.tokenizing.files import LongQuery, micro_batches, padded, read_json
from rankkit.backends.tokenizing.filled_text import FilledTextTokenizer
from rankkit.errors import InvalidModel


class OnnxSeq2Seq:
    """A folder with the graphs of ``seq2seq_graphs``, ``tokenizer.json`` and ``config.json``; a ``TargetScorer``.

    Batches and threads as for ``OnnxCrossEncoder``: length-sorted micro-batches of at most ``batch_tokens`` tokens,
    padding included, in which a log-probability moves by float rounding only (1e-5), and one input a run where a graph
    is dynamically quantised. ``max_length`` is 512 for T5.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        name: str | None = None,
        max_length: int | None = None,
        long_query: LongQuery = "shorten",
        threads: int | None = None,
        batch_tokens: int = TOKENS_A_BATCH,
    ) -> None:
        folder = Path(folder)
        self.name = name or folder.name
        self.concurrency = checked_threads(threads)
        self._graphs = open_graphs(folder)
        self._tokenizer = FilledTextTokenizer(folder, max_length=max_length, long_query=long_query)
        self._start = _start_token(folder)
        quantised = any(session.dynamically_quantised for session in self._graphs.sessions)
        self._batch_tokens = 0 if quantised else max(batch_tokens, self.max_length)
        hashes = "-".join(session.fingerprint for session in self._graphs.sessions)
        self.fingerprint = f"{hashes}/{self.max_length}"

    @property
    def max_length(self) -> int:
        return self._tokenizer.max_length

    @property
    def one_input_a_run(self) -> bool:
        return self._batch_tokens == 0

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
        return micro_batches(self._tokenizer.encode(template, rows), self._batch_tokens)

    def score_targets(self, batch: PairBatch, targets: Sequence[int]) -> list[tuple[float, ...]]:
        ids, mask, _ = padded(batch, self._tokenizer.pad_id)
        logits = self._graphs.logits(ids, mask, self._start)
        if max(targets) >= logits.shape[1]:
            raise InvalidModel(
                f"the model gives logits of {logits.shape[1]} tokens; its tokenizer knows number {max(targets)}",
                hint="Tokenizer and graph are of two different models: export both anew.",
            )
        return [_log_probabilities(row.astype(np.float64), targets) for row in logits]


def _log_probabilities(logits: NDArray[np.float64], targets: Sequence[int]) -> tuple[float, ...]:
    """Log-softmax at the targets. NaN and infinite logits give NaN, which no judge accepts as an answer."""
    with np.errstate(invalid="ignore", over="ignore"):
        shifted = logits - logits.max()
        total = np.log(np.exp(shifted).sum())
        return tuple(float(shifted[target] - total) for target in targets)


def _start_token(folder: Path) -> int:
    for file in ("generation_config.json", "config.json"):
        token = read_json(folder / file).get("decoder_start_token_id")
        if isinstance(token, int):
            return token
    raise InvalidModel(
        f"neither generation_config.json nor config.json in {folder} says decoder_start_token_id",
        hint="Copy the config.json of the model (T5 begins with its padding token, 0) beside the graphs.",
    )
