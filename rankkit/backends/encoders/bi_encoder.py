"""Bi-encoders: query and document read apart, one vector each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from rankkit.backends.encoders.embedder import Embedder, as_stored
from rankkit.backends.encoders.engine import Engine
from rankkit.backends.encoders.head import DEFAULT_ENGINE
from rankkit.backends.protocols import PairBatch
from rankkit.backends.tokenizing.files import LongQuery, read_json
from rankkit.backends.tokenizing.singles import Opening
from rankkit.backends.vectors import DocumentVectors, Vectors
from rankkit.errors import ConfigError, InvalidModel, nearest

Pooling = Literal["cls", "mean", "last"]

#: How ``1_Pooling/config.json`` of sentence-transformers says it.
_STATED: Mapping[str, Pooling] = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_lasttoken": "last",
}


class BiEncoder(Embedder):
    """A vector a text: that of [CLS], the mean of all tokens' or the last token's, normalised.

    ``pooling`` and the words before a query and a document are what the folder says (``1_Pooling/config.json``, and
    ``prompts`` in ``config_sentence_transformers.json``) where they are not given. A graph that pools by itself gives
    its own vectors.
    """

    def __init__(  # noqa: PLR0913 - the keywords of every head, and how texts become one vector
        self,
        folder: str | Path,
        *,
        pooling: Pooling | None = None,
        query_prefix: str | None = None,
        document_prefix: str | None = None,
        name: str | None = None,
        graph: str | None = None,
        engine: str | Engine = DEFAULT_ENGINE,
        max_length: int | None = None,
        long_query: LongQuery = "shorten",
        threads: int | None = None,
    ) -> None:
        folder = Path(folder)
        if pooling is not None and pooling not in get_args(Pooling):
            raise ConfigError(f"there is no pooling {pooling!r}", hint=nearest(pooling, get_args(Pooling)))
        query = _stated_prompt(folder, "query") if query_prefix is None else query_prefix
        document = _stated_prompt(folder, "document", "passage") if document_prefix is None else document_prefix
        super().__init__(
            folder,
            openings=(Opening(query), Opening(document)),
            name=name,
            graph=graph,
            engine=engine,
            max_length=max_length,
            long_query=long_query,
            threads=threads,
            more={"pooling": pooling, "query_prefix": query_prefix, "document_prefix": document_prefix},
        )
        shape = self._engine.outputs[self._output].shape
        pools_itself = shape is not None and len(shape) == 2
        self._pooling = None if pools_itself else pooling or stated_pooling(folder)

    def _document_options(self) -> tuple[object, ...]:
        return (*super()._document_options(), self._pooling)

    def query_vectors(self, batch: PairBatch) -> Vectors:
        return self._vector(batch)

    def document_vectors(self, batch: PairBatch) -> DocumentVectors:
        return as_stored(self._vector(batch), batch)

    def _vector(self, batch: PairBatch) -> NDArray[np.float32]:
        output, _ = self._vectors_of(batch, pad=self._tokenizer.pad_id)
        return self._of_length_one(self._pooled(output, batch.tokens[0])[None, :])

    def _pooled(self, output: Vectors, tokens: int) -> NDArray[np.float32]:
        """Of a text of so many tokens."""
        if output.ndim == 1:
            return output
        places = {"cls": slice(0, 1), "last": slice(tokens - 1, tokens)}.get(str(self._pooling), slice(0, tokens))
        mean: NDArray[np.float32] = output[places].mean(axis=0, dtype=np.float64).astype(np.float32)
        return mean


def stated_pooling(folder: Path) -> Pooling:
    """What a model's folder says of its pooling.

    Raises:
        InvalidModel: nothing, or another one than these: to guess would cost quality in silence.
    """
    path = folder / "1_Pooling" / "config.json"
    stated = read_json(path)
    chosen = [name for name, value in stated.items() if name.startswith("pooling_mode_") and value is True]
    if len(chosen) == 1 and chosen[0] in _STATED:
        return _STATED[chosen[0]]
    seen = f"says {', '.join(chosen)}" if chosen else "says nothing"
    raise InvalidModel(
        f"{path} {seen}; a text's vector is that of its first token (cls) or last, or the mean of all",
        hint='Say which: method = "cosine" and method_options = { pooling = "cls" }. The model\'s card has it.',
    )


def _stated_prompt(folder: Path, *names: str) -> str:
    prompts = read_json(folder / "config_sentence_transformers.json").get("prompts")
    found = [prompts[name] for name in names if name in prompts] if isinstance(prompts, dict) else []
    return found[0] if found and isinstance(found[0], str) else ""
