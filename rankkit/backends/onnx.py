"""Cross-encoders as ONNX graphs, on the CPU: small runs, many at once, scores that depend on nothing but the pair."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rankkit.backends.cpus import available_cpus
from rankkit.backends.onnx_session import OnnxSession, find_graph
from rankkit.backends.pairs import EncodedPair, LongQuery, PairTokenizer
from rankkit.backends.protocols import PairBatch
from rankkit.errors import ConfigError, InvalidModel
from rankkit.ranking import ScoreKind

#: On a CPU a batch should stay in its cache: at 16k tokens a batch the same graph is three times slower than at 512.
_TOKENS_A_BATCH = 1024

_KNOWN_INPUTS = {"input_ids", "attention_mask", "token_type_ids"}


class OnnxCrossEncoder:
    """Any folder with ``model.onnx`` (or ``onnx/model*.onnx``) and ``tokenizer.json``; a ``PairScorer``.

    The graph's first output holds one logit a pair, or two (irrelevant, relevant), of which the difference is the
    score. A dynamically quantised graph is run one pair at a time: in company its scores would move (by up to 0.76
    for MiniLM-L-12) and cost as much. Other graphs get length-sorted batches of at most ``batch_tokens`` tokens,
    padding included, where a score moves by float rounding only (1e-5).

    ``threads`` is how many runs go on at once, one core each; the default is what this process may use.
    """

    score_kind = ScoreKind.LOGIT

    def __init__(
        self,
        folder: str | Path,
        *,
        name: str | None = None,
        graph: str | None = None,
        max_length: int | None = None,
        long_query: LongQuery = "shorten",
        threads: int | None = None,
        batch_tokens: int = _TOKENS_A_BATCH,
    ) -> None:
        folder = Path(folder)
        if threads is not None and threads < 1:
            raise ConfigError(
                f"threads is {threads}", hint="Give 1 or more, or leave it out to use what this process may."
            )
        self.name = name or folder.name
        self.concurrency = threads or available_cpus()
        self._session = OnnxSession(find_graph(folder, *([graph] if graph else ["model.onnx", "model*.onnx"])))
        self._tokenizer = PairTokenizer(folder, max_length=max_length, long_query=long_query)
        self._batch_tokens = 0 if self._session.dynamically_quantised else max(batch_tokens, self._tokenizer.max_length)
        self.fingerprint = f"{self._session.fingerprint}/{self._tokenizer.max_length}"
        self._check()

    @property
    def max_length(self) -> int:
        return self._tokenizer.max_length

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

    def batches(self, pairs: Sequence[tuple[str, str]]) -> Iterable[PairBatch]:
        """Tokenise, and group what is run together. Each pair is in exactly one batch."""
        encoded = self._tokenizer.encode(pairs)
        if self.one_pair_a_run:
            return (_batch([position], [pair]) for position, pair in enumerate(encoded))
        return self._by_length(list(encoded))

    def _by_length(self, encoded: Sequence[EncodedPair]) -> Iterator[PairBatch]:
        positions: list[int] = []
        for position in sorted(range(len(encoded)), key=lambda index: len(encoded[index])):
            if (len(positions) + 1) * len(encoded[position]) > self._batch_tokens:
                yield _batch(positions, [encoded[index] for index in positions])
                positions = []
            positions.append(position)
        if positions:
            yield _batch(positions, [encoded[index] for index in positions])

    def score(self, batch: PairBatch) -> list[float]:
        """One logit a pair, along the batch's positions."""
        pairs = batch.payload
        assert isinstance(pairs, tuple)
        length = max(len(pair) for pair in pairs)
        ids = np.full((len(pairs), length), self._tokenizer.pad_id, dtype=np.int32)
        mask, types = np.zeros_like(ids), np.zeros_like(ids)
        for row, pair in enumerate(pairs):
            ids[row, : len(pair)], types[row, : len(pair)], mask[row, : len(pair)] = pair.ids, pair.types, 1
        output = self._session.run({"input_ids": ids, "attention_mask": mask, "token_type_ids": types})
        return self._logits(output, len(pairs))

    def _logits(self, output: NDArray[np.float64], count: int) -> list[float]:
        rows = output.reshape(count, -1) if output.size % count == 0 else output
        match rows.shape:
            case (_, 1):
                return [float(value) for value in rows[:, 0]]
            case (_, 2):
                return [float(value) for value in rows[:, 1] - rows[:, 0]]
        raise InvalidModel(f"{self._session.path} gave an output of shape {output.shape} for {count} pair(s)")


def _batch(positions: Sequence[int], pairs: Sequence[EncodedPair]) -> PairBatch:
    return PairBatch(
        positions=tuple(positions),
        tokens=tuple(len(pair) for pair in pairs),
        shortened=tuple(pair.shortened for pair in pairs),
        query_shortened=tuple(pair.query_shortened for pair in pairs),
        payload=tuple(pairs),
    )
