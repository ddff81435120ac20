"""A reranker as MTEB's cross-encoder protocol has it.

::

    import mteb
    from rankkit.integrations.mteb import RankkitCrossEncoder

    mteb.evaluate(RankkitCrossEncoder("ms-marco-MiniLM-L-12-v2"), task)  # a reranking task

``examples/nanobeir.py`` runs NanoBEIR with it: a first stage, then the reranker. (For MTEB 2.26.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankkit.config.kinds import Paradigm
from rankkit.errors import InputError
from rankkit.integrations.frameworks import framework
from rankkit.integrations.made_from import Model, RerankerSource
from rankkit.integrations.numbers import pair_numbers
from rankkit.integrations.progress_bar import progress_bar


class RankkitCrossEncoder:
    """``model``, ``paradigm`` and ``options`` are those of ``rankkit.load``, or ``model`` is a reranker; loaded at the
    first call. ``name`` is what results are filed under, ``organisation/model``; made from the model's if left out.

    Pairs of one query are ranked together, so that a listwise method or a cascade can be evaluated as well: where there
    is no score of every text, it is 1 / rank.
    """

    def __init__(
        self,
        model: Model | None = None,
        revision: str | None = None,
        device: str | None = None,
        *,
        paradigm: Paradigm | None = None,
        options: Mapping[str, object] | None = None,
        name: str | None = None,
    ) -> None:
        self._source = RerankerSource(model, paradigm, options)
        self.revision = revision
        self.device = device
        self.name = name or f"rankkit/{self._source.name.rstrip('/').rpartition('/')[2]}"

    def predict(  # noqa: PLR0913 - the protocol's
        self,
        inputs1: Iterable[Mapping[str, Any]],
        inputs2: Iterable[Mapping[str, Any]],
        *,
        task_metadata: Any = None,
        hf_split: str = "",
        hf_subset: str = "",
        prompt_type: Any = None,
        batch_size: int = 32,
        show_progress_bar: bool = False,
        precision: str | None = None,
        num_proc: int | None = None,
    ) -> NDArray[np.float64]:
        """One number for each pair: the queries' batches run along the documents'. ``batch_size``, ``precision`` and
        ``num_proc`` have no effect: no score depends on the batch.

        Raises:
            InputError: more queries than documents, or fewer, or they are no texts.
        """
        queries, texts = list(_texts(inputs1, "queries")), list(_texts(inputs2, "documents"))
        if len(queries) != len(texts):
            raise InputError(f"{len(queries)} queries and {len(texts)} documents: a pair has one of each")
        pairs = list(zip(queries, texts, strict=True))
        with progress_bar("Scoring", len(pairs)) if show_progress_bar and pairs else nullcontext() as progress:
            return np.array(pair_numbers(self._source, pairs, progress=progress), dtype=np.float64)

    @property
    def mteb_model_meta(self) -> Any:
        """What MTEB files results under."""
        with framework("mteb", "mteb", "the MTEB adapter"):
            from mteb.models import ModelMeta
        known = {"name": self.name, "revision": self.revision, "model_type": ["cross-encoder"], "loader": type(self)}
        return ModelMeta.create_empty(overwrites=known)

    def close(self) -> None:
        """Give the model's memory back; the next call loads it again."""
        self._source.close()

    def __repr__(self) -> str:
        return f"RankkitCrossEncoder({self._source.name!r})"


def _texts(batches: Iterable[Mapping[str, Any]], what: str) -> Iterator[str]:
    for batch in batches:
        if "text" not in batch:
            raise InputError(
                f"the {what} have no text, but {', '.join(map(str, batch))}", hint="Only texts are ranked."
            )
        yield from chain(batch["text"])
