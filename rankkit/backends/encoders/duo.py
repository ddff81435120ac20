"""Cross-encoders for a query and two documents at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rankkit.backends.encoders.classifier import Classifier
from rankkit.backends.protocols import PairBatch
from rankkit.backends.tokenizing.batching import micro_batches
from rankkit.backends.tokenizing.triples import TripleTokenizer


class DuoEncoder(Classifier[TripleTokenizer]):
    """A cross-encoder trained on a query and *two* documents, as duoBERT was; a ``DuoScorer``.

    It reads ``[CLS] query [SEP] first [SEP] second [SEP]`` (in the model's own special tokens); its logit says how much
    better the first is.
    """

    _reader = TripleTokenizer

    def duos(self, triples: Sequence[tuple[str, str, str]]) -> Iterable[PairBatch]:
        """Tokenise (query, first, second), and group what is run together. Each triple is in exactly one batch."""
        return micro_batches(self._tokenizer.encode(triples), self._batch_tokens, self._shape)
