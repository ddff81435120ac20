"""The ``Reranker`` of rerankers, with its documents and results, over rankkit's models: change the import line.

::

    from rankkit.integrations.rerankers import Reranker

    ranker = Reranker("flashrank")
    ranker.rank("how long do fleas live?", ["...", "..."], doc_ids=["a", "b"]).top_k(3)

What is not there is an error: that library prints advice and returns ``None``. Documents are found again by their
places, so equal texts stay apart, and none that was handed in is changed. (Compared with rerankers 0.10.)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from rankkit.core.ranking import Ranking
from rankkit.errors import ConfigError, InputError, InvalidDocument
from rankkit.integrations.made_from import Model, RerankerSource
from rankkit.integrations.numbers import Activation, Texts, as_it_is, as_probability
from rankkit.integrations.rerankers_models import Chosen, choose
from rankkit.integrations.rerankers_results import Document as Document
from rankkit.integrations.rerankers_results import RankedResults as RankedResults
from rankkit.integrations.rerankers_results import Result as Result

if TYPE_CHECKING:
    from rankkit.integrations.langchain import RankkitRerank

#: Texts, documents of ours or of rerankers, or one of them by itself.
Docs: TypeAlias = str | Document | Iterable[str | Document]


class Reranker:
    """``model_name`` is a family (``"flashrank"``, ``"cross-encoder"``, ``"rankgpt"``), a model's name, whatever else
    ``rankkit.load`` takes, or a reranker. ``model_type`` is a family, or the name of its class there; ``lang`` chooses
    a family's default.

    ``api_key_env`` and ``endpoint`` are for language models behind a server (``"rankgpt"``, ``"rankllm"``), with keys
    from the environment only; ``options`` are further keys of a rankkit spec. ``verbose``, ``device``, ``dtype``,
    ``batch_size`` and ``cache_dir`` have no effect: nothing is printed or downloaded, no score depends on the batch.

    Raises:
        ConfigError, ModelError: what cannot be had, and what can.
    """

    def __init__(  # noqa: PLR0913 - their parameters
        self,
        model_name: Model,
        lang: str = "en",
        model_type: str | None = None,
        verbose: int = 1,
        *,
        endpoint: str | None = None,
        api_key_env: str | None = None,
        api_key: str | None = None,
        options: Mapping[str, object] | None = None,
        device: object = None,
        dtype: object = None,
        batch_size: int | None = None,
        cache_dir: object = None,
    ) -> None:
        choice = choose(model_name, lang, model_type) if isinstance(model_name, str) else Chosen(model_name)
        if api_key is not None:
            raise ConfigError(
                "api_key is given, and keys come from the environment only",
                hint='Set a variable and name it: api_key_env="OPENAI_API_KEY".',
            )
        server = {"endpoint": endpoint, "key_env": api_key_env}
        given = {**{key: value for key, value in server.items() if value is not None}, **(options or {})}
        if choice.behind_a_server and "endpoint" not in given:
            raise ConfigError(
                f"{choice.model} is a model behind a server, and no server is named",
                hint='Name one: endpoint="https://...", api_key_env="...". '
                'Or a model on this machine: Reranker("MODEL", options={"paradigm": "listwise"}).',
            )
        self._source = RerankerSource(choice.model, paradigm=choice.paradigm, options=given or None)
        self._source.reranker()  # there too, a model is loaded here
        self._activation: Activation = as_probability if choice.probabilities else as_it_is

    def rank(
        self,
        query: str,
        docs: Docs,
        doc_ids: Sequence[str | int] | None = None,
        metadata: Sequence[Mapping[str, Any]] | None = None,
        batch_size: int | None = None,
    ) -> RankedResults:
        """Results best first, ranks counted from 1. Documents without an id get their position as one.

        A method without scores (listwise) gives none (``has_scores`` is false). No documents, no call.
        """
        documents = _documents(docs, doc_ids, metadata)
        if not documents:
            return RankedResults([], query)
        texts = _texts(query, documents)
        return self._results(query, documents, texts, self._source.reranker().rank(texts.request))

    async def rank_async(
        self,
        query: str,
        docs: Docs,
        doc_ids: Sequence[str | int] | None = None,
        metadata: Sequence[Mapping[str, Any]] | None = None,
    ) -> RankedResults:
        """``rank`` while the event loop goes on. When the task is cancelled, no further call is made."""
        documents = _documents(docs, doc_ids, metadata)
        if not documents:
            return RankedResults([], query)
        texts, reranker = _texts(query, documents), await self._source.reranker_async()
        return self._results(query, documents, texts, await reranker.rank_async(texts.request))

    def score(self, query: str, doc: str) -> float:
        """The score of one text.

        Raises:
            InputError: the method gives no scores.
        """
        score = self.rank(query, doc).results[0].score
        if score is None:
            raise InputError(
                f"{self._source.name} gives an order without scores",
                hint="Use a cross-encoder or another pointwise method.",
            )
        return score

    def as_langchain_compressor(self, k: int = 10) -> RankkitRerank:
        """A LangChain document compressor that keeps the best ``k`` (needs the extra ``langchain``)."""
        from rankkit.integrations.langchain import RankkitRerank

        source = self._source
        return RankkitRerank(model=source.model, paradigm=source.paradigm, options=source.options, top_n=k)

    def close(self) -> None:
        """Give the model's memory back."""
        self._source.close()

    def _results(self, query: str, documents: Sequence[Document], texts: Texts, ranking: Ranking) -> RankedResults:
        scored = ranking.scores is not None and not ranking.scores_from
        order = texts.order(ranking)
        rows = zip(order, texts.numbers(ranking, self._activation) if scored else [None] * len(order), strict=True)
        results = [Result(documents[place], score, rank) for rank, (place, score) in enumerate(rows, start=1)]
        return RankedResults(results, query, has_scores=scored)

    def __repr__(self) -> str:
        return f"Reranker({self._source.name!r})"


def _texts(query: str, documents: Sequence[Document]) -> Texts:
    return Texts.of(query, [document.text or "" for document in documents])


def _documents(
    docs: Docs, doc_ids: Sequence[str | int] | None, metadata: Sequence[Mapping[str, Any]] | None
) -> list[Document]:
    given = [docs] if isinstance(docs, str) or hasattr(docs, "doc_id") else list(docs)
    for words, values in (("doc_ids", doc_ids), ("metadata", metadata)):
        if values is not None and len(values) != len(given):
            raise InputError(f"there are {len(given)} documents, and {len(values)} {words}", hint="Give one for each.")
    return [
        _document(
            one, place, None if doc_ids is None else doc_ids[place], None if metadata is None else metadata[place]
        )
        for place, one in enumerate(given)
    ]


def _document(one: Any, place: int, doc_id: str | int | None, metadata: Mapping[str, Any] | None) -> Document:
    """The very object, where nothing is to be said of it that it does not say itself; else a copy."""
    if isinstance(one, str):
        return Document(one, place if doc_id is None else doc_id, metadata)
    if getattr(one, "document_type", "text") != "text" or not isinstance(getattr(one, "text", None), str):
        raise InvalidDocument(
            f"document {place} is {one!r:.80}, which is no text", hint='Give a string or Document(text="...").'
        )
    if isinstance(one, Document) and one.doc_id is not None and doc_id is None and metadata is None:
        return one
    named = next((name for name in (doc_id, one.doc_id) if name is not None), place)
    return Document(one.text, named, getattr(one, "metadata", None) if metadata is None else metadata)
