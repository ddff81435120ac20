"""Cross-encoders: query and document read together, one score."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rankkit.backends.encoders.classifier import Classifier
from rankkit.backends.protocols import PairBatch
from rankkit.backends.tokenizing.batching import micro_batches
from rankkit.backends.tokenizing.pairs import PairTokenizer


class CrossEncoder(Classifier[PairTokenizer]):
    """Any folder with ``model.onnx`` (or ``onnx/model*.onnx``) and ``tokenizer.json``; a ``PairScorer``."""

    _reader = PairTokenizer

    def batches(self, pairs: Sequence[tuple[str, str]]) -> Iterable[PairBatch]:
        """Tokenise, and group what is run together. Each pair is in exactly one batch."""
        return micro_batches(self._tokenizer.encode(pairs), self._batch_tokens, self._shape)
