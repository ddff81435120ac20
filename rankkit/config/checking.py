"""Whether the models that a spec names are known, fit their method, and are on this machine; none is opened."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rankkit.config.first_stage import read_corpus
from rankkit.config.kinds import KINDS_OF_PARADIGM
from rankkit.config.spec import BaseSpec, ModelSpec, naming
from rankkit.errors import CapabilityMissing, ModelNotPulled
from rankkit.models import catalogue, store
from rankkit.prompt import load_prompt


def walk(spec: BaseSpec, path: str = "") -> Iterator[tuple[str, BaseSpec]]:
    """The spec and all inside it, each with its path (``""`` for the outermost, ``stages.2.on_failure``)."""
    yield path, spec
    for key, part in spec.parts():
        yield from walk(part, f"{path}.{key}" if path else key)


def check_models(spec: BaseSpec) -> list[str]:
    """Notes on models that are known but not on this machine.

    Raises:
        RankkitError: names the key of a model that nobody knows or that cannot do what is asked, of a prompt, or of a
            corpus that is not there.
    """
    notes = []
    if spec.first_stage is not None and spec.first_stage.corpus is not None:
        with naming("first_stage.corpus"):
            read_corpus(Path(spec.first_stage.corpus))
    for path, part in walk(spec):
        start = f"{path}." if path else ""
        prompt = getattr(part, "prompt", None)
        if prompt is not None:
            with naming(f"{start}prompt"):
                load_prompt(prompt, part.paradigm)
        if not isinstance(part, ModelSpec) or getattr(part, "endpoint", None) is not None:
            continue
        with naming(f"{start}model"):
            notes += [f"{start}model: {note}" for note in _check(part)]
    return notes


def _check(spec: ModelSpec) -> Iterator[str]:
    try:
        path = store.locate(spec.model)
    except ModelNotPulled as error:
        yield str(error).replace("\n ", ".")
    else:
        if store.local_path(spec.model) is not None:
            _check_file(spec, path)
            spec.check()
            return
    row = catalogue.find(spec.model)
    wanted = KINDS_OF_PARADIGM[spec.paradigm]
    if row.kind in wanted:
        spec.check()
    else:
        # Whoever compares by scores can take a model that scores, but not the other way round.
        others = () if spec.paradigm != "pointwise" else ("pairwise", "listwise")
        fitting = ", ".join(
            other.name
            for other in catalogue.rows()
            if other.kind in wanted and other.prompt.partition("/")[0] not in others
        )
        raise CapabilityMissing(
            f"{row.name} is a {row.kind} model; {spec.paradigm} needs one that is {' or '.join(wanted)}",
            hint=f"Models that can: {fitting}.",
        )


def _check_file(spec: ModelSpec, path: Path) -> None:
    if path.is_file() and spec.paradigm == "pointwise":
        raise CapabilityMissing(
            f"{path.name} is one file; pointwise needs the folder of a cross-encoder",
            hint='A GGUF model compares or orders: paradigm = "pairwise" or "listwise".',
        )
    if path.is_dir() and spec.paradigm == "listwise":
        raise CapabilityMissing(
            f"{path.name} is a folder; listwise needs a GGUF file, or an endpoint",
            hint='A cross-encoder scores or compares: paradigm = "pointwise" or "pairwise".',
        )
