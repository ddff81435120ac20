"""The rows of paradigms, and a spec of any of them out of a table of settings."""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Tag, TypeAdapter, ValidationError

from rankkit.config import language_model, pointwise
from rankkit.config.bounds import check_values
from rankkit.config.cascade import CascadeSpec
from rankkit.config.dry_build import dry_build
from rankkit.config.fusion import FusionSpec
from rankkit.config.listwise import ListwiseSpec
from rankkit.config.pairwise import PairwiseSpec
from rankkit.config.pointwise import PointwiseSpec
from rankkit.config.problems import POLICY, problems
from rankkit.config.rows import ParadigmRow
from rankkit.config.secrets import refuse_secrets
from rankkit.errors import ConfigError, nearest
from rankkit.pipeline.cascade import check_widths
from rankkit.pipeline.stage import OnFailure

Paradigm = Literal["pointwise", "pairwise", "listwise"]
Spec = PointwiseSpec | PairwiseSpec | ListwiseSpec | CascadeSpec | FusionSpec

#: The models are what a paradigm means when none is named: small, free to use, and on this machine once pulled.
#: The language model is there to try the plumbing; one of 135 million parameters cannot rank well.
PARADIGMS = (
    ParadigmRow(name="pointwise", spec=PointwiseSpec, model=pointwise.DEFAULT_MODEL, marks=("api",)),
    ParadigmRow(name="pairwise", spec=PairwiseSpec, model=pointwise.DEFAULT_MODEL),
    # A server with a language model is asked for an order, as it is on the command line.
    ParadigmRow(name="listwise", spec=ListwiseSpec, model=language_model.DEFAULT_MODEL, marks=("endpoint",)),
    ParadigmRow(name="cascade", spec=CascadeSpec, marks=("stages",), parts="stages"),
    ParadigmRow(name="fusion", spec=FusionSpec, marks=("members",), parts="members"),
)

SPECS: Mapping[str, type[Spec]] = {row.name: row.spec for row in PARADIGMS}
DEFAULT_MODELS: Mapping[str, str] = {row.name: row.model for row in PARADIGMS if row.model}


def kind_of(table: object) -> str | None:
    """Which kind a table of settings asks for; ``None`` for what is no table."""
    if isinstance(table, str):
        return POLICY
    if not isinstance(table, Mapping):
        return getattr(table, "paradigm", None)
    # What holds other specs comes first: beside it another mark is one of their keys, wrongly placed.
    rows = sorted(PARADIGMS, key=lambda row: not row.parts)
    meant = (row.name for row in rows if any(table.get(mark) is not None for mark in row.marks))
    return str(table.get("paradigm", next(meant, PARADIGMS[0].name)))


def _one_of(kinds: Mapping[str, Any]) -> Any:
    tagged = (Annotated[kind, Tag(name)] for name, kind in kinds.items())
    return Annotated[functools.reduce(operator.or_, tagged), Discriminator(kind_of)]


AnySpec: Any = _one_of(SPECS)
FailurePolicy: Any = _one_of({POLICY: OnFailure, **SPECS})

# Specs hold specs of every kind, so none is whole before all are known.
for _spec in SPECS.values():
    _spec.model_rebuild(_types_namespace={"AnySpec": AnySpec, "FailurePolicy": FailurePolicy})


def parse(data: Mapping[str, object], *, where: str = "spec") -> Spec:
    """Check a spec. Stages and members are counted from 1 in what is said of them.

    Raises:
        ConfigError: names every key that is wrong, what was seen and what is allowed.
    """
    check_values(data, where)
    refuse_secrets(data, where)
    paradigm = str(kind_of(data))
    if paradigm not in SPECS:
        raise ConfigError(f"{where}: there is no paradigm {paradigm!r}", hint=nearest(paradigm, SPECS))
    kind: type[Spec] = SPECS[paradigm]
    try:
        spec = TypeAdapter(kind).validate_python(dict(data))
    except ValidationError as error:
        message, hint = problems(error, kind, SPECS)
        raise ConfigError(f"{where}: {message}", hint=hint) from None
    found = None if spec.first_stage is None else spec.first_stage.k
    try:
        check_widths(dry_build(spec), found)
    except ConfigError as error:
        hint = error.hint if found is None else f"{error.hint} The first stage finds {found}: first_stage.k."
        raise ConfigError(f"{where}: {error.message}", hint=hint) from None
    return spec
