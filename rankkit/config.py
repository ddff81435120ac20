"""A spec becomes a ``Reranker``: the only table of kinds.

A spec is a mapping (or a TOML / JSON file of one) with a ``paradigm`` and what that paradigm needs. Pydantic checks
it at this door, straight into frozen values; the errors name the key, what was seen and what is allowed.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from rankkit.errors import ConfigError, InvalidModel, nearest
from rankkit.models import catalogue, store
from rankkit.ranking import Query, Ranking
from rankkit.reranker import BaseReranker, JudgeReranker
from rankkit.runner import OnError
from rankkit.usage import Budget

Paradigm = Literal["pointwise"]

#: What ``paradigm=...`` means when no model is named: small, free to use, and on this machine once pulled.
DEFAULT_MODELS: Mapping[str, str] = {"pointwise": "ms-marco-MiniLM-L-12-v2"}


class _Spec(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    budget: Budget = Field(default_factory=Budget)
    on_error: OnError = "raise"


class PointwiseSpec(_Spec):
    """A cross-encoder: an ONNX folder, or the name of one in the catalogue."""

    paradigm: Literal["pointwise"] = "pointwise"
    model: str = DEFAULT_MODELS["pointwise"]
    scores: Literal["logit", "probability"] = "logit"
    max_length: int | None = Field(default=None, ge=8)
    long_query: Literal["shorten", "error"] = "shorten"
    threads: int | None = Field(default=None, ge=1)

    def build(self) -> BaseReranker:
        # Here, not at the top: a spec can be checked without loading onnxruntime.
        from rankkit.backends.onnx import OnnxCrossEncoder
        from rankkit.pointwise.cross_encoder import CrossEncoderJudge
        from rankkit.pointwise.strategy import ScoreAll

        folder = store.locate(self.model)
        backend = OnnxCrossEncoder(
            folder,
            name=_display_name(self.model),
            max_length=self.max_length,
            long_query=self.long_query,
            threads=self.threads,
        )
        return JudgeReranker(CrossEncoderJudge(backend, self.scores), ScoreAll(), self.budget, self.on_error)


_SPECS: Mapping[str, type[PointwiseSpec]] = {"pointwise": PointwiseSpec}

#: Which paradigm a catalogue row's kind of model serves.
_PARADIGM_OF_KIND: Mapping[str, Paradigm] = {"cross-encoder": "pointwise"}


def load(
    what: str | Path | Mapping[str, object],
    *,
    paradigm: Paradigm | None = None,
    options: Mapping[str, object] | None = None,
) -> BaseReranker:
    """A reusable reranker from a catalogue name, a model's folder, a config file (.toml, .json) or a spec.

    ``options`` are further keys of the spec (``{"threads": 2}``). A model that is known but not on this machine is an
    error which names the command that pulls it: nothing is downloaded here.
    """
    where = "spec" if isinstance(what, Mapping) else str(what)
    return parse(_spec_of(what, paradigm, options or {}), where=where).build()


def parse(data: Mapping[str, object], *, where: str = "spec") -> PointwiseSpec:
    """Check a spec.

    Raises:
        ConfigError: names every key that is wrong, what was seen and what is allowed.
    """
    paradigm = str(data.get("paradigm", "pointwise"))
    if paradigm not in _SPECS:
        raise ConfigError(f"{where}: there is no paradigm {paradigm!r}", hint=nearest(paradigm, _SPECS))
    kind = _SPECS[paradigm]
    try:
        return TypeAdapter(kind).validate_python(dict(data))
    except ValidationError as error:
        raise ConfigError(f"{where}: {_problems(error)}", hint=f"Known keys: {', '.join(kind.model_fields)}.") from None


def _spec_of(
    what: str | Path | Mapping[str, object], paradigm: str | None, options: Mapping[str, object]
) -> dict[str, object]:
    if isinstance(what, Mapping):
        spec = dict(what)
    elif Path(what).suffix in (".toml", ".json"):
        spec = _read(Path(what))
    else:
        spec = {"model": str(what), "paradigm": paradigm or _paradigm_for(str(what))}
    return {**spec, **({"paradigm": paradigm} if paradigm else {}), **options}


def _read(path: Path) -> dict[str, object]:
    if not path.is_file():
        raise ConfigError(f"there is no config file {path}")
    text = path.read_text(encoding="utf-8")
    try:
        data = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except (tomllib.TOMLDecodeError, json.JSONDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    if not isinstance(data, dict):
        raise ConfigError(f"{path} holds {type(data).__name__}, not a table of settings")
    return data


def _paradigm_for(model: str) -> str:
    if Path(model).exists():
        return "pointwise"
    row = catalogue.find(model)
    if row.kind not in _PARADIGM_OF_KIND:
        loadable = ", ".join(other.name for other in catalogue.rows() if other.kind in _PARADIGM_OF_KIND)
        raise InvalidModel(
            f"{row.name} is a {row.kind} model; no paradigm of this version runs it",
            hint=f"Models that can be loaded: {loadable}.",
        )
    return _PARADIGM_OF_KIND[row.kind]


def _display_name(model: str) -> str:
    return Path(model).resolve().name if Path(model).exists() else catalogue.find(model).name


def _problems(error: ValidationError) -> str:
    lines = []
    for item in error.errors(include_url=False):
        key = ".".join(map(str, item["loc"])) or "the whole"
        seen = "" if item["type"] == "missing" else f" (seen: {item['input']!r})"
        lines.append(f"{key}: {item['msg'].lower()}{seen}")
    return "; ".join(lines)


def rerank(
    query: str | Query,
    documents: Sequence[object],
    *,
    paradigm: Paradigm = "pointwise",
    model: str | Path | None = None,
    top_k: int | None = None,
    threshold: float | None = None,
) -> Ranking:
    """Rerank plain Python values in one line: ``rankkit.rerank("how do fleas live?", ["...", "..."], top_k=3)``.

    ``documents`` are strings, mappings with ``id``, ``text``, ``title`` and ``metadata``, or objects with a text
    attribute. The last few models stay loaded from call to call; for a reranker of your own keeping, use
    ``rankkit.load``.
    """
    reranker = _loaded(str(model or DEFAULT_MODELS.get(paradigm, "")), paradigm)
    return reranker.rerank(query, documents, top_k=top_k, threshold=threshold)


@lru_cache(maxsize=4)
def _loaded(model: str, paradigm: Paradigm) -> BaseReranker:
    return load(model, paradigm=paradigm)
