"""Whether the models that a spec names are known, fit their method, and are on this machine; none is opened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

from rankkit.config.first_stage import read_corpus
from rankkit.config.language_model import LanguageModelSpec
from rankkit.config.model_spec import ModelSpec
from rankkit.config.scores import check_scores
from rankkit.config.spec import BaseSpec, naming
from rankkit.errors import ModelNotPulled
from rankkit.models import store
from rankkit.prompting.loading import load_prompt


def walk(spec: BaseSpec, path: str = "") -> Iterator[tuple[str, BaseSpec]]:
    """The spec and all inside it, each with its path (``""`` for the outermost, ``stages.2.on_failure``)."""
    yield path, spec
    for key, part in spec.parts():
        yield from walk(part, f"{path}.{key}" if path else key)


def check_models(spec: BaseSpec) -> list[str]:
    """Notes on models that are known but not on this machine, and on which variable is sent to which server.

    Raises:
        RankkitError: names the key of a model that nobody knows or that cannot do what is asked, of a prompt, or of a
            corpus or the variable of a key that is not there.
    """
    notes = []
    if spec.first_stage is not None and spec.first_stage.corpus is not None:
        with naming("first_stage.corpus"):
            read_corpus(Path(spec.first_stage.corpus))
    check_scores(spec)
    for path, part in walk(spec):
        start = f"{path}." if path else ""
        prompt = getattr(part, "prompt", None)
        if prompt is not None:
            with naming(f"{start}prompt"):
                load_prompt(prompt, part.paradigm)
        if isinstance(part, ModelSpec):
            with naming(f"{start}model"):
                notes += [f"{start}model: {note}" for note in _check(part)]
        if isinstance(part, LanguageModelSpec):
            with naming(path) if path else nullcontext():
                part.check_keys()
            notes += [f"{start}{key}: sends ${name} to {part.address}" for name, key in part.sent_variables.items()]
    return notes


def _check(spec: ModelSpec) -> Iterator[str]:
    spec.check()
    if not spec.served:
        try:
            store.locate(spec.model)
        except ModelNotPulled as error:
            yield str(error).replace("\n ", ".")
