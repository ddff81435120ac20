"""A PyTerrier transformer that reranks. No Java is needed.

::

    import pyterrier as pt
    from rankkit.integrations.pyterrier import RankkitReranker

    pipeline = retriever % 100 >> pt.text.get_text(index, "text") >> RankkitReranker("ms-marco-MiniLM-L-12-v2") % 10

(For PyTerrier 1.1.)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rankkit.config.kinds import Paradigm
from rankkit.core.ranking import Query, Ranking
from rankkit.integrations.frameworks import framework
from rankkit.integrations.made_from import Model, RerankerSource
from rankkit.integrations.numbers import Texts

with framework("pyterrier", "pyterrier", "the PyTerrier transformer"):
    import pandas as pd
    import pyterrier as pt


class RankkitReranker(pt.Transformer):
    """Takes ``qid``, ``query``, ``docno`` and a text, and gives the same rows and columns with a new ``score`` and
    ``rank``, best first within each query. Those of a cascade that drops some are fewer.

    ``model``, ``paradigm`` and ``options`` are those of ``rankkit.load``, or ``model`` is a reranker; loaded at the
    first row. All queries of a frame are ranked together. PyTerrier sorts by score: where a method gives none
    (listwise), it is 1 / rank. A text that is missing or empty comes last, with the lowest score of its query.
    """

    def __init__(
        self,
        model: Model | None = None,
        *,
        paradigm: Paradigm | None = None,
        options: Mapping[str, object] | None = None,
        text_field: str = "text",
    ) -> None:
        super().__init__()
        self.model = model
        self.paradigm = paradigm
        self.options = options
        self.text_field = text_field
        self._source = RerankerSource(model, paradigm, options)

    def transform(self, inp: pd.DataFrame) -> pd.DataFrame:
        """The frame reranked; what was handed in stays as it is.

        Raises:
            pt.validate.InputValidationError: a column is missing.
            EmptyQuery: names its id.
        """
        pt.validate.result_frame(inp, extra_columns=["query", self.text_field], context=self)
        groups = [group for _, group in inp.groupby("qid", sort=False, dropna=False)]
        asked = [self._texts(group) for group in groups]
        rankings = self._source.reranker().rank_many([texts.request for texts in asked]) if groups else []
        ranked = [_ranked(*one) for one in zip(groups, asked, rankings, strict=True)]
        empty = inp.iloc[:0].assign(score=pd.Series(dtype="float64"))
        return pt.model.add_ranks(pd.concat(ranked, ignore_index=True) if ranked else empty)

    def schematic(self, *, input_columns: list[str] | None = None) -> dict[str, object]:
        """How drawings of pipelines show it. Without the key for help, PyTerrier would look for a page about it in its
        own documentation, over the network.
        """
        return {"label": "Rankkit", "help_url": None}

    def close(self) -> None:
        """Give the model's memory back; the next call loads it again."""
        self._source.close()

    def _texts(self, group: pd.DataFrame) -> Texts:
        first = group.iloc[0]
        texts = ["" if pd.isna(text) else text for text in group[self.text_field]]
        scores = [_number(score) for score in group["score"]] if "score" in group else ()
        return Texts.of(Query(first["query"], id=str(first["qid"])), texts, scores)

    def __repr__(self) -> str:
        return f"RankkitReranker({self._source.name!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RankkitReranker):
            return NotImplemented
        return (self._source, self.text_field) == (other._source, other.text_field)

    def __hash__(self) -> int:
        return hash((repr(self), self.text_field))


def _ranked(group: pd.DataFrame, texts: Texts, ranking: Ranking) -> pd.DataFrame:
    return group.iloc[texts.order(ranking)].assign(score=texts.numbers(ranking))


def _number(score: Any) -> float | None:
    return None if pd.isna(score) else float(score)
