"""The only table of kinds: paradigm, spec, default model, and which models of the catalogue serve it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

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
from rankkit.config.secrets import refuse_secrets
from rankkit.errors import ConfigError, nearest
from rankkit.pipeline.cascade import check_widths
from rankkit.pipeline.stage import OnFailure

Paradigm = Literal["pointwise", "pairwise", "listwise"]
Spec = PointwiseSpec | PairwiseSpec | ListwiseSpec | CascadeSpec | FusionSpec

SPECS: Mapping[str, type[Spec]] = {
    "pointwise": PointwiseSpec,
    "pairwise": PairwiseSpec,
    "listwise": ListwiseSpec,
    "cascade": CascadeSpec,
    "fusion": FusionSpec,
}

#: What ``paradigm=...`` means when no model is named: small, free to use, and on this machine once pulled.
#: The language model is there to try the plumbing; one of 135 million parameters cannot rank well.
DEFAULT_MODELS: Mapping[str, str] = {
    "pointwise": pointwise.DEFAULT_MODEL,
    "pairwise": pointwise.DEFAULT_MODEL,
    "listwise": language_model.DEFAULT_MODEL,
}


def kind_of(table: object) -> str | None:
    """Which kind a table of settings asks for; ``None`` for what is no table."""
    if isinstance(table, str):
        return POLICY
    if not isinstance(table, Mapping):
        return getattr(table, "paradigm", None)
    # A server with a language model is asked for an order, as it is on the command line.
    meant = {"stages": "cascade", "members": "fusion", "endpoint": "listwise"}
    kinds = (kind for key, kind in meant.items() if table.get(key) is not None)
    return str(table.get("paradigm", next(kinds, "pointwise")))


AnySpec = Annotated[
    Annotated[PointwiseSpec, Tag("pointwise")]
    | Annotated[PairwiseSpec, Tag("pairwise")]
    | Annotated[ListwiseSpec, Tag("listwise")]
    | Annotated[CascadeSpec, Tag("cascade")]
    | Annotated[FusionSpec, Tag("fusion")],
    Discriminator(kind_of),
]
FailurePolicy = Annotated[
    Annotated[OnFailure, Tag(POLICY)]
    | Annotated[PointwiseSpec, Tag("pointwise")]
    | Annotated[PairwiseSpec, Tag("pairwise")]
    | Annotated[ListwiseSpec, Tag("listwise")]
    | Annotated[CascadeSpec, Tag("cascade")]
    | Annotated[FusionSpec, Tag("fusion")],
    Discriminator(kind_of),
]

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
