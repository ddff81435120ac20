"""A reranker's outline: enough to see whether a spec's parts fit together, without any model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rankkit.config.spec import BaseSpec
from rankkit.core.budgeting import Account
from rankkit.core.execution import Execution
from rankkit.core.plan import Plan
from rankkit.core.ranking import Ranking, Request
from rankkit.core.reranker import Reranker
from rankkit.errors import ContractViolation
from rankkit.pipeline.cascade import BaseReranker, Cascade
from rankkit.pipeline.fusion import fuse


@dataclass(frozen=True)
class PlaceholderReranker(BaseReranker):
    """Stands where a reranker will, with placeholders for its parts."""

    name: str
    parts: tuple[BaseReranker, ...] = ()

    def children(self) -> tuple[Reranker, ...]:
        return self.parts

    def __repr__(self) -> str:
        return self.name

    async def rank_accounted(
        self, requests: Sequence[Request], accounts: Sequence[Account], execution: Execution
    ) -> list[Ranking]:
        raise ContractViolation("a placeholder ranks nothing")

    def plan_accounted(self, request: Request, account: Account) -> Plan:
        raise ContractViolation("a placeholder ranks nothing")


def dry_build(spec: BaseSpec) -> BaseReranker:
    """A placeholder for what ``spec`` builds.

    Raises:
        ConfigError: its stages do not fit together.
    """
    inside = {key: dry_build(part) for key, part in spec.parts()}
    stages = [part for key, part in inside.items() if key.startswith("stages")]
    members = [part for key, part in inside.items() if key.startswith("members")]
    others = tuple(part for key, part in inside.items() if not key.startswith(("stages", "members", "on_failure")))
    alone = PlaceholderReranker(f"{spec.paradigm}({getattr(spec, 'model', '...')})", others)
    whole: BaseReranker = Cascade.of(*stages) if stages else fuse(*members) if members else alone
    if "on_failure" in inside:
        whole = whole.on_failure(inside["on_failure"])
    return spec.narrowed(whole)
