"""rankkit in Haystack: a ranker.

::

    from rankkit.integrations.haystack import RankkitRanker

    pipeline.add_component("ranker", RankkitRanker(top_k=5))
    pipeline.connect("retriever.documents", "ranker.documents")

Haystack reads a pipeline with classes of other packages only if they are named::

    Pipeline.loads(text, allowed_modules=["rankkit.integrations.haystack"])
"""

# No ``from __future__ import annotations`` here: Haystack reads the types of a component's sockets from its signatures.

from collections.abc import Iterable
from dataclasses import replace
from math import inf
from typing import Any

from rankkit.config.kinds import Paradigm
from rankkit.errors import ConfigError
from rankkit.integrations.frameworks import framework
from rankkit.integrations.made_from import Model, RerankerSource
from rankkit.integrations.texts import Reordered, rank_documents, rank_documents_async, with_warnings

with framework("haystack", "haystack-ai", "the Haystack adapter"):
    from haystack import Document, component, default_from_dict, default_to_dict


@component
class RankkitRanker:
    """Documents in a better order: copies with their ids and meta, and the new ``score``.

    ``model`` is a name of the catalogue, a model's folder or file, a config file, a spec, or a reranker; ``paradigm``
    and ``options`` are those of ``rankkit.load``. It is checked here and loaded by ``warm_up``, or at the first run.
    ``top_k`` keeps the best so many (left out: all), ``score_threshold`` those with at least this score. The model
    reads the values of ``meta_fields_to_embed``, then the content, with ``meta_data_separator`` between them.
    ``instruction`` says what counts beside the query, to models that can follow one.

    Documents with one id count as one: the best scored. Scores are floats in the model's own unit; where the method
    gives none (listwise), ``score`` is none. What failed, was cut or repaired is listed in each document's
    ``meta["rerank_warnings"]``.
    """

    def __init__(
        self,
        model: Model | None = None,
        *,
        paradigm: Paradigm | None = None,
        options: dict[str, Any] | None = None,
        top_k: int | None = None,
        score_threshold: float | None = None,
        meta_fields_to_embed: list[str] | None = None,
        meta_data_separator: str = "\n",
        instruction: str = "",
    ) -> None:
        self._source = RerankerSource(model, paradigm, options)
        self.top_k = _checked(top_k)
        self.score_threshold = score_threshold
        self._source.refuse_threshold(score_threshold)
        self.meta_fields_to_embed = list(meta_fields_to_embed or [])
        self.meta_data_separator = meta_data_separator
        self.instruction = instruction

    def warm_up(self) -> None:
        """Load the model. Again changes nothing."""
        self._source.reranker()

    async def warm_up_async(self) -> None:
        """Load the model while the event loop goes on."""
        await self._source.reranker_async()

    def close(self) -> None:
        """Give back the memory and connections of the model that was loaded here; the next run would load it again."""
        self._source.close()

    async def close_async(self) -> None:
        """``close``."""
        self._source.close()

    def to_dict(self) -> dict[str, Any]:
        """
        Raises:
            ConfigError: the reranker was put together in Python, from objects that no values can name.
        """
        written: dict[str, Any] = default_to_dict(
            self,
            **self._source.to_dict(),
            top_k=self.top_k,
            score_threshold=self.score_threshold,
            meta_fields_to_embed=self.meta_fields_to_embed,
            meta_data_separator=self.meta_data_separator,
            instruction=self.instruction,
        )
        return written

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "RankkitRanker":
        made: RankkitRanker = default_from_dict(cls, data)
        return made

    @component.output_types(documents=list[Document])
    def run(
        self,
        query: str,
        documents: list[Document],
        top_k: int | None = None,
        score_threshold: float | None = None,
    ) -> dict[str, list[Document]]:
        """The documents best first, and those only that ``top_k`` and ``score_threshold`` leave; given here they come
        before those of the component. No documents call no model.
        """
        limits, unique = self._limits(top_k, score_threshold), _deduplicated(documents)
        return _output(unique, rank_documents(self._source, query, self._values(unique), **limits))

    @component.output_types(documents=list[Document])
    async def run_async(
        self,
        query: str,
        documents: list[Document],
        top_k: int | None = None,
        score_threshold: float | None = None,
    ) -> dict[str, list[Document]]:
        """``run`` while the event loop goes on. When the task is cancelled, no further call is made."""
        limits, unique = self._limits(top_k, score_threshold), _deduplicated(documents)
        return _output(unique, await rank_documents_async(self._source, query, self._values(unique), **limits))

    def _limits(self, top_k: int | None, threshold: float | None) -> dict[str, Any]:
        return {
            "top_k": self.top_k if top_k is None else _checked(top_k),
            "threshold": self.score_threshold if threshold is None else threshold,
            "instruction": self.instruction,
        }

    def _values(self, documents: Iterable[Document]) -> list[dict[str, object]]:
        return [{"id": one.id, "text": self._text(one), "score": one.score, "metadata": one.meta} for one in documents]

    def _text(self, document: Document) -> str:
        found = (document.meta.get(key) for key in self.meta_fields_to_embed)
        return self.meta_data_separator.join(
            [*(str(value) for value in found if value is not None), document.content or ""]
        )


def _checked(top_k: int | None) -> int | None:
    if top_k is not None and top_k <= 0:
        raise ConfigError(f"top_k is {top_k}", hint="Give 1 or more, or leave it out to keep all.")
    return top_k


def _deduplicated(documents: Iterable[Document]) -> list[Document]:
    """Of documents with one id the best scored, in the place of the first."""
    best: dict[str, Document] = {}
    for one in documents:
        if one.id not in best or _score(one) > _score(best[one.id]):
            best[one.id] = one
    return list(best.values())


def _score(document: Document) -> float:
    return -inf if document.score is None else document.score


def _output(documents: list[Document], reordered: Reordered) -> dict[str, list[Document]]:
    ranked = (
        replace(documents[place], score=score, meta=with_warnings(documents[place].meta, reordered.warnings))
        for place, score in reordered.places
    )
    return {"documents": list(ranked)}
