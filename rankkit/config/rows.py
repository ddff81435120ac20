"""What a method, a strategy and a kind of model are to the configuration: one row each that says all of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

QuestionName = Literal["score", "compare", "order", "choose"]

#: Whoever puts the question is of this paradigm.
PARADIGM_OF_QUESTION: Mapping[str, str] = {
    "score": "pointwise",
    "compare": "pairwise",
    "order": "listwise",
    "choose": "listwise",
}


@dataclass(frozen=True, kw_only=True)
class KindRow:
    """A kind of model: the catalogue's word, how it is called in a sentence, and the paradigm that it serves where
    neither the model's row nor a prompt that it was trained on names one (``""``: none does).

    ``keys`` are the spec's keys that only some kinds of models use, this one among them. ``served``: the model is
    behind an address, and not on this machine.
    """

    name: str
    words: str
    paradigm: str = ""
    keys: tuple[str, ...] = ()
    served: bool = False

    @property
    def place(self) -> str:
        """Where models of this kind are, in words."""
        return "an endpoint" if self.served else "a model on this machine"


@dataclass(frozen=True, kw_only=True)
class ParadigmRow:
    """What ``paradigm = "name"`` is: the class of its spec, and the ``model`` that is used where none is named.

    A table with one of ``marks`` among its keys is of this paradigm without saying so. ``parts`` is the mark that holds
    specs, each with a paradigm of its own.
    """

    name: str
    spec: type[Any]
    model: str = ""
    marks: tuple[str, ...] = ()
    parts: str = ""


@dataclass(frozen=True, kw_only=True)
class MethodRow:
    """A way to put a question to a model: ``method = "name"``.

    ``judge`` builds the judge from the spec, whose keys are its attributes; ``spec.backend()`` (of a language model)
    opens the model and sees to ``needs``, what a server must be able to do, or else ``instead`` is advised.
    ``prompt`` is that which is used if none is named, unless it is ``trained``, to use the one of the model's training.
    ``keys`` are the spec's keys that only some methods of the paradigm use, this one among them. ``options`` are those
    of this method alone, with their types: they stand in the table ``method_options``. ``scores`` are the kinds of
    scores that it can give, the default first; ``refuses`` the paradigms that a model was not trained on to be asked
    this way. It is the ``default_for`` these kinds of model. ``by_scores``: what it asks is answered from the scores of
    single documents, so the model must give some. ``asks`` builds the judge from a model that generates
    text, a prompt and the tokens of a passage: with it, prompts can be looked at that no model is asked.
    """

    name: str
    question: QuestionName
    kinds: tuple[str, ...]
    judge: Callable[[Any], Any]
    asks: Callable[[Any, Any, int], Any] | None = None
    default_for: tuple[str, ...] = ()
    needs: tuple[Literal["structure", "log_probabilities"], ...] = ()
    instead: str = ""
    prompt: str = ""
    trained: bool = False
    keys: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    scores: tuple[str, ...] = ()
    refuses: tuple[str, ...] = ()
    by_scores: bool = False

    @property
    def paradigm(self) -> str:
        return PARADIGM_OF_QUESTION[self.question]


@dataclass(frozen=True, kw_only=True)
class StrategyRow:
    """An algorithm that asks such questions: ``strategy = "name"``. Two may have one name if their questions differ.

    ``build`` makes it from the spec; ``spec.strategy_options`` holds what is given of ``options``, the keywords of its
    own with their types. ``keys`` are the spec's keys that only some strategies use, this one among them. ``scores``:
    whether it gives the candidates scores, or an order only.
    """

    name: str
    question: QuestionName
    build: Callable[[Any], Any]
    keys: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    scores: bool = False

    @property
    def paradigm(self) -> str:
        return PARADIGM_OF_QUESTION[self.question]


Row = KindRow | MethodRow | StrategyRow
