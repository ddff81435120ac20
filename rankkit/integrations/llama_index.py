"""rankkit in LlamaIndex: a node postprocessor.

::

    from rankkit.integrations.llama_index import RankkitRerank

    engine = index.as_query_engine(similarity_top_k=50, node_postprocessors=[RankkitRerank(top_n=5)])
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pydantic import AliasChoices, ConfigDict, Field, PrivateAttr, field_serializer, model_validator

from rankkit.config.kinds import Paradigm
from rankkit.integrations.frameworks import framework
from rankkit.integrations.made_from import RerankerSource, with_model
from rankkit.integrations.texts import Reordered, rank_documents, rank_documents_async

with framework("llama-index", "llama-index-core", "the LlamaIndex adapter"):
    from llama_index.core.callbacks import CBEventType, EventPayload
    from llama_index.core.instrumentation import get_dispatcher
    from llama_index.core.instrumentation.events.rerank import ReRankEndEvent, ReRankStartEvent
    from llama_index.core.postprocessor.types import BaseNodePostprocessor
    from llama_index.core.schema import MetadataMode, NodeWithScore, QueryBundle

dispatcher = get_dispatcher(__name__)

_RETRIEVAL_SCORE = "retrieval_score"


class RankkitRerank(BaseNodePostprocessor):
    """Nodes in a better order: the same nodes, each with its new score.

    ``model`` is a name of the catalogue, a model's folder or file, a config file, a spec, or a reranker; ``paradigm``
    and ``options`` are those of ``rankkit.load``. It is checked here and loaded at the first call. ``top_n`` keeps the
    best so many (left out: all), ``threshold`` those with at least this score. ``metadata_mode`` says what of a node
    the model reads, beside its text. ``keep_retrieval_score`` puts the score that a node came with into the metadata
    of a copy, as ``retrieval_score``, where no prompt and no embedding sees it. ``instruction`` says what counts beside
    the query, to models that can follow one.

    Scores are floats in the model's own unit; where the method gives none (listwise), ``score`` is none. What failed,
    was cut or repaired is logged, and in the tags of ``ReRankEndEvent``.
    """

    model: Any = Field(default=None, frozen=True, description="What rankkit.load takes, or a reranker.")
    paradigm: Paradigm | None = Field(default=None, frozen=True)
    options: dict[str, Any] | None = Field(default=None, frozen=True)
    top_n: int | None = Field(default=None, gt=0, validation_alias=AliasChoices("top_n", "top_k"))
    threshold: float | None = Field(default=None, allow_inf_nan=False)
    metadata_mode: MetadataMode = MetadataMode.EMBED
    keep_retrieval_score: bool = False
    instruction: str = ""
    _source: RerankerSource = PrivateAttr()

    # A misspelt argument would otherwise be left out without a word.
    model_config = ConfigDict(extra="forbid")

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

    @classmethod
    def class_name(cls) -> str:
        return "RankkitRerank"

    def close(self) -> None:
        """Give back the memory and connections of the model that was loaded here; the next call would load it again."""
        self._current.close()

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        with self._reporting(nodes, query_bundle) as (query, finish):
            return finish(rank_documents(self._current, query, self._values(nodes), **self._limits()))

    async def _apostprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        with self._reporting(nodes, query_bundle) as (query, finish):
            return finish(await rank_documents_async(self._current, query, self._values(nodes), **self._limits()))

    def _limits(self) -> dict[str, Any]:
        return {"top_k": self.top_n, "threshold": self.threshold, "instruction": self.instruction}

    @contextmanager
    def _reporting(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None
    ) -> Iterator[tuple[str, Callable[[Reordered], list[NodeWithScore]]]]:
        """The query, and what makes nodes of the result; with LlamaIndex's events of both kinds around."""
        if query_bundle is None:
            raise ValueError("Missing query bundle in extra info.")  # as all of LlamaIndex's postprocessors say it
        query, name, top_n = query_bundle.query_str, self._current.name, self.top_n or len(nodes)
        dispatcher.event(ReRankStartEvent(query=query_bundle, nodes=nodes, top_n=top_n, model_name=name))
        payload = {
            EventPayload.NODES: nodes,
            EventPayload.MODEL_NAME: name,
            EventPayload.QUERY_STR: query,
            EventPayload.TOP_K: top_n,
        }
        with self.callback_manager.event(CBEventType.RERANKING, payload=payload) as event:

            def finish(reordered: Reordered) -> list[NodeWithScore]:
                found = [self._renewed(nodes[place], score) for place, score in reordered.places]
                event.on_end(payload={EventPayload.NODES: found})
                tags = {"score_kind": reordered.score_kind, "warnings": list(reordered.warnings)}
                dispatcher.event(ReRankEndEvent(nodes=found, tags=tags))
                return found

            yield query, finish

    def _values(self, nodes: Sequence[NodeWithScore]) -> list[dict[str, object]]:
        return [
            {
                "id": one.node.node_id,
                "text": one.node.get_content(metadata_mode=self.metadata_mode),
                "score": one.score,
                "metadata": one.node.metadata,
            }
            for one in nodes
        ]

    def _renewed(self, one: NodeWithScore, score: float | None) -> NodeWithScore:
        """Around the same node, or around a copy where that has to say more."""
        node = one.node
        if self.keep_retrieval_score:
            hidden = {
                key: [*getattr(node, key), _RETRIEVAL_SCORE]
                for key in ("excluded_embed_metadata_keys", "excluded_llm_metadata_keys")
                if _RETRIEVAL_SCORE not in getattr(node, key)
            }
            node = node.model_copy(update={"metadata": {**node.metadata, _RETRIEVAL_SCORE: one.score}, **hidden})
        return one.model_copy(update={"node": node, "score": score})

    @field_serializer("model")
    def _written(self, model: object) -> str | dict[str, object]:
        return self._current.plain_model()

    def __getstate__(self) -> dict[str, Any]:
        """LlamaIndex leaves out what cannot be pickled, in the original too, and would go on with another model. So the
        error of pickling it is raised before that.
        """
        pickle.dumps(self._current)
        state: dict[str, Any] = super().__getstate__()
        return state
