"""FlashRank's ``Ranker`` and ``RerankRequest`` over rankkit's models: change the import line, and nothing else.

::

    from rankkit.integrations.flashrank import Ranker, RerankRequest

    ranker = Ranker(model_name="ms-marco-MiniLM-L-12-v2")
    ranker.rerank(RerankRequest(query="how long do fleas live?", passages=[{"id": 1, "text": "..."}]))

Scores are probabilities, as there, but plain floats; passages come back as new dictionaries in a new list, and those
handed in stay as they are. Nothing is downloaded: a model that is not here is an error that names the command which
pulls it. No logging is set up. (Compared with FlashRank 0.2.10.)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rankkit.errors import ConfigError, InvalidDocument, ModelNotPulled, UnknownModel
from rankkit.integrations.made_from import Model, RerankerSource
from rankkit.integrations.model_folder import length_of
from rankkit.integrations.numbers import Texts, as_probability
from rankkit.models import catalogue

DEFAULT_MODEL = "ms-marco-TinyBERT-L-2-v2"

#: FlashRank's models, each with the file in its folder.
_FILES: Mapping[str, str] = {
    "ms-marco-TinyBERT-L-2-v2": "flashrank-TinyBERT-L-2-v2.onnx",
    "ms-marco-MiniLM-L-12-v2": "flashrank-MiniLM-L-12-v2_Q.onnx",
    "ms-marco-MultiBERT-L-12": "flashrank-MultiBERT-L12_Q.onnx",
    "rank-T5-flan": "flashrank-rankt5_Q.onnx",
    "ce-esci-MiniLM-L12-v2": "flashrank-ce-esci-MiniLM-L12-v2_Q.onnx",
    "rank_zephyr_7b_v1_full": "rank_zephyr_7b_v1_full.Q4_K_M.gguf",
    "miniReranker_arabic_v1": "miniReranker_arabic_v1.onnx",
}


class RerankRequest:
    """A query and its passages: dictionaries with ``text``, whose other keys are free and are kept."""

    def __init__(self, query: str | None = None, passages: Iterable[Mapping[str, Any]] | None = None) -> None:
        self.query = query
        self.passages = [] if passages is None else passages


class Ranker:
    """``model_name`` is one of FlashRank's, or whatever ``rankkit.load`` takes, or a reranker.

    ``cache_dir`` is only read: a folder that FlashRank once filled (``CACHE_DIR/MODEL_NAME``) is used where it is, and
    where there is none, the model is rankkit's, from its own store. ``max_length`` is in tokens of query and passage
    together, and never more than the model's; a GGUF model's windows are cut to its own context instead. ``log_level``
    does nothing: the program that uses a library sets up logging.

    Raises:
        UnknownModel: a model of FlashRank's that rankkit has no row for; says which it has.
        ModelNotPulled: says which command pulls it.
    """

    def __init__(
        self,
        model_name: Model = DEFAULT_MODEL,
        cache_dir: str | Path | None = None,
        max_length: int = 512,
        log_level: str = "INFO",
    ) -> None:
        self.cache_dir = None if cache_dir is None else Path(cache_dir)
        model = _located(model_name, self.cache_dir)
        try:
            options = {**_graph(model), **_length(model, max_length)}
            self._source = RerankerSource(model, options=options or None)
            self._source.reranker()  # there too, a missing model is an error here
        except ModelNotPulled as error:
            if self.cache_dir is None:
                raise
            there = f"{error.message}, and there is no {self.cache_dir / str(model_name)}"
            raise ModelNotPulled(there, hint=f"{error.hint} (cache_dir is read, and never filled).") from error

    def rerank(self, request: RerankRequest) -> list[dict[str, Any]]:
        """New dictionaries, best first, each with its ``score``; a method without scores (listwise) adds none, as
        there. No passages, no call.

        Raises:
            InvalidDocument: a passage without a ``text``.
        """
        passages = list(request.passages)
        texts = [_text(passage, place) for place, passage in enumerate(passages)]
        if not texts:
            return []
        asked = Texts.of(request.query or "", texts)
        ranking = self._source.reranker().rank(asked.request)
        ordered = [dict(passages[place]) for place in asked.order(ranking)]
        if ranking.scores is None or ranking.scores_from:
            return ordered
        return [
            {**passage, "score": number}
            for passage, number in zip(ordered, asked.numbers(ranking, as_probability), strict=True)
        ]

    def close(self) -> None:
        """Give the model's memory back."""
        self._source.close()

    def __repr__(self) -> str:
        return f"Ranker({self._source.name!r})"


def _located(model_name: Model, cache_dir: Path | None) -> Model:
    if not isinstance(model_name, str) or model_name not in _FILES:
        return model_name
    if cache_dir is not None and (cache_dir / model_name).is_dir():
        folder = (cache_dir / model_name).resolve()
        return folder / _FILES[model_name] if _FILES[model_name].endswith(".gguf") else folder
    if catalogue.find_exactly(model_name) is None:
        there = [name for name in _FILES if catalogue.find_exactly(name)]
        raise UnknownModel(
            f"{model_name} is one of FlashRank's models, but none that rankkit has a source for",
            hint=f"There are {', '.join(there)}; or give a model's folder, or cache_dir, if FlashRank has filled it.",
        )
    return model_name


def _graph(model: Model) -> dict[str, object]:
    """The graph of a folder that FlashRank filled: it has a name of its own."""
    if not isinstance(model, Path) or (name := _FILES.get(model.name)) is None:
        return {}
    return {"graph": name} if (model / name).is_file() else {}


def _length(model: Model, max_length: int) -> dict[str, object]:
    """``max_length``, where it is less than the model's own."""
    if isinstance(max_length, bool) or not isinstance(max_length, int) or max_length < 1:
        raise ConfigError(f"max_length is {max_length!r}", hint="Give a number of tokens.")
    own = length_of(RerankerSource(model)) if isinstance(model, str | Path | Mapping) else None
    return {"max_length": max_length} if own is not None and max_length < own else {}


def _text(passage: Mapping[str, Any], place: int) -> str:
    text = passage.get("text") if isinstance(passage, Mapping) else None
    if not isinstance(text, str):
        seen = f"keys {', '.join(map(str, passage))}" if isinstance(passage, Mapping) else type(passage).__name__
        raise InvalidDocument(f"passage {place} has no text: {seen}", hint='Give {"text": "...", ...}.')
    return text
