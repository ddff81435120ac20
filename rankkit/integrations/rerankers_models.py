"""Which of rankkit's models is meant by a name, a language and a model type of rerankers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rankkit.config.kinds import Paradigm
from rankkit.errors import ConfigError, nearest
from rankkit.integrations.made_from import Model


@dataclass(frozen=True, slots=True)
class Chosen:
    """``probabilities``: whether scores go through the sigmoid, as they do there for this family."""

    model: Model
    paradigm: Paradigm | None = None
    probabilities: bool = False
    behind_a_server: bool = False


#: Families that rankkit has models for, each with its default model by language.
_DEFAULTS: Mapping[str, Mapping[str, str]] = {
    "cross-encoder": {"en": "mixedbread-ai/mxbai-rerank-base-v1", "zh": "BAAI/bge-reranker-base"},
    "flashrank": {"en": "ms-marco-MiniLM-L-12-v2"},
    "t5": {},
    "rankgpt": {"en": "gpt-4-turbo-preview", "other": "gpt-4-turbo-preview"},
    "rankgpt3": {"en": "gpt-3.5-turbo", "other": "gpt-3.5-turbo"},
    "rankgpt4": {"en": "gpt-4", "other": "gpt-4"},
    "rankllm": {"en": "gpt-4o", "other": "gpt-4o"},
}
#: The classes there, by which a model type may be named too.
_CLASSES: Mapping[str, str] = {
    "TransformerRanker": "cross-encoder",
    "FlashRankRanker": "flashrank",
    "T5Ranker": "t5",
    "RankGPTRanker": "rankgpt",
    "RankLLMRanker": "rankllm",
}
_LISTWISE = ("rankgpt", "rankgpt3", "rankgpt4", "rankllm")
#: What rankkit has no counterpart for, and what to use instead.
_MISSING: Mapping[str, str] = {
    **dict.fromkeys(
        ("cohere", "jina", "voyage", "mixedbread.ai", "pinecone", "isaacus", "text-embeddings-inference", "APIRanker"),
        "rankkit ranks with models of your own, and calls no rerank API",
    ),
    **dict.fromkeys(
        ("colbert", "ColBERTRanker", "pylate", "PyLateRanker"), "rankkit runs no late-interaction models yet"
    ),
    **dict.fromkeys(("lit5", "LiT5Ranker"), "rankkit runs no Fusion-in-Decoder models"),
    **dict.fromkeys(("monovlm", "MonoVLMRanker"), "rankkit ranks texts, and no images"),
    **dict.fromkeys(
        ("llm-layerwise", "LLMLayerWiseRanker", "upr", "UPRRanker", "mxbaiv2", "MxBaiV2Ranker"),
        "rankkit has no model of this kind by this name",
    ),
    **dict.fromkeys(
        ("llm-relevance-filter", "LLMRelevanceFilter"), "rankkit ranks, and filters by a threshold on scores"
    ),
}
#: Names that are FlashRank's there, whatever stands before them.
_FLASHRANK_NAMES = ("ms-marco-minilm-l-12-v2", "ms-marco-multibert-l-12")


def choose(name: str, lang: str = "en", model_type: str | None = None) -> Chosen:
    """The model that is meant by rerankers' spellings. A name that is none of theirs is one of rankkit's own.

    Raises:
        ConfigError: a family that rankkit has no models for; names those that it has.
    """
    family = _family(name, model_type)
    model = _default(name, lang) if name in _DEFAULTS else name
    listwise = family in _LISTWISE
    return Chosen(
        model,
        paradigm="listwise" if listwise else None,
        probabilities=family == "flashrank",
        behind_a_server=listwise and "gpt" in model.lower() and not Path(model).expanduser().exists(),
    )


def _family(name: str, model_type: str | None) -> str:
    for said in (model_type or name, name):
        if said in _MISSING:
            raise ConfigError(f"{said}: {_MISSING[said]}", hint=f"Families here: {', '.join(_DEFAULTS)}.")
    if model_type is not None:
        family = _CLASSES.get(model_type, model_type)
        if family not in _DEFAULTS:
            raise ConfigError(f"there is no model type {model_type!r}", hint=nearest(model_type, _DEFAULTS))
        return family
    if name in _DEFAULTS:
        return name
    if Path(name).expanduser().exists():
        return ""
    if any(part in name.lower() for part in _FLASHRANK_NAMES):
        return "flashrank"
    return "rankgpt" if "gpt" in name.lower() else ""


def _default(family: str, lang: str) -> str:
    """The family's model for a language.

    Raises:
        ConfigError: there is none.
    """
    by_language = _DEFAULTS[family]
    model = by_language.get(lang) or by_language.get("other")
    if model is None:
        languages = ", ".join(by_language) or "none"
        raise ConfigError(
            f"{family} has no default model for the language {lang!r} here (it has some for: {languages})",
            hint=f'Name a model: Reranker("MODEL", model_type="{family}"). rankkit models list shows all.',
        )
    return model
