"""The experiment file: which systems are compared, on which data, by which measures.

::

    baseline = "bm25"                      # a system's name; without it, the first stage
    measures = ["nDCG@10", "RR@10"]
    depth = 100                            # candidates that are reranked; the others keep their places behind them

    [[data]]
    folder = "data/trec-dl19"              # or ir_datasets = "..."; first_stage = "bm25" searches the corpus

    [[systems]]
    name = "minilm"
    model = "ms-marco-MiniLM-L-12-v2"      # or any spec; or config, run or replay = "FILE"; or first_stage = true

Paths are relative to the file, and ``include`` works as in every config.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from rankkit.comparison.result import SystemKind
from rankkit.config.checking import check_models
from rankkit.config.files import SUFFIXES, check_name, read_file
from rankkit.config.first_stage import FirstStageSpec
from rankkit.config.kinds import Spec
from rankkit.config.loading import read_spec
from rankkit.config.problems import problems
from rankkit.config.spec import naming
from rankkit.errors import ConfigError, ModelNotPulled, nearest
from rankkit.evaluation.measures import DEFAULT_MEASURES, Measure, parse_measures

#: The name of the first stage where no system of the file is called otherwise.
FIRST_STAGE = "first stage"

_STRICT = ConfigDict(extra="forbid", frozen=True, strict=True)
#: What a system may be, apart from a spec.
_SOURCES = ("config", "run", "replay", "first_stage")


def _printable(name: str | None) -> str | None:
    """Names go into files, tables and pages as they are."""
    if name is not None and not name.isprintable():
        raise ValueError("a name holds characters that cannot be printed")
    return name


Name = Annotated[str, AfterValidator(_printable)]
Model = TypeVar("Model", bound=BaseModel)


class DataSpec(BaseModel):
    """One data set. ``first_stage`` searches its corpus for candidates, in place of those that it has."""

    model_config = _STRICT

    folder: str | None = None
    ir_datasets: str | None = None
    name: Name | None = None
    split: str | None = None
    first_stage: FirstStageSpec | None = None

    @field_validator("first_stage", mode="before")
    @classmethod
    def _by_method(cls, value: object) -> object:
        return {"method": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_source(self) -> DataSpec:
        if (self.folder is None) == (self.ir_datasets is None):
            raise ValueError('give either folder = "PATH" or ir_datasets = "NAME"')
        return self


class ExperimentSpec(BaseModel):
    """The file's keys, with the defaults of those that are not there. ``systems`` are read one by one afterwards."""

    model_config = _STRICT

    title: Name = ""
    baseline: str | None = None
    measures: tuple[str, ...] = (DEFAULT_MEASURES,)
    depth: int | None = Field(default=None, ge=1)
    limit: int | None = Field(default=None, ge=1)
    seed: int = Field(default=0, ge=0)
    pairs: Literal["baseline", "all"] = "baseline"
    store: str | None = None
    shuffle: int = Field(default=0, ge=0, le=100)
    reverse: bool = False
    repeat: int = Field(default=0, ge=0, le=100)
    data: tuple[dict[str, Any], ...]
    systems: tuple[dict[str, Any], ...]

    @field_validator("measures", mode="before")
    @classmethod
    def _lists(cls, value: object) -> object:
        """TOML has lists, and ``measures`` may be written as on the command line."""
        if isinstance(value, str):
            return (value,)
        return tuple(value) if isinstance(value, list) else value

    @field_validator("data", "systems", mode="before")
    @classmethod
    def _tables(cls, value: object, info: ValidationInfo) -> object:
        if not isinstance(value, list | tuple) or not all(isinstance(one, Mapping) for one in value):
            raise ValueError(f"tables are wanted, each under [[{info.field_name}]]")
        return tuple(map(dict, value))

    @model_validator(mode="after")
    def _something_to_compare(self) -> ExperimentSpec:
        for key in ("data", "systems"):
            if not getattr(self, key):
                raise ValueError(f"there are no {key}: at least one [[{key}]] is needed")
        return self

    @property
    def varied(self) -> bool:
        """Whether the systems are also run over candidates in another order, or again."""
        return bool(self.shuffle or self.reverse or self.repeat)


@dataclass(frozen=True, slots=True)
class System:
    """One system of the file: a spec, or a file that holds its orders or answers, or the first stage itself."""

    name: str
    kind: SystemKind
    spec: Spec | None = None
    path: Path | None = None


@dataclass(frozen=True, slots=True)
class Experiment:
    """An experiment, read and checked: what can be refused is refused before data is read or a model loaded."""

    settings: ExperimentSpec
    data: tuple[DataSpec, ...]
    systems: tuple[System, ...]
    measures: tuple[Measure, ...]
    source: str = "the experiment"
    #: The folder that the data's paths are relative to.
    folder: Path = Path()

    @property
    def baseline(self) -> str:
        return self.settings.baseline or next(one.name for one in self.systems if one.kind == "first stage")

    @property
    def name(self) -> str:
        """What reports call it."""
        return self.settings.title or Path(self.source).stem

    def limited(self, limit: int | None) -> Experiment:
        """The same over the first ``limit`` queries of each data set; ``None`` leaves it as it is.

        Raises:
            ConfigError: ``limit`` is less than 1.
        """
        if limit is None:
            return self
        if limit < 1:
            raise ConfigError(f"limit is {limit}", hint="Give 1 or more, or leave it out for all.")
        return replace(self, settings=self.settings.model_copy(update={"limit": limit}))

    @classmethod
    def of(cls, what: str | Path | Mapping[str, object]) -> Experiment:
        """Read a file, or a mapping of the same keys.

        Raises:
            ConfigError: names the key that is wrong; two systems have one name; the baseline is none of them; a
                measure is unknown; a model cannot do what is asked.
            ModelNotPulled: a model is not on this machine; names the command that pulls it.
        """
        table: Mapping[str, object] = what if isinstance(what, Mapping) else _read(Path(what))
        source = "the experiment" if isinstance(what, Mapping) else str(what)
        folder = Path() if isinstance(what, Mapping) else Path(what).parent
        settings = _checked(table, ExperimentSpec, source)
        data = tuple(
            _checked(one, DataSpec, f"{source}: data.{number}") for number, one in enumerate(settings.data, start=1)
        )
        systems = _systems(settings, source, folder)
        _check_baseline(settings, systems, source)
        with naming(f"{source}: measures"):
            measures = parse_measures(",".join(settings.measures))
        return cls(settings, data, systems, measures, source, folder)


