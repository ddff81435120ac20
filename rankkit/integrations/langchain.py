"""rankkit in LangChain: a document compressor, and a cross-encoder.

::

    from rankkit.integrations.langchain import RankkitRerank

    retriever = ContextualCompressionRetriever(base_compressor=RankkitRerank(top_n=3), base_retriever=bm25)

Only langchain-core is needed; ``ContextualCompressionRetriever`` is in langchain-classic.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import AliasChoices, ConfigDict, Field, PrivateAttr, field_serializer, model_validator

from rankkit.config.kinds import Paradigm
from rankkit.errors import ConfigError
from rankkit.integrations.frameworks import framework
from rankkit.integrations.made_from import Model, RerankerSource, with_model
from rankkit.integrations.texts import Reordered, rank_documents, rank_documents_async, score_pairs, with_warnings

with framework("langchain", "langchain-core", "the LangChain adapter"):
    from langchain_core.callbacks import Callbacks
    from langchain_core.cross_encoders import BaseCrossEncoder
    from langchain_core.documents import BaseDocumentCompressor, Document
    from langchain_core.load.serializable import Serializable

_NO_SCORES = "order only: there are no scores for it"


class RankkitRerank(BaseDocumentCompressor, Serializable):
    """Documents in a better order: copies with their ids and metadata, and a ``relevance_score`` in the metadata.

    ``model`` is a name of the catalogue, a model's folder or file, a config file, a spec, or a reranker; ``paradigm``
    and ``options`` are those of ``rankkit.load``. It is checked here and loaded at the first call. ``top_n`` keeps the
    best so many (left out: all), ``threshold`` those with at least this score. ``instruction`` says what counts beside
    the query, to models that can follow one.

    Scores are floats in the model's own unit. Where the method gives none (listwise), none is set. That, and whatever
    failed, was cut or repaired, is listed under ``rerank_warnings`` in each document's metadata.

    As values (``model_dump``, ``langchain_core.load.dumps``) it is written by its spec. To read it again with
    ``loads``, allow it: ``loads(text, valid_namespaces=["rankkit"], allowed_objects=[RankkitRerank])``.
    """

    model: Any = Field(default=None, frozen=True)
    paradigm: Paradigm | None = Field(default=None, frozen=True)
    options: dict[str, Any] | None = Field(default=None, frozen=True)
    top_n: int | None = Field(default=None, gt=0, validation_alias=AliasChoices("top_n", "top_k"))
    threshold: float | None = Field(
        default=None, allow_inf_nan=False, validation_alias=AliasChoices("threshold", "score_threshold")
    )
    instruction: str = ""
    _source: RerankerSource = PrivateAttr()

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    @model_validator(mode="before")
    @classmethod
    def _with_model(cls, values: Any) -> Any:
        return with_model(values)

    def model_post_init(self, context: Any, /) -> None:
        self._source = RerankerSource(self.model, self.paradigm, self.options)
        self._source.refuse_threshold(self.threshold)

    @property
    def _current(self) -> RerankerSource:
        self._source = self._source.renewed(self.model, self.paradigm, self.options)
        return self._source

    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> Sequence[Document]:
        """The documents best first, and those only that ``top_n`` and ``threshold`` leave. None calls no model."""
        reordered = rank_documents(self._current, query, _values(documents), **self._limits())
        return _copies(documents, reordered)

    async def acompress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> Sequence[Document]:
        """The same while the event loop goes on. When the task is cancelled, no further call is made."""
        reordered = await rank_documents_async(self._current, query, _values(documents), **self._limits())
        return _copies(documents, reordered)

    def _limits(self) -> dict[str, Any]:
        return {"top_k": self.top_n, "threshold": self.threshold, "instruction": self.instruction}

    def close(self) -> None:
        """Give back the memory and connections of the model that was loaded here; the next call would load it again."""
        self._current.close()

    @field_serializer("model")
    def _written(self, model: object) -> str | dict[str, object]:
        return self._current.plain_model()

    @classmethod
    def is_lc_serializable(cls) -> bool:
        return True

    @property
    def lc_attributes(self) -> dict[str, Any]:
        return {"model": self._current.plain_model()}

    def to_json(self) -> Any:
        """LangChain's form of it, which traces are made of too: what no values can name is said to be so."""
        try:
            return super().to_json()
        except ConfigError:
            return self.to_json_not_implemented()


class RankkitCrossEncoder(BaseCrossEncoder):
    """Scores of pairs of texts, for LangChain's ``CrossEncoderReranker`` and whatever else takes a cross-encoder.

    ``model``, ``paradigm`` and ``options`` are those of ``RankkitRerank``.

    Raises:
        InputError: by ``score``, where the reranker gives no scores, or not to every text.
    """

    def __init__(
        self,
        model: Model | None = None,
        *,
        paradigm: Paradigm | None = None,
        options: dict[str, Any] | None = None,
    ) -> None:
        self._source = RerankerSource(model, paradigm, options)

    def score(self, text_pairs: list[tuple[str, str]]) -> list[float]:
        """One number for each (query, text), in the model's own unit; for a text without words, its query's lowest."""
        return score_pairs(self._source, text_pairs)

    def close(self) -> None:
        """Give back the memory and connections of the model that was loaded here; the next call would load it again."""
        self._source.close()


def _values(documents: Sequence[Document]) -> list[dict[str, object]]:
    return [{"id": one.id, "text": one.page_content, "metadata": one.metadata} for one in documents]


def _copies(documents: Sequence[Document], reordered: Reordered) -> list[Document]:
    warnings = [*([_NO_SCORES] if reordered.order_only else []), *reordered.warnings]
    copies = []
    for place, score in reordered.places:
        metadata = with_warnings(documents[place].metadata, warnings)
        metadata |= {} if score is None else {"relevance_score": score}
        copies.append(documents[place].model_copy(update={"metadata": metadata}))
    return copies
