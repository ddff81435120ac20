"""What the specs of all models share: a model, and the rows of its method and strategy."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Self, cast

from pydantic import (
    Field,
    GetJsonSchemaHandler,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import CoreSchema

from rankkit.config.model_facts import kind_of_model, trained_languages, trained_prompt
from rankkit.config.registry import default_method, kinds, look_up, methods, strategies, strategy_names
from rankkit.config.rows import MethodRow, StrategyRow
from rankkit.config.shared_judges import shared_judges
from rankkit.config.spec import BaseSpec
from rankkit.config.unused_keys import refuse_unused, users_of_keys
from rankkit.core.questions import Strategy
from rankkit.core.runner import OnCallFailure, OnReply
from rankkit.errors import nearest
from rankkit.pipeline.cascade import BaseReranker
from rankkit.pipeline.judged import JudgeReranker
from rankkit.prompting.loading import load_prompt
from rankkit.prompting.template import PromptTemplate

if TYPE_CHECKING:
    from rankkit.core.judge import Judge


class ModelSpec(BaseSpec):
    """One model with its method. ``on_failure``: ``raise`` the error of the first call that fails, ``keep`` the order
    before this stage then, or go on without the failed calls and use what was learned (``partial``); or what is run
    instead. If nothing is said, a failed call raises, and a cascade keeps the order.

    ``method`` and ``strategy`` are rows of the registry; the two tables of options are for those keys that only one
    of them has.
    """

    model: str
    method: str | None = None
    method_options: dict[str, Any] = Field(default_factory=dict, description="settings that only this method has")
    strategy: str | None = None
    strategy_options: dict[str, Any] = Field(default_factory=dict, description="settings that only this strategy has")

    @classmethod
    def _paradigm(cls) -> str:
        return str(cls.model_fields["paradigm"].default)

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        schema = handler.resolve_ref_schema(handler(core))
        names = {"method": list(methods(cls._paradigm())), "strategy": strategy_names(cls._paradigm())}
        for key, known in names.items():
            schema["properties"][key]["anyOf"][0]["enum"] = known
        return schema

    @field_validator("method")
    @classmethod
    def _known_method(cls, name: str | None) -> str | None:
        return _one_of(name, cls._paradigm(), lambda: list(methods(cls._paradigm())))

    @field_validator("strategy")
    @classmethod
    def _known_strategy(cls, name: str | None) -> str | None:
        return _one_of(name, cls._paradigm(), lambda: strategy_names(cls._paradigm()))

    @model_validator(mode="after")
    def _rows_fit(self) -> Self:
        fitting = strategies(self._question)
        if self.strategy is not None and self.strategy not in fitting:
            raise ValueError(
                f"the strategy {self.strategy} and the method {self.chosen_method} put different questions: "
                f"with this method go {', '.join(fitting)}"
            )
        rows = [row for name in ("order", "choose") for row in strategies(name).values()]
        rows = rows if self.paradigm == "listwise" else list(fitting.values())
        users = users_of_keys((row.name, row.keys) for row in rows)
        refuse_unused(self, users, self.strategy_row.name, "the strategy ")
        self._keep_options("strategy_options", self.strategy_row.options, self.strategy_row.name)
        if self.method is not None:
            self._keep_options("method_options", methods(self.paradigm)[self.method].options, self.method)
        elif self.method_options:
            raise ValueError("method_options are a method's own: name the method too")
        return self

    def _keep_options(self, key: str, types: Mapping[str, Any], name: str) -> None:
        given: Mapping[str, Any] = getattr(self, key)
        for option in given:
            if option not in types:
                raise ValueError(f"{key}.{option}: {name} has no such option; {nearest(option, types)}")
        # Frozen, but not finished yet: from here on the values are of the types that the row states.
        self.__dict__[key] = {option: _of_type(types[option], given[option], f"{key}.{option}") for option in given}

    @property
    def _question(self) -> str:
        """What is asked, which is known without a look at the model."""
        named = methods(self.paradigm).get(self.method or "")
        return (named or default_method(self.paradigm, self.assumed_kind)).question

    @property
    def assumed_kind(self) -> str:
        """What the model is taken for until it is looked at: one on this machine for a language model."""
        return "gguf" if getattr(self, "endpoint", None) is None else "endpoint"

    @property
    def chosen_method(self) -> str:
        """The method named, or what the model is for."""
        return self.method or default_method(self.paradigm, self.kind).name

    @property
    def method_row(self) -> MethodRow:
        return methods(self.paradigm)[self.chosen_method]

    @property
    def strategy_row(self) -> StrategyRow:
        """The strategy named, or the default of the question."""
        rows = strategies(self._question)
        return rows[self.strategy] if self.strategy is not None else next(iter(rows.values()))

    def check_method_keys(self) -> None:
        """Raises:
        ConfigError: a key that this method has no use for.
        """
        users = users_of_keys((row.name, row.keys) for row in methods(self.paradigm).values())
        refuse_unused(self, users, self.chosen_method, "the method ")

    def check_kind_keys(self) -> None:
        """Raises:
        ConfigError: a key that this kind of model has no use for.
        """
        row = kinds()[self.kind]
        if row.keys:
            users = users_of_keys((other.words, other.keys) for other in kinds().values())
            refuse_unused(self, users, row.words)

    def build_strategy(self) -> Strategy[Any, Any]:
        """The strategy alone: a replay needs no model."""
        return cast(Strategy[Any, Any], self.strategy_row.build(self))

    def judge(self) -> Judge[Any, Any]:
        """The judge alone. Here the model is opened, unless it is shared with a reranker that was built before.

        Raises:
            ConfigError: what ``check`` finds.
        """
        self.check()
        shared = shared_judges()
        return self._own_judge() if shared is None else shared.of(self._judge_key, self._own_judge)

    def _own_judge(self) -> Judge[Any, Any]:
        return cast("Judge[Any, Any]", self.method_row.judge(self))

    @property
    def _judge_key(self) -> str:
        """All that the judge may follow from: not where the reranker stands, nor the strategy with its keys."""
        used = {key for method in methods(self.paradigm).values() for key in method.keys}
        used |= {key for kind in kinds().values() for key in kind.keys}
        asked = {key for row in strategies(self._question).values() for key in row.keys}
        left = {*BaseSpec.model_fields, "strategy", "strategy_options", "top_k", *(asked - used)}
        made_of = {name: getattr(self, name) for name in type(self).model_fields if name not in left}
        return repr((type(self), self.chosen_method, made_of))

    def reranker(self, *, on_reply: OnReply | None = None) -> BaseReranker:
        languages = () if self.served else trained_languages(self.model)
        return JudgeReranker(
            self.judge(), self.build_strategy(), self.budget, self.on_call_failure, on_reply, languages
        )

    def prompt_template(self) -> PromptTemplate:
        """The prompt named, or the one that the model was trained on, or the method's own."""
        row, named = self.method_row, getattr(self, "prompt", None)
        # What a server calls its model may be anything.
        trained = trained_prompt(self.model) if row.trained and not self.served else ""
        usual = trained if trained.startswith(f"{self.paradigm}/") else row.prompt
        return load_prompt(named or usual, self.paradigm)

    @property
    def gives_scores(self) -> bool:
        return self.strategy_row.scores

    @property
    def on_call_failure(self) -> OnCallFailure:
        return "partial" if self.partial_by_itself else "raise"

    @property
    def partial_by_itself(self) -> bool:
        return self.on_failure == "partial"

    @property
    def kind(self) -> str:
        """What the model is: a ``KindRow``."""
        return kind_of_model(self.model)

    @property
    def served(self) -> bool:
        """Whether it is behind an address, where its name may be anything."""
        return kinds()[self.kind].served


def _one_of(name: str | None, paradigm: str, known: Callable[[], list[str]]) -> str | None:
    if name is not None and name not in known():
        look_up(paradigm, name)
        if name not in (names := known()):
            *others, last = map(repr, names)
            raise ValueError(f"input should be {', '.join(others)} or {last}" if others else f"input should be {last}")
    return name


def _of_type(wanted: Any, value: object, key: str) -> object:
    try:
        return TypeAdapter(wanted).validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]["msg"]
        raise ValueError(f"{key}: {first[:1].lower()}{first[1:]} (seen: {value!r:.80})") from None
