"""``[first_stage]``: where the candidates come from, so that a file can start from a corpus."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rankkit.config.encoders import DEFAULT_ENCODER
from rankkit.core.events import logger
from rankkit.core.ranking import Candidate
from rankkit.errors import ConfigError, DataError

if TYPE_CHECKING:
    from rankkit.retrieval.bm25 import Bm25Index, Bm25Settings
    from rankkit.retrieval.dense import DenseIndex
    from rankkit.retrieval.hybrid import HybridIndex
    from rankkit.retrieval.index import Index

_BM25_KEYS = ("k1", "b", "tokenizer", "stemmer")


class FirstStageSpec(BaseModel):
    """A corpus and how it is searched: JSON lines with id, text and title, a BEIR folder, or a folder of .txt and .md
    files; by BM25, by vectors (``dense``), or by both (``hybrid``).

    ``index`` is a folder in which the index is kept, and built again when the corpus changes; without ``corpus`` it is
    searched as it is. An evaluation searches the corpus of its data instead.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    method: Literal["bm25", "dense", "hybrid"] = "bm25"
    corpus: str | None = None
    index: str | None = None
    k: int = Field(default=100, ge=1, description="documents that are found for each query")
    k1: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    b: float | None = Field(default=None, ge=0, le=1)
    tokenizer: Literal["words", "bigrams"] | None = None
    stemmer: str | None = None
    model: str | None = Field(default=None, description=f"what makes the vectors; {DEFAULT_ENCODER} if none is named")
    vectors: str | None = Field(default=None, description="a folder in which document vectors are kept")

    @model_validator(mode="after")
    def _keys_fit(self) -> Self:
        unused = {"bm25": ("model", "vectors"), "dense": _BM25_KEYS}.get(self.method, ())
        for key in unused:
            if getattr(self, key) is not None:
                raise ValueError(f'{key} does nothing with method = "{self.method}"')
        return self

    @property
    def encoder(self) -> str | None:
        """The model that makes the vectors; ``None`` where there are none."""
        return None if self.method == "bm25" else self.model or DEFAULT_ENCODER

    def settings(self) -> Bm25Settings | None:
        """``None`` where nothing was said of how to index: then a kept index stands as it is."""
        from rankkit.retrieval.bm25 import Bm25Settings

        said: dict[str, Any] = {name: getattr(self, name) for name in _BM25_KEYS}
        given = {name: value for name, value in said.items() if value is not None}
        return Bm25Settings(**given) if given else None

    def build(self, documents: Iterable[Candidate]) -> Index:
        """An index of these documents in memory.

        Raises:
            DataError: there is nothing to index.
            ModelNotPulled, CapabilityMissing: of the model that makes the vectors.
        """
        if self.method == "bm25":
            return self._bm25(documents, None)[0]
        if self.method == "dense":
            return self._dense(documents, None)[0]
        return self._hybrid(tuple(documents), None)[0]

    def open(self) -> tuple[Index, bool]:
        """The index, and whether it was built and written just now.

        Raises:
            ConfigError: neither a corpus nor an index is named, or settings for an index that is there.
            DataError: there is no such corpus or index, or it is broken.
        """
        if self.corpus is None and self.index is None:
            raise ConfigError("there is nothing to search", hint="Give a corpus, or the index that was built from one.")
        documents = None if self.corpus is None else read_corpus(Path(self.corpus))
        folder = None if self.index is None else Path(self.index)
        if self.method == "bm25":
            return self._bm25(documents, folder)
        return (self._dense if self.method == "dense" else self._hybrid)(documents, folder)

    def _bm25(self, documents: Iterable[Candidate] | None, folder: Path | None) -> tuple[Bm25Index, bool]:
        from rankkit.retrieval.bm25 import Bm25Index, unusual

        settings = self.settings()
        if documents is None:
            index = Bm25Index.load(str(folder))
            if settings is not None and settings != index.settings:
                raise ConfigError(
                    f"{folder} was built with {index.settings}, and not with {settings}: k1, b, tokenizer and "
                    "stemmer are for building an index",
                    hint="Give the corpus too, to build it again, or leave them out, to search it as it is.",
                )
            if settings is None and (note := unusual(index.settings)):
                logger.warning("%s: %s", folder, note)
            return index, False
        if folder is None:
            return Bm25Index.build(documents, settings), False
        return Bm25Index.kept(folder, documents, settings)

    def _dense(self, documents: Iterable[Candidate] | None, folder: Path | None) -> tuple[DenseIndex, bool]:
        from rankkit.config.encoders import open_encoder, open_store
        from rankkit.retrieval.dense import DenseIndex

        encoder = open_encoder(str(self.encoder))
        store = open_store(self.vectors, encoder)
        if documents is None:
            return DenseIndex.load(str(folder), encoder), False
        if folder is None:
            return DenseIndex.build(documents, encoder, store), False
        return DenseIndex.kept(folder, documents, encoder, store)

    def _hybrid(self, documents: Iterable[Candidate] | None, folder: Path | None) -> tuple[HybridIndex, bool]:
        """Kept, each has a folder of its own in that of the index."""
        from rankkit.retrieval.hybrid import HybridIndex

        bm25, built = self._bm25(documents, folder and folder / "bm25")
        dense, also = self._dense(documents, folder and folder / "dense")
        return HybridIndex(bm25, dense), built or also


def read_corpus(path: Path) -> Iterable[Candidate]:
    """JSON lines, CSV or TSV (a file, or the corpus of a BEIR or MS MARCO folder), or a folder of text files.

    Raises:
        DataError: there is no such file or folder. What is wrong inside is found when the corpus is read.
    """
    from rankkit.data.corpus import Corpus
    from rankkit.data.folder import CORPUS, find
    from rankkit.data.text_files import TextFolder

    if not path.exists():
        raise DataError(f"{path}: there is no such file or folder", hint="Give a folder, or a file of JSON lines.")
    if path.is_file():
        return Corpus(path)
    inside = find(path, CORPUS)
    return TextFolder(path) if inside is None else Corpus(inside)
