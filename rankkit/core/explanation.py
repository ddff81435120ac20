"""How one document came to its place: what each stage made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rankkit.core.step import Step


@dataclass(frozen=True, slots=True)
class Movement:
    """What a stage did with a document. Ranks count from 1; ``after`` is ``None`` for a document that is gone.

    ``score`` is the one that this stage gave it, if it gave any. ``why`` has what else the stage has to say: that it
    was skipped, failed or stopped, and in whose place it ran.
    """

    stage: str
    before: int | None
    after: int | None
    score: float | None
    why: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """A document's way through the stages, in their order; it prints as a table."""

    id: str
    first: int
    movements: tuple[Movement, ...]
    final: int | None

    def to_dict(self) -> dict[str, object]:
        return {
            "id": self.id,
            "first": self.first,
            "final": self.final,
            "movements": [
                {"stage": m.stage, "before": m.before, "after": m.after, "score": m.score, "why": m.why}
                for m in self.movements
            ],
        }

    def __repr__(self) -> str:
        lines = [f"document {self.id!r}: {_rank(self.first)} in the first stage, {_rank(self.final)} in the end"]
        for move in self.movements:
            score = "" if move.score is None else f", scored {move.score:.4f}"
            why = f" ({move.why})" if move.why else ""
            lines.append(f"  {move.stage}: {_rank(move.before)} -> {_rank(move.after)}{score}{why}")
        return "\n".join(lines)


def explain(name: str, first: int, steps: Sequence[Step], final: int | None) -> Explanation:
    """Follow a document through the orders that the steps left behind. ``first`` is its rank before all of them."""
    movements: list[Movement] = []
    before: int | None = first
    for step in steps:
        place = step.order.index(name) if name in step.order else None
        # A step that left no order (it was skipped, or failed) left the document where it was.
        after = before if not step.order else None if place is None else place + 1
        score = step.scores[place] if step.scores is not None and place is not None else None
        movements.append(Movement(step.stage, before, after, score, _why(step)))
        before = after
    return Explanation(name, first, tuple(movements), final)


def _why(step: Step) -> str:
    reasons = [f"skipped: {step.skipped}"] if step.skipped else []
    reasons += [f"stopped: {step.stopped}"] if step.stopped else []
    reasons += list(step.failures)
    reasons += [note for note in step.notes if note.startswith(("in place of", "dropped by"))]
    return "; ".join(reasons)


def _rank(rank: int | None) -> str:
    return "gone" if rank is None else f"rank {rank}"