def _read(path: Path) -> dict[str, object]:
    check_name(path)
    return read_file(path)


def _checked(table: Mapping[str, object], kind: type[Model], where: str) -> Model:
    try:
        return kind.model_validate(dict(table))
    except ValidationError as error:
        message, hint = problems(error, kind, {})
        raise ConfigError(f"{where}: {message}", hint=hint) from None


def _systems(settings: ExperimentSpec, source: str, folder: Path) -> tuple[System, ...]:
    systems = [
        _system(table, f"{source}: systems.{number}", source, folder)
        for number, table in enumerate(settings.systems, start=1)
    ]
    # What systems reranked is measured, too, whether somebody asks for it or not.
    reranked = any(one.kind != "run" for one in systems) or settings.baseline is None
    if reranked and all(one.kind != "first stage" for one in systems):
        systems.insert(0, System(FIRST_STAGE, "first stage"))
    counts = Counter(one.name for one in systems)
    if repeated := [name for name, count in counts.items() if count > 1]:
        raise ConfigError(
            f"{source}: {counts[repeated[0]]} systems are called {repeated[0]!r}",
            hint="Give each a name of its own: figures, runs and differences are listed by it.",
        )
    return tuple(systems)


def _system(table: Mapping[str, Any], where: str, source: str, folder: Path) -> System:
    keys = dict(table)
    name = keys.pop("name", None)
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        raise ConfigError(f"{where}: a system needs a name", hint='Add name = "...", as reports are to call it.')
    where = f"{where} ({name})"
    first = keys.get("first_stage", True)
    if first is not True and not (isinstance(first, Mapping) and len(keys) > 1):
        raise ConfigError(
            f"{where}: first_stage is {first!r:.80}",
            hint="As a system it is the candidates as they came: first_stage = true. How they are searched is said "
            "under [[data]].",
        )
    sources = [key for key in _SOURCES if key in keys and (key != "first_stage" or first is True)]
    if len(sources) > 1 or (sources and sources[0] != "replay" and len(keys) > 1):
        others = ", ".join(key for key in keys if key != sources[0])
        raise ConfigError(f"{where}: {sources[0]} stands for the whole system, but {others} is there, too")
    if "first_stage" in sources:
        return System(name, "first stage")
    if "run" in sources:
        return System(name, "run", path=_file(keys["run"], f"{where}: run", folder))
    with naming(where):
        return _reranker(name, keys, source, folder)


def _reranker(name: str, keys: dict[str, Any], source: str, folder: Path) -> System:
    if "replay" in keys:
        path = _file(keys.pop("replay"), "replay", folder)
        return System(name, "replay", read_spec({"paradigm": "listwise", **keys}), path)
    if "config" in keys:
        path = _file(keys["config"], "config", folder)
        if path.suffix in SUFFIXES and Path(source).exists() and path.samefile(source):
            raise ConfigError("config: the experiment names itself as a system", hint="Name the config of a reranker.")
        if path.suffix in SUFFIXES and "systems" in read_file(path):
            raise ConfigError(f"config: {path} is an experiment itself", hint="Name the config of a reranker.")
        spec = read_spec(path)
    elif "model" in keys and isinstance(keys["model"], str):
        # The paradigm is inferred from the model, as `rankkit.load` does; the other keys are those of its spec.
        spec = read_spec(keys.pop("model"), options=keys | _going_on(keys))
    else:
        spec = read_spec(keys | _going_on(keys))
    for note in check_models(spec):
        if "models pull" in note:
            raise ModelNotPulled(note)
    return System(name, "reranker", spec)


def _going_on(keys: Mapping[str, Any]) -> dict[str, str]:
    """A query that fails is counted and does not end the measuring, unless the file says what is to follow."""
    return {} if keys.keys() & {"on_failure", "stages", "members"} else {"on_failure": "partial"}


def _file(value: object, where: str, folder: Path) -> Path:
    if not isinstance(value, str):
        raise ConfigError(f"{where}: the path of a file is wanted (seen: {type(value).__name__})")
    path = folder / Path(value).expanduser()
    if not path.is_file():
        raise ConfigError(f"{where}: there is no file {str(path)!r}", hint="Paths are relative to the experiment.")
    return path


def _check_baseline(settings: ExperimentSpec, systems: Sequence[System], source: str) -> None:
    names = [one.name for one in systems]
    if settings.baseline is not None and settings.baseline not in names:
        raise ConfigError(
            f"{source}: the baseline {settings.baseline!r} is none of the systems",
            hint=nearest(settings.baseline, names),
        )
