"""From what a user gives an adapter to a reranker: loaded when it is first needed, closed, copied, written as values.

An adapter keeps one ``RerankerSource``, made in its constructor (a wrong name, file or spec is an error there, and no
model is opened), and asks it for the reranker at each call::

    self._source = RerankerSource(model, paradigm=paradigm, options=options)
    self._source.reranker().rank(request)                     # loads at the first call, once for all threads
    await (await self._source.reranker_async()).rank_async(request)
    self._source.to_dict()                                    # {"model": ..., "paradigm": ..., "options": ...}
    self._source.close()                                      # the next call would load again

``rankkit.integrations.texts`` ranks the documents of a framework by it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from rankkit.config.kinds import DEFAULT_MODELS, Paradigm
from rankkit.config.loading import load, read_spec
from rankkit.config.spec import BaseSpec
from rankkit.config.writing import as_table
from rankkit.core.reranker import Reranker, refuse_threshold
from rankkit.errors import ConfigError
from rankkit.pipeline.cascade import BaseReranker, Cascade

#: A reranker, or what ``rankkit.load`` takes: a name of the catalogue, a model's folder or file, a config file, a spec.
Model: TypeAlias = Reranker | str | Path | Mapping[str, object]


def default_model(paradigm: object) -> str:
    """The model where none is given."""
    return DEFAULT_MODELS.get(str(paradigm or "pointwise"), "")


def with_model(values: Any) -> Any:
    """The arguments of a pydantic model with the fields ``model`` and ``paradigm``, a path as text, and the model said
    though it be the default: what is read again must not depend on what that is.
    """
    if not isinstance(values, Mapping):
        return values
    given = values.get("model")
    if given is None:
        return {**values, "model": default_model(values.get("paradigm"))}
    return {**values, "model": str(given)} if isinstance(given, Path) else values


@dataclass
class RerankerSource:
    """What a user gave, and the reranker that it stands for. ``model`` left out is the default of the paradigm
    (pointwise if none is given).

    A reranker that was given stays open when this is closed: it is its maker's. One that has only ``rank`` is made a
    ``BaseReranker`` here, whose errors are raised. Equal, copied and pickled by what was given.

    Raises:
        ConfigError: ``paradigm`` or ``options`` beside a reranker, which is made already; or a spec that is wrong.
        ModelError: nothing is known by this name.
    """

    model: Model | None = None
    paradigm: Paradigm | None = None
    options: Mapping[str, object] | None = None
    _spec: BaseSpec | None = field(init=False, repr=False, compare=False, default=None)
    _reranker: BaseReranker | None = field(init=False, repr=False, compare=False, default=None)
    _loading: threading.Lock = field(init=False, repr=False, compare=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        if self.model is None:
            self.model = default_model(self.paradigm)
        if isinstance(self.model, str | Path | Mapping):
            self._spec = read_spec(self.model, paradigm=self.paradigm, options=self.options)
        elif isinstance(self.model, type) or not isinstance(self.model, Reranker):
            raise ConfigError(
                f"model is {self.model!r:.80}",
                hint="Give a model's name or folder, a config file, a spec, or an object with rank(request).",
            )
        elif self.paradigm or self.options:
            raise ConfigError(
                "paradigm and options say how a model is loaded, but a reranker was given, which is loaded already",
                hint="Give them to rankkit.load, or the model by its name.",
            )

    def renewed(
        self, model: Model | None, paradigm: Paradigm | None, options: Mapping[str, object] | None
    ) -> RerankerSource:
        """This one if it was made from these, or else another: pydantic's ``model_copy(update=...)`` changes fields
        without a word.
        """
        same = model is self.model and paradigm == self.paradigm and options == self.options
        return self if same else RerankerSource(model, paradigm, options)

    @property
    def spec(self) -> BaseSpec | None:
        """What it is loaded from; none for a reranker that was put together in Python."""
        known = self._spec or getattr(self.model, "spec", None)
        return known if isinstance(known, BaseSpec) else None

    @property
    def name(self) -> str:
        """For events and logs: the model's name where there is one."""
        if isinstance(self.model, str | Path):
            return str(self.model)
        return str(getattr(self.spec, "model", "")) or (self.spec.paradigm if self.spec else f"{self.model!r:.80}")

    @property
    def leaves_scores(self) -> bool | None:
        """Whether candidates come out with scores; none where that is not known."""
        if self._spec is not None:
            return self._spec.leaves_scores
        known = getattr(self.model, "leaves_scores", None)
        return known if isinstance(known, bool) else None

    def refuse_threshold(self, threshold: float | None) -> None:
        """Refuse a threshold on what gives no scores, when an adapter is made rather than at its first call.

        Raises:
            InputError: names what gives scores.
        """
        refuse_threshold(_Named(self.name, self.leaves_scores), threshold)  # type: ignore[arg-type]

    def reranker(self) -> BaseReranker:
        """The reranker, loaded at the first call; threads that want it at once wait for the first of them."""
        with self._loading:
            if self._reranker is None:
                self._reranker = self._made()
            return self._reranker

    async def reranker_async(self) -> BaseReranker:
        """``reranker``, loaded while the event loop goes on."""
        loaded = self._reranker
        return await asyncio.to_thread(self.reranker) if loaded is None else loaded

    def close(self) -> None:
        """Close what was loaded here. The next call of ``reranker`` loads again."""
        with self._loading:
            loaded, self._reranker = self._reranker, None
        if loaded is not None and self._spec is not None:
            loaded.close()

    def to_dict(self) -> dict[str, object]:
        """The arguments that make an equal source, as plain values for JSON.

        Raises:
            ConfigError: the reranker was put together in Python, from objects that no file can name.
        """
        options = dict(self.options) if self.options is not None else None
        return {"model": self.plain_model(), "paradigm": self.paradigm, "options": options}

    def plain_model(self) -> str | dict[str, object]:
        """``model`` as a name or a table; see ``to_dict``."""
        if isinstance(self.model, Mapping):
            return dict(self.model)
        if isinstance(self.model, str | Path):
            return str(self.model)
        if self.spec is None:
            raise ConfigError(
                f"{self.model!r:.80} was put together in Python: there are no plain values for it",
                hint="Give a name, a config file or a spec, or what rankkit.load made of one.",
            )
        return as_table(self.spec)

    def _made(self) -> BaseReranker:
        if isinstance(self.model, str | Path | Mapping):
            return load(self.model, paradigm=self.paradigm, options=self.options)
        if isinstance(self.model, BaseReranker):
            return self.model
        assert self.model is not None
        return Cascade.of(self.model).on_failure("raise")

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.model, self.paradigm, self.options)


@dataclass(frozen=True)
class _Named:
    """What a refusal says of a reranker that is not loaded."""

    name: str
    leaves_scores: bool | None

    def __repr__(self) -> str:
        return self.name
