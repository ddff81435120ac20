"""What the specs of all kinds share: the model's own limits, and the reranker's place among others."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self, TypeAlias, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    SerializerFunctionWrapHandler,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic_core import CoreSchema

from rankkit.config.first_stage import FirstStageSpec
from rankkit.config.gates import GatesSpec
from rankkit.config.registry import default_method, kinds, look_up, methods, strategies, strategy_names
from rankkit.config.rows import MethodRow, StrategyRow
from rankkit.core.questions import Strategy
from rankkit.core.runner import OnCallFailure, OnReply
from rankkit.core.usage import Budget
from rankkit.errors import ConfigError, RankkitError, nearest
from rankkit.models import catalogue
from rankkit.models.store import local_path
from rankkit.pipeline.cascade import BaseReranker
from rankkit.pipeline.judged import JudgeReranker
from rankkit.pipeline.stage import OnFailure
from rankkit.prompting.template import PromptTemplate, load_prompt

if TYPE_CHECKING:
    from rankkit.core.judge import Judge

    # When specs are built, ``kinds`` puts one of each kind here: it knows them all, and they need not know it.
    FailurePolicy: TypeAlias = OnFailure | "BaseSpec"


class _FromTable:
    """A dataclass that may be written as a table though specs are strict."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = handler(source)
        # The table only: its values are as strict as the spec.
        cast(dict[str, object], handler.resolve_ref_schema(schema))["strict"] = False
        return schema


Limits = Annotated[Budget, _FromTable()]


class BaseSpec(BaseModel):
    """Frozen, strict about types, and every key that it does not know is an error. ``build`` loads what is needed, and
    only then.

    The keys from ``reorder_top`` on are those of a stage, and are the methods of ``BaseReranker`` of these names: any
    spec may have them, in a cascade or alone. The cuts are made in the order of the fields.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    paradigm: str
    budget: Limits = Field(default_factory=Budget, description="limits for each query, of this reranker or stage")

    reorder_top: int | None = Field(default=None, ge=1, description="look at the best K only; the tail stays behind")
    drop_below: float | None = Field(default=None, allow_inf_nan=False, description="drop those scored less than this")
    drop_at_gap: int | None = Field(default=None, ge=1, description="keep at least K, and drop at the largest gap")
    drop_after: int | None = Field(default=None, ge=1, description="only the best K go on")
    skip_if: GatesSpec | None = Field(default=None, description="do not run where the query is easy")
    on_failure: FailurePolicy | None = Field(
        default=None, description="keep, partial or raise, or the table of a reranker to be run instead"
    )
    first_stage: FirstStageSpec | None = Field(default=None, description="where the candidates come from, at the top")

    @model_validator(mode="after")
    def _one_first_stage(self) -> Self:
        for key, part in self.parts():
            if part.first_stage is not None:
                raise ValueError(f"{key}.first_stage: candidates come from one place, said at the top of the file")
        return self

    @model_serializer(mode="wrap")
    def _written(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Say kind and model though they be the defaults: what is read again must not depend on what these are."""
        said: dict[str, Any] = handler(self)
        always = {key: getattr(self, key) for key in ("paradigm", "model") if hasattr(self, key)}
        return {**always, **said}

    def build(self, *, on_reply: OnReply | None = None) -> BaseReranker:
        """Load what the spec names, and put it into its place."""
        reranker = self.reranker(on_reply=on_reply)
        if isinstance(self.on_failure, BaseSpec):
            with naming("on_failure"):
                reranker = reranker.on_failure(self.on_failure.build(on_reply=on_reply))
        elif self.on_failure is not None and not self.partial_by_itself:
            reranker = reranker.on_failure(self.on_failure)
        if self.skip_if is not None:
            reranker = reranker.skip_if(*self.skip_if.gates())
        built = self.narrowed(reranker)
        object.__setattr__(built, "leaves_scores", self.leaves_scores)  # frozen, and this is no part of its value
        return built

    def build_stage(self, *, on_reply: OnReply | None = None) -> BaseReranker:
        """``build`` for a cascade, where a stage's budget is time of its own beside the share of a deadline, and what
        it had come to is used only where ``on_failure`` says so.
        """
        stage = self.build(on_reply=on_reply)
        if not self.budget.unlimited:
            stage = stage.with_budget(self.budget)
        return stage.on_failure("partial") if self.on_failure == "partial" else stage

    @property
    def gives_scores(self) -> bool:
        """Whether its last order comes with scores of its own, if all goes well."""
        return True

    @property
    def leaves_scores(self) -> bool:
        """Whether candidates come out of it with scores, if only with those of an earlier stage of it."""
        return self.gives_scores

    @property
    def partial_by_itself(self) -> bool:
        """Whether ``reranker`` goes on without failed calls, so that nothing around it must."""
        return False

    def reranker(self, *, on_reply: OnReply | None = None) -> BaseReranker:
        """The reranker as if it stood alone."""
        raise NotImplementedError

    def check(self) -> None:
        """Find what does not fit the model named, without opening it.

        Raises:
            ConfigError: a key that this model, with this method, has no use for.
        """

    def decided(self) -> dict[str, object]:
        """What a key that was left out comes to, where that depends on the model or on other keys."""
        return {}

    def narrowed(self, reranker: BaseReranker) -> BaseReranker:
        """``reranker``, seeing and keeping what this spec says. Also for a reranker that only stands for the real one:
        what does not fit together is found without a model.
        """
        if self.reorder_top is not None:
            reranker = reranker.reorder_top(self.reorder_top)
        if self.drop_below is not None:
            reranker = reranker.drop_below(self.drop_below)
        if self.drop_at_gap is not None:
            reranker = reranker.drop_at_gap(least=self.drop_at_gap)
        if self.drop_after is not None:
            reranker = reranker.drop_after(self.drop_after)
        return reranker

    def parts(self) -> Iterator[tuple[str, BaseSpec]]:
        """The specs right inside this one, each with its key."""
        if isinstance(self.on_failure, BaseSpec):
            yield "on_failure", self.on_failure


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
        """The judge alone. Here the model is opened.

        Raises:
            ConfigError: what ``check`` finds.
        """
        self.check()
        return cast("Judge[Any, Any]", self.method_row.judge(self))

    def reranker(self, *, on_reply: OnReply | None = None) -> BaseReranker:
        languages = trained_languages(self.model) if self.kind != "endpoint" else ()
        return JudgeReranker(
            self.judge(), self.build_strategy(), self.budget, self.on_call_failure, on_reply, languages
        )

    def prompt_template(self) -> PromptTemplate:
        """The prompt named, or the one that the model was trained on, or the method's own."""
        row, named = self.method_row, getattr(self, "prompt", None)
        # What a server calls its model may be anything.
        trained = trained_prompt(self.model) if row.trained and self.kind != "endpoint" else ""
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


