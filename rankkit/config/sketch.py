"""A reranker's outline: enough to see whether a spec's parts fit together, without any model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rankkit.cascade import Cascade
from rankkit.config.spec import BaseSpec
from rankkit.errors import ContractViolation
from rankkit.fusion import fuse
from rankkit.plan import Plan
from rankkit.ranking import Ranking, Request
from rankkit.reranker import BaseReranker
from rankkit.runner import Account, OnProgress


@dataclass(frozen=True)
class Outline(BaseReranker):
    """Stands where a reranker will."""

    name: str

    def __repr__(self) -> str:
        return self.name

    def rank_accounted(
        self, requests: Sequence[Request], accounts: Sequence[Account], progress: OnProgress | None
    ) -> list[Ranking]:
        raise ContractViolation("an outline ranks nothing")

    def plan_accounted(self, request: Request, account: Account) -> Plan:
        raise ContractViolation("an outline ranks nothing")


def sketch(spec: BaseSpec) -> BaseReranker:
    """The outline of what ``spec`` builds.

    Raises:
        ConfigError: its stages do not fit together.
    """
    inside = {key: sketch(part) for key, part in spec.parts()}
    stages = [part for key, part in inside.items() if key.startswith("stages")]
    members = [part for key, part in inside.items() if key.startswith("members")]
    name = f"{spec.paradigm}({getattr(spec, 'model', '...')})"
    whole: BaseReranker = Cascade.of(*stages) if stages else fuse(*members) if members else Outline(name)
    if "on_failure" in inside:
        whole = whole.on_failure(inside["on_failure"])
    return spec.narrowed(whole)
