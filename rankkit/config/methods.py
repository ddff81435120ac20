"""Whether a kind of model has a method: read from the registry's rows."""

from __future__ import annotations

from rankkit.config.registry import kinds, methods
from rankkit.config.rows import PARADIGM_OF_QUESTION
from rankkit.errors import CapabilityMissing
from rankkit.models import catalogue


def methods_of(kind: str) -> dict[str, list[str]]:
    """What a kind of model can be asked, by paradigm."""
    paradigms = dict.fromkeys(PARADIGM_OF_QUESTION.values())
    found = {one: [row.name for row in methods(one).values() if kind in row.kinds] for one in paradigms}
    return {paradigm: names for paradigm, names in found.items() if names}


def check_method(model: str, kind: str, paradigm: str, method: str) -> None:
    """Refuse a method that this kind of model does not have.

    Raises:
        CapabilityMissing: names the methods that it has, and the models of the catalogue that have this one.
    """
    if model.endswith(".onnx"):
        raise CapabilityMissing(
            f"{model} is a graph, which is a part of a model", hint="Of an ONNX model, give the folder."
        )
    own = methods_of(kind)
    if method in own.get(paradigm, ()):
        return
    # Where the whole paradigm is not for this kind, that is what has to be said.
    named = paradigm in own
    asked = f"the method {method}" if named else paradigm
    rows = [row for row in methods(paradigm).values() if not named or row.name == method]
    able = [kind for kind in kinds() if any(kind in row.kinds for row in rows)]
    can = "; ".join(f"{name}: {', '.join(methods)}" for name, methods in own.items())
    hints = [f"What it can: {can}." if can else "No method of this version runs it.", _models(able, paradigm, method)]
    raise CapabilityMissing(
        f"{model} is {_a(kind)}; {asked} needs {' or '.join(map(_a, able))}", hint=" ".join(filter(None, hints))
    )


def _a(kind: str) -> str:
    return kinds()[kind].words


def _models(able: list[str], paradigm: str, method: str) -> str:
    row = methods(paradigm).get(method)
    misfits = row.refuses if row is not None else ()
    names = [one.name for one in catalogue.rows() if one.kind in able and one.prompt.partition("/")[0] not in misfits]
    return f"Models that can: {', '.join(names)}." if names else ""
