"""txtai's similarity function over rankkit's models, for its ``Reranker`` pipeline. txtai itself is not needed here.

::

    from txtai.pipeline import Reranker
    from rankkit.integrations.txtai import Similarity

    rerank = Reranker(embeddings, Similarity("ms-marco-MiniLM-L-12-v2"))
    rerank("how long do fleas live?", limit=3)

(Compared with txtai 9.14.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import overload

from rankkit.config.kinds import Paradigm
from rankkit.core.ranking import Ranking
from rankkit.integrations.made_from import Model, RerankerSource
from rankkit.integrations.numbers import Texts, as_it_is, as_probability

#: A text's position, and its score.
Row = tuple[int, float]


class Similarity:
    """A callable that ranks texts. ``model``, ``paradigm`` and ``options`` are those of ``rankkit.load``, or ``model``
    is a reranker; loaded at the first call.

    Every text gets a number: of a method without scores (listwise), or where a stage dropped some, it is 1 / rank.
    """

    def __init__(
        self,
        model: Model | None = None,
        *,
        paradigm: Paradigm | None = None,
        options: Mapping[str, object] | None = None,
    ) -> None:
        self._source = RerankerSource(model, paradigm, options)

    @overload
    def __call__(self, query: str, texts: Sequence[str], multilabel: bool | None = True) -> list[Row]: ...  # noqa: FBT001, FBT002

    @overload
    def __call__(
        self,
        query: list[str],
        texts: Sequence[str],
        multilabel: bool | None = True,  # noqa: FBT001, FBT002
    ) -> list[list[Row]]: ...

    def __call__(
        self,
        query: str | list[str],
        texts: Sequence[str],
        multilabel: bool | None = True,  # noqa: FBT001, FBT002 - as there
    ) -> list[Row] | list[list[Row]]:
        """``(position, score)``, best first; of several queries a list for each. Scores are probabilities where the
        model's can be made such, with ``multilabel=None`` the model's own.
        """
        queries = [query] if isinstance(query, str) else list(query)
        rows: list[list[Row]] = [[] for _ in queries]
        if texts:
            asked = [Texts.of(one, texts) for one in queries]
            rankings = self._source.reranker().rank_many([one.request for one in asked])
            rows = [_rows(*pair, raw=multilabel is None) for pair in zip(asked, rankings, strict=True)]
        return rows[0] if isinstance(query, str) else rows

    def close(self) -> None:
        """Give the model's memory back; the next call loads it again."""
        self._source.close()

    def __repr__(self) -> str:
        return f"Similarity({self._source.name!r})"


def _rows(texts: Texts, ranking: Ranking, *, raw: bool) -> list[Row]:
    numbers = texts.numbers_of_all(ranking, as_it_is if raw else as_probability)
    ranked = [texts.places[index] for index in (*ranking.order, *ranking.dropped)]
    return [(place, numbers[place]) for place in (*ranked, *texts.without_words)]
