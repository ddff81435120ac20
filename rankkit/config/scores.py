"""What of a spec needs scores, a cut, a gate or a fusion, and whether it is given any."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext

from rankkit.config.fusion import FusionSpec
from rankkit.config.spec import BaseSpec, naming
from rankkit.errors import ConfigError

_SCORED = "pointwise ones, pairwise with allpairs, swiss or active, listwise with tourrank"


def check_scores(spec: BaseSpec) -> None:
    """Refuse, in the spec and all inside it, what goes by scores where there are none.

    Raises:
        ConfigError: names the key, and what gives scores.
    """
    for path, part, before in _with_scores_before(spec, "", before=None):
        with naming(path) if path else nullcontext():
            _check_cuts(part)
            if before is False and spec.first_stage is None:
                _check_gates(part)
            if isinstance(part, FusionSpec) and part.method == "scores" and part.normalise != "rank":
                _check_members(part)


def _with_scores_before(
    spec: BaseSpec, path: str, *, before: bool | None
) -> Iterator[tuple[str, BaseSpec, bool | None]]:
    """The spec and all inside it, each with its path and whether candidates have scores when they reach it: ``None``
    where they have only those that they came with, if they came with any.
    """
    yield path, spec, before
    own = None if before else before
    # A cascade that says nothing of itself as one stage is taken apart: its stages see the scores before it.
    apart = (spec.reorder_top, spec.skip_if, spec.on_failure) == (None, None, None) and spec.budget.unlimited
    inside = before if apart else own
    for key, part in spec.parts():
        stage = key.startswith("stages")
        yield from _with_scores_before(part, f"{path}.{key}" if path else key, before=inside if stage else own)
        if stage:
            inside = part.leaves_scores or bool(inside)


def _check_cuts(spec: BaseSpec) -> None:
    for key in ("drop_below", "drop_at_gap"):
        if getattr(spec, key) is not None and not spec.gives_scores:
            raise ConfigError(
                f"{key} cuts by scores, but what this {spec.paradigm} reranker gives is an order without any",
                hint=f"Use drop_after, or a method and strategy with scores: {_SCORED}.",
            )


def _check_gates(spec: BaseSpec) -> None:
    if spec.skip_if is not None and (keys := spec.skip_if.by_scores):
        raise ConfigError(
            f"skip_if.{keys[0]} looks at scores, but what comes before this {spec.paradigm} reranker gives an order "
            "without any",
            hint="Use fewer_than or time_below, put the gate behind a stage whose method and strategy give scores "
            f"({_SCORED}), or find the candidates by a first_stage, whose scores it then goes by.",
        )


def _check_members(fusion: FusionSpec) -> None:
    for number, member in enumerate(fusion.members, start=1):
        if not member.gives_scores:
            raise ConfigError(
                f"members.{number}: {fusion.method} are fused, but what this {member.paradigm} reranker gives is an "
                "order without any",
                hint='Use method = "rrf" or "weighted", or normalise = "rank", which go by ranks.',
            )
