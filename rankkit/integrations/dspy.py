"""Reranked passages for DSPy programs.

::

    import dspy
    from rankkit.integrations.dspy import RerankedRM

    dspy.configure(rm=RerankedRM(search, model="ms-marco-MiniLM-L-12-v2"))  # search(query, k=50) finds passages
    dspy.Retrieve(k=3)("how long do fleas live?").passages

or, in a program of one's own, ``Rerank(k=3)``, a ``dspy.Module`` over ``dspy.settings.rm``. (For DSPy 3.4.)
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rankkit.config.kinds import Paradigm
from rankkit.core.ranking import Ranking
from rankkit.errors import ConfigError, InputError, InvalidDocument
from rankkit.integrations.frameworks import framework
from rankkit.integrations.made_from import Model, RerankerSource
from rankkit.integrations.numbers import Texts

with framework("dspy", "dspy", "the DSPy adapter"):
    import dspy

#: ``rm(query, k=...)``: objects with ``long_text``, or one of them.
RetrievalModel = Callable[..., Any]


class RerankedRM:
    """A retrieval model around another: it fetches ``fetch`` passages and gives the best ``k`` of them, the very
    objects, in a new list. (``k`` of them and not more if ``k`` is larger than ``fetch``.)

    ``model``, ``paradigm`` and ``options`` are those of ``rankkit.load``, or ``model`` is a reranker; loaded at the
    first call.
    """

    def __init__(
        self,
        rm: RetrievalModel,
        *,
        model: Model | None = None,
        paradigm: Paradigm | None = None,
        options: Mapping[str, object] | None = None,
        fetch: int = 50,
    ) -> None:
        if not callable(rm):
            raise ConfigError(f"rm is {rm!r:.80}", hint="Give a callable: rm(query, k=...).")
        self.rm = rm
        self.fetch = _at_least_one("fetch", fetch)
        self._source = RerankerSource(model, paradigm, options)

    def __call__(self, query: str, k: int = 3, **kwargs: Any) -> list[Any]:
        passages = _listed(self.rm(query, k=max(self.fetch, k), **kwargs))
        return _best(self._source, query, passages, k)

    def close(self) -> None:
        """Give the model's memory back; the next call loads it again."""
        self._source.close()

    def __repr__(self) -> str:
        return f"RerankedRM({self.rm!r}, {self._source.name!r}, fetch={self.fetch})"


class Rerank(dspy.Module):
    """A module that asks ``dspy.settings.rm`` (or the ``rm`` that is given) for ``fetch`` passages and gives the best
    ``k``: ``Prediction(passages=[texts], documents=[objects], scores=[...])``. Of a method without scores (listwise)
    the scores are ``None``.
    """

    def __init__(
        self,
        k: int = 3,
        *,
        model: Model | None = None,
        paradigm: Paradigm | None = None,
        options: Mapping[str, object] | None = None,
        fetch: int = 50,
        rm: RetrievalModel | None = None,
    ) -> None:
        super().__init__()
        self.k = _at_least_one("k", k)
        self.fetch = _at_least_one("fetch", fetch)
        self.rm = rm
        self._source = RerankerSource(model, paradigm, options)

    def forward(self, query: str, k: int | None = None) -> dspy.Prediction:
        passages = self._found(query, k or self.k)
        if not passages:
            return _prediction([], [])
        texts = Texts.of(query, map(_text, passages))
        return _prediction(passages, _rows(texts, self._source.reranker().rank(texts.request))[: k or self.k])

    async def aforward(self, query: str, k: int | None = None) -> dspy.Prediction:
        """``forward`` while the event loop goes on; the retrieval model, which is none for it, is asked in a thread."""
        passages = await asyncio.to_thread(self._found, query, k or self.k)
        if not passages:
            return _prediction([], [])
        texts, reranker = Texts.of(query, map(_text, passages)), await self._source.reranker_async()
        return _prediction(passages, _rows(texts, await reranker.rank_async(texts.request))[: k or self.k])

    def close(self) -> None:
        """Give the model's memory back; the next call loads it again."""
        self._source.close()

    def _found(self, query: str, k: int) -> list[Any]:
        rm = self.rm or dspy.settings.rm
        if rm is None:
            raise ConfigError("no retrieval model is set", hint="Set one: dspy.configure(rm=...), or give rm=....")
        return _listed(rm(query, k=max(self.fetch, k)))


def _best(source: RerankerSource, query: str, passages: list[Any], k: int) -> list[Any]:
    if not passages:
        return []
    texts = Texts.of(query, map(_text, passages))
    return [passages[place] for place in texts.order(source.reranker().rank(texts.request))[:k]]


def _rows(texts: Texts, ranking: Ranking) -> list[tuple[int, float | None]]:
    """The places of passages, best first, with their scores."""
    scores = [None if ranking.scores_from else row.score for row in ranking]
    order = texts.order(ranking)
    return list(zip(order, [*scores, *[None] * (len(order) - len(scores))], strict=True))


def _prediction(passages: list[Any], rows: list[tuple[int, float | None]]) -> dspy.Prediction:
    documents = [passages[place] for place, _ in rows]
    return dspy.Prediction(
        passages=[_text(document) for document in documents], documents=documents, scores=[score for _, score in rows]
    )


def _listed(found: Any) -> list[Any]:
    """As in ``dspy.Retrieve``, one passage may come without a list around it."""
    if isinstance(found, str | Mapping) or not isinstance(found, Iterable):
        return [] if found is None else [found]
    return list(found)


def _text(passage: Any) -> str:
    text = passage.get("long_text") if isinstance(passage, Mapping) else getattr(passage, "long_text", passage)
    if not isinstance(text, str):
        raise InvalidDocument(f"a passage has no long_text: {passage!r:.80}", hint="Give dspy.Example(long_text=...).")
    return text


def _at_least_one(name: str, number: int) -> int:
    if number < 1:
        raise InputError(f"{name} is {number}", hint="Give 1 or more.")
    return number
