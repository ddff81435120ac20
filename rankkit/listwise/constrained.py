"""The answer can only be a permutation: at each step only the identifiers that remain are allowed."""

from __future__ import annotations

from dataclasses import dataclass

from rankkit.backends.protocols import PermutationDecoder
from rankkit.judge import Asked, Reply
from rankkit.listwise.judges import WindowJudge, completed, outcome_of, shortened_notes
from rankkit.listwise.window import Fitted
from rankkit.questions import Answer, Order


@dataclass(frozen=True)
class ConstrainedJudge(WindowJudge[Order, tuple[int, ...]]):
    """Decodes only as many identifiers as the strategy asked for (``Order.top``); nothing is left to be repaired."""

    method = "constrained"
    capability = PermutationDecoder

    def ask(self, item: Asked[Order], fitted: Fitted) -> Reply[tuple[int, ...]]:
        assert isinstance(self.backend, PermutationDecoder)
        wanted = len(fitted.labels) if item.question.top is None else item.question.top
        permuted = self.backend.permute(
            fitted.prompt,
            fitted.labels,
            top=wanted,
            opening=self.template.answers("opening", ""),
            separator=self.template.answers("separator", " > "),
        )
        # A backend that decodes under a constraint keeps it; one that did not would be found out here.
        defects = ("missing",) if len(set(permuted.order)) < min(wanted, len(fitted.labels)) else ()
        answer = Answer(completed(permuted.order, item.question.indices), outcome_of(defects), defects)
        said = self.template.answers("separator", " > ").join(fitted.labels[place] for place in permuted.order)
        return Reply(answer, permuted.usage, shortened_notes(fitted), said=said)