def _one_of(name: str | None, paradigm: str, known: Callable[[], list[str]]) -> str | None:
    if name is not None and name not in known():
        look_up(paradigm, name)
        if name not in (names := known()):
            *others, last = map(repr, names)
            raise ValueError(f"input should be {', '.join(others)} or {last}" if others else f"input should be {last}")
    return name


def users_of_keys(keys_of: Iterable[tuple[str, Sequence[str]]]) -> dict[str, list[str]]:
    """By key, who uses it, of pairs of a name and the keys that it uses."""
    users: dict[str, list[str]] = {}
    for name, keys in keys_of:
        for key in keys:
            if name not in users.setdefault(key, []):
                users[key].append(name)
    return users


def _of_type(wanted: Any, value: object, key: str) -> object:
    try:
        return TypeAdapter(wanted).validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]["msg"]
        raise ValueError(f"{key}: {first[:1].lower()}{first[1:]} (seen: {value!r:.80})") from None


def refuse_unused(spec: BaseSpec, users: Mapping[str, Sequence[str]], chosen: str, what: str = "") -> None:
    """Refuse what was written and nothing would use. ``users`` says of each key who does; ``what`` they are, in words.

    Raises:
        ConfigError: names the key, and what it goes with.
    """
    for key, names in users.items():
        if chosen not in names and key in spec.model_fields_set and getattr(spec, key) is not None:
            raise ConfigError(f"{key} goes with {what}{' or '.join(names)}; this is {chosen}")


@contextmanager
def naming(key: str) -> Iterator[None]:
    """Put the key of the part in front of what goes wrong in it."""
    try:
        yield
    except RankkitError as error:
        raise type(error)(f"{key}: {error.message}", hint=error.hint) from error


def display_name(model: str) -> str:
    """How a model is called in names and steps: its catalogue name, or its folder's or file's."""
    path = local_path(model)
    if path is None:
        return catalogue.find(model).name
    return path.resolve().stem if path.is_file() else path.resolve().name


def kind_of_model(model: str) -> str:
    """The catalogue's word for a model: of its row, or by what its folder or file holds.

    Raises:
        UnknownModel: neither a catalogue name nor a folder or file.
    """
    path = local_path(model)
    if path is None:
        return catalogue.find(model).kind
    return "gguf" if path.is_file() else "seq2seq" if _is_seq2seq(path) else "cross-encoder"


def trained_languages(model: str) -> tuple[str, ...]:
    """The languages that a model of the catalogue was trained on; none where nobody knows."""
    return () if local_path(model) is not None else tuple(catalogue.find(model).languages)


def trained_prompt(model: str) -> str:
    """The prompt that a model of the catalogue was trained on; ``""`` where it was trained on none, or nobody knows.

    Raises:
        UnknownModel: neither a catalogue name nor a folder or file.
    """
    return "" if local_path(model) is not None else catalogue.find(model).prompt


def _is_seq2seq(folder: Path) -> bool:
    if any(folder.rglob("*encoder_model*.onnx")):
        return True
    with suppress(OSError, ValueError):
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        if isinstance(config, dict) and config.get("is_encoder_decoder") is True:
            # BART and its kin have encoder and decoder as classifiers too, which are cross-encoders.
            return not any("SequenceClassification" in str(name) for name in config.get("architectures") or ())
    return False
