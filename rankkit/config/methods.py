"""The one table of what each kind of model can be asked for."""

from __future__ import annotations

from collections.abc import Mapping

from rankkit.errors import CapabilityMissing
from rankkit.models import catalogue

_PROMPTED = ("prompted", "prompted-text")
_LISTWISE = ("generate", "constrained", "first-token", "setwise")

#: By kind, as ``kind_of_model`` has it, and paradigm. What a server can do beyond writing text is known from asking it.
METHODS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "cross-encoder": {"pointwise": ("cross-encoder",), "pairwise": ("difference", "duo")},
    "seq2seq": {"pointwise": ("monot5",), "pairwise": ("duot5", "difference")},
    "gguf": {"pairwise": _PROMPTED, "listwise": _LISTWISE},
    "endpoint": {"pairwise": _PROMPTED, "listwise": _LISTWISE},
    "late-interaction": {},
    "bi-encoder": {},
}


def check_method(model: str, kind: str, paradigm: str, method: str) -> None:
    """Refuse a method that this kind of model does not have.

    Raises:
        CapabilityMissing: names the methods that it has, and the models of the catalogue that have this one.
    """
    own = METHODS[kind]
    if method in own.get(paradigm, ()):
        return
    # Where the whole paradigm is not for this kind, that is what has to be said.
    named = paradigm in own
    asked = f"the method {method}" if named else paradigm
    able = [kind for kind, has in METHODS.items() if (method in has.get(paradigm, ()) if named else paradigm in has)]
    can = "; ".join(f"{name}: {', '.join(methods)}" for name, methods in own.items())
    hints = [f"What it can: {can}." if can else "No method of this version runs it.", _models(able, paradigm, method)]
    if model.endswith(".onnx"):
        hints.insert(0, "Of an ONNX model, give the folder.")
    raise CapabilityMissing(
        f"{model} is {_a(kind)}; {asked} needs {' or '.join(map(_a, able))}", hint=" ".join(filter(None, hints))
    )


def _a(kind: str) -> str:
    return "a model behind an endpoint" if kind == "endpoint" else f"a {kind} model"


def _models(kinds: list[str], paradigm: str, method: str) -> str:
    # Whoever compares by scores can take a model that scores, but not the other way round.
    by_score = paradigm == "pointwise" or method == "difference"
    misfits = ("pairwise", "listwise") if by_score else ("pointwise",) if method == "duot5" else ()
    names = [row.name for row in catalogue.rows() if row.kind in kinds and row.prompt.partition("/")[0] not in misfits]
    return f"Models that can: {', '.join(names)}." if names else ""
