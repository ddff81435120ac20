"""From a name, a path, a file or a mapping to a reranker."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rankkit.config.checking import walk
from rankkit.config.files import SUFFIXES, check_name, read_file
from rankkit.config.kinds import DEFAULT_MODELS, PARADIGMS, Paradigm, Spec, parse
from rankkit.config.model_cache import RerankerCache
from rankkit.config.model_facts import kind_of_model
from rankkit.config.pointwise import PointwiseSpec
from rankkit.config.registry import kinds
from rankkit.config.spec import BaseSpec, naming
from rankkit.config.writing import as_toml
from rankkit.core.documents import OnEmpty
from rankkit.core.execution import OnProgress
from rankkit.core.ranking import Query, Ranking
from rankkit.core.runner import OnReply
from rankkit.core.usage import Budget
from rankkit.errors import ConfigError, InvalidModel
from rankkit.models import catalogue
from rankkit.models.store import local_path
from rankkit.pipeline.cascade import BaseReranker

if TYPE_CHECKING:
    from rankkit.retrieval.searcher import Searcher

#: What ``rerank`` keeps. A model takes from a few MB to some GB.
_KEPT = RerankerCache(4)


def load(
    what: str | Path | Mapping[str, object],
    *,
    paradigm: Paradigm | None = None,
    options: Mapping[str, object] | None = None,
    on_reply: OnReply | None = None,
) -> BaseReranker:
    """A reusable reranker from a catalogue name, a model's folder or file, a config file (.toml, .json) or a spec.

    ``options`` are further keys of the spec (``{"threads": 2}``). A model that is known but not on this machine is an
    error which names the command that pulls it: nothing is downloaded here. ``on_reply`` is called with every reply of
    a model (``rankkit.replay.record.Recorder.write``).
    """
    spec = read_spec(what, paradigm=paradigm, options=options)
    from_file = not isinstance(what, Mapping) and Path(what).suffix in SUFFIXES
    with naming(str(what)) if from_file else contextlib.nullcontext():
        return _built(spec, on_reply)


def _built(spec: BaseSpec, on_reply: OnReply | None = None) -> BaseReranker:
    reranker = spec.build(on_reply=on_reply)
    # Frozen values, and this is no part of them: it lets `to_toml` print the file that builds an equal one.
    object.__setattr__(reranker, "spec", spec)
    if on_reply is None:  # which no spec names: with it, a copy is made through the parts
        object.__setattr__(reranker, "rebuild", partial(_built, spec))
    return reranker


def searcher(what: str | Path | Mapping[str, object], *, options: Mapping[str, object] | None = None) -> Searcher:
    """BM25 over a corpus and a reranker as one, from a config file (or a spec) that has a ``first_stage``.

    ::

        rankkit.searcher("bm25-then-minilm.toml").search("how long do fleas live?", top_k=10)

    Raises:
        ConfigError: it has none, or is wrong.
        DataError: the corpus or the index is not there, or broken.
    """
    from rankkit.retrieval.searcher import Searcher

    spec = read_spec(what, options=options)
    where = what if isinstance(what, str | Path) else "the spec"
    if spec.first_stage is None:
        raise ConfigError(f"{where} has no first_stage", hint='Add [first_stage] with corpus = "PATH".')
    reranker = load(what, options=options)
    with naming(f"{where}: first_stage"):
        index, _ = spec.first_stage.open()
    return Searcher(index, reranker, spec.first_stage.k)


def to_toml(reranker: BaseReranker) -> str:
    """The config file of a reranker that was loaded: read again, it is an equal spec and builds an equal reranker.

    Raises:
        ConfigError: it was put together in Python, from objects that no file can name.
    """
    if not isinstance(reranker.spec, BaseSpec):
        raise ConfigError(
            f"{reranker!r} was not loaded from a name, a file or a spec",
            hint="Only what rankkit.load made can be written.",
        )
    return as_toml(reranker.spec)


def read_spec(
    what: str | Path | Mapping[str, object],
    paradigm: Paradigm | None = None,
    *,
    options: Mapping[str, object] | None = None,
) -> Spec:
    """What ``load`` builds, checked but not built: no model is opened."""
    where = "spec" if isinstance(what, Mapping) else str(what)
    said = {**({"paradigm": paradigm} if paradigm else {}), **(options or {})}
    if not isinstance(what, Mapping) and Path(what).suffix in (".yaml", ".yml"):
        check_name(what)  # refuses it, in other words than those for a model that nobody knows
    if isinstance(what, Mapping):
        spec = dict(what)
    elif Path(what).suffix in SUFFIXES:
        spec = read_file(Path(what))
    elif "paradigm" in said or said.get("endpoint") or said.get("api"):
        spec = {"model": str(what)}
    else:
        spec = {"model": str(what), "paradigm": _paradigm_for(str(what))}
    for key, kind in ((row.parts, row.name) for row in PARADIGMS if row.parts):
        if key in spec and said.get("paradigm", kind) != kind:
            raise ConfigError(
                f"{where} has {key}, each with its own paradigm: {said['paradigm']} does not go with it",
                hint=f"Leave the paradigm out, or say it in one of the {key}.",
            )
    return parse({**spec, **said}, where=where)


def _paradigm_for(model: str) -> str:
    path = local_path(model)
    if path is not None and kind_of_model(model) == "seq2seq":
        raise ConfigError(
            f"{model} is a sequence-to-sequence model, which may be for scoring or for comparing",
            hint='Say paradigm = "pointwise" (or --paradigm pointwise) for monoT5, "pairwise" for duoT5.',
        )
    if path is not None:
        return "listwise" if path.suffix == ".gguf" else "pointwise"
    row = catalogue.find(model)
    paradigms = {kind.name: kind.paradigm for kind in kinds().values() if kind.paradigm}
    if row.kind not in paradigms:
        loadable = ", ".join(other.name for other in catalogue.rows() if other.kind in paradigms)
        raise InvalidModel(
            f"{row.name} is a {row.kind} model; no paradigm of this version runs it",
            hint=f"Models that can be loaded: {loadable}.",
        )
    return row.prompt.partition("/")[0] or paradigms[row.kind]


def rerank(  # noqa: PLR0913 - the keywords of load, and those of every form of ranking
    query: str | Query,
    documents: Iterable[object],
    *,
    model: str | Path | Mapping[str, object] | None = None,
    paradigm: Paradigm | None = None,
    options: Mapping[str, object] | None = None,
    top_k: int | None = None,
    threshold: float | None = None,
    budget: Budget | None = None,
    progress: OnProgress | None = None,
    on_empty: OnEmpty = "error",
    instruction: str = "",
) -> Ranking:
    """Rerank plain Python values in one line: ``rankkit.rerank("how do fleas live?", ["...", "..."], top_k=3)``.

    ``documents`` are strings, mappings with ``id``, ``text``, ``title`` and ``metadata``, or objects with a text
    attribute. ``model``, ``paradigm`` and ``options`` are those of ``load``, and the paradigm is inferred as there;
    the other keywords are those of ``load(...).rerank``.

    The last four models stay loaded from call to call: threads that want the same one share it, and one that makes
    way is closed. ``rankkit.clear_cache()`` gives their memory back; for a reranker of your own keeping, ``load``.
    """
    with borrowed(model, paradigm, options) as reranker:
        return reranker.rerank(
            query,
            documents,
            top_k=top_k,
            threshold=threshold,
            budget=budget,
            progress=progress,
            on_empty=on_empty,
            instruction=instruction,
        )


def borrowed(
    model: str | Path | Mapping[str, object] | None,
    paradigm: Paradigm | None,
    options: Mapping[str, object] | None,
) -> contextlib.AbstractContextManager[BaseReranker]:
    """A reranker from among those that are kept loaded from call to call."""
    spec = read_spec(*_defaults(model, paradigm), options=options)
    # A calibration that was fitted anew has its old name.
    named = {part.calibration for _, part in walk(spec) if isinstance(part, PointwiseSpec) and part.calibration}
    files = [(str(Path(name).resolve()), _stamp(Path(name))) for name in sorted(named)]
    return _KEPT.borrowed(repr((spec, files)), partial(_built, spec))


def _stamp(path: Path) -> tuple[int, int]:
    """Another one where the file was written anew."""
    with contextlib.suppress(OSError):
        seen = path.stat()
        return seen.st_mtime_ns, seen.st_size
    return 0, 0


def clear_cache() -> None:
    """Close the models that ``rankkit.rerank`` keeps loaded; one in use, when its call ends."""
    _KEPT.clear()


def _defaults(
    model: str | Path | Mapping[str, object] | None, paradigm: Paradigm | None
) -> tuple[str | Path | Mapping[str, object], Paradigm | None]:
    if model is None:
        return DEFAULT_MODELS.get(paradigm or "pointwise", ""), paradigm
    if isinstance(model, str | Path) and (path := local_path(str(model))) is not None:
        return path.resolve(), paradigm  # the same name is another model in another folder
    return model, paradigm
