"""``[first_stage]``: where the candidates come from, so that a file can start from a corpus."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from rankkit.core.events import logger
from rankkit.core.ranking import Candidate
from rankkit.errors import ConfigError, DataError

if TYPE_CHECKING:
    from rankkit.retrieval.bm25 import Bm25Index, Bm25Settings


class FirstStageSpec(BaseModel):
    """BM25 over a corpus: JSON lines with id, text and title, a BEIR folder, or a folder of .txt and .md files.

    ``index`` is a folder in which the index is kept, and built again when the corpus changes; without ``corpus`` it is
    searched as it is. An evaluation searches the corpus of its data instead.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    method: Literal["bm25"] = "bm25"
    corpus: str | None = None
    index: str | None = None
    k: int = Field(default=100, ge=1, description="documents that are found for each query")
    k1: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    b: float | None = Field(default=None, ge=0, le=1)
    tokenizer: Literal["words", "bigrams"] | None = None
    stemmer: str | None = None

    def settings(self) -> Bm25Settings | None:
        """``None`` where nothing was said of how to index: then a kept index stands as it is."""
        from rankkit.retrieval.bm25 import Bm25Settings

        said: dict[str, Any] = {name: getattr(self, name) for name in ("k1", "b", "tokenizer", "stemmer")}
        given = {name: value for name, value in said.items() if value is not None}
        return Bm25Settings(**given) if given else None

    def open(self) -> tuple[Bm25Index, bool]:
        """The index, and whether it was built and written just now.

        Raises:
            ConfigError: neither a corpus nor an index is named, or settings for an index that is there.
            DataError: there is no such corpus or index, or it is broken.
        """
        from rankkit.retrieval.bm25 import Bm25Index, unusual

        if self.corpus is None and self.index is None:
            raise ConfigError("there is nothing to search", hint="Give a corpus, or the index that was built from one.")
        settings = self.settings()
        if self.corpus is None:
            index = Bm25Index.load(str(self.index))
            if settings is not None and settings != index.settings:
                raise ConfigError(
                    f"{self.index} was built with {index.settings}, and not with {settings}: k1, b, tokenizer and "
                    "stemmer are for building an index",
                    hint="Give the corpus too, to build it again, or leave them out, to search it as it is.",
                )
            if settings is None and (note := unusual(index.settings)):
                logger.warning("%s: %s", self.index, note)
            return index, False
        documents = read_corpus(Path(self.corpus))
        if self.index is None:
            return Bm25Index.build(documents, settings), False
        return Bm25Index.kept(self.index, documents, settings)


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
