"""The only table of kinds: paradigm, spec, default model, and which models of the catalogue serve it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from rankkit.config import language_model, pointwise
from rankkit.config.listwise import ListwiseSpec
from rankkit.config.pairwise import PairwiseSpec
from rankkit.config.pointwise import PointwiseSpec
from rankkit.errors import ConfigError, nearest

Paradigm = Literal["pointwise", "pairwise", "listwise"]
Spec = PointwiseSpec | PairwiseSpec | ListwiseSpec

SPECS: Mapping[str, type[PointwiseSpec] | type[PairwiseSpec] | type[ListwiseSpec]] = {
    "pointwise": PointwiseSpec,
    "pairwise": PairwiseSpec,
    "listwise": ListwiseSpec,
}

#: What ``paradigm=...`` means when no model is named: small, free to use, and on this machine once pulled.
#: The language model is there to try the plumbing; one of 135 million parameters cannot rank well.
DEFAULT_MODELS: Mapping[str, str] = {
    "pointwise": pointwise.DEFAULT_MODEL,
    "pairwise": pointwise.DEFAULT_MODEL,
    "listwise": language_model.DEFAULT_MODEL,
}

#: Which paradigm a catalogue row's kind of model serves, when none is named.
PARADIGM_OF_KIND: Mapping[str, Paradigm] = {
    "cross-encoder": "pointwise",
    "seq2seq": "pairwise",
    "gguf": "listwise",
}


def parse(data: Mapping[str, object], *, where: str = "spec") -> Spec:
    """Check a spec.

    Raises:
        ConfigError: names every key that is wrong, what was seen and what is allowed.
    """
    paradigm = str(data.get("paradigm", "pointwise"))
    if paradigm not in SPECS:
        raise ConfigError(f"{where}: there is no paradigm {paradigm!r}", hint=nearest(paradigm, SPECS))
    kind: type[Spec] = SPECS[paradigm]
    try:
        return TypeAdapter(kind).validate_python(dict(data))
    except ValidationError as error:
        raise ConfigError(f"{where}: {_problems(error)}", hint=f"Known keys: {', '.join(kind.model_fields)}.") from None


def _problems(error: ValidationError) -> str:
    lines = []
    for item in error.errors(include_url=False):
        key = ".".join(map(str, item["loc"])) or "the whole"
        # An unknown key may be a secret that was written where none belongs: its value is not repeated.
        told = item["loc"] and item["type"] not in ("missing", "extra_forbidden")
        seen = f" (seen: {item['input']!r})" if told else ""
        lines.append(f"{key}: {item['msg'].removeprefix('Value error, ').lower()}{seen}")
    return "; ".join(lines)
