"""The answer can only be a permutation: at each step only the identifiers that remain are allowed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from rankkit.backends.language.pricing import estimate_order_tokens
from rankkit.backends.protocols import PermutationDecoder
from rankkit.core.judge import BoundQuestion, Reply
from rankkit.core.questions import Answer, Order
from rankkit.core.usage import Usage
from rankkit.judging.language_model import LanguageModel
from rankkit.judging.window import Fitted
from rankkit.judging.windowed import WindowJudge, completed, outcome_of, refused_reply, shortened_notes

#: For one window. A model that repeats itself so often has no opinion on the rest.
MOST_CALLS = 8


@dataclass(frozen=True)
class ConstrainedJudge(WindowJudge[Order, tuple[int, ...]]):
    """Decodes only as many identifiers as the strategy asked for (``Order.top``); nothing is left to be repaired.

    Not every server can forbid an identifier twice. Such an answer counts up to there, and the model is asked to go on
    with those that remain, which takes a call more (``"retried"`` in the ``Step``), at most ``MOST_CALLS`` in all. As
    with any other try again, a plan has the first call only, and where going on fails or may not be paid, the order so
    far stands, with the others behind it: a counted defect.
    """

    method = "constrained"
    capability = PermutationDecoder

    def bound(self, fitted: Fitted) -> Usage:
        opening, separator = self.template.answers("opening", ""), self.template.answers("separator", " > ")
        # Of a call that goes on, the labels before are in the opening: all in all it is the same text.
        count = len(fitted.labels)
        return self.bound_of(
            fitted, estimate_order_tokens(fitted.labels, count, opening=opening + separator, separator=separator)
        )

    async def ask(self, item: BoundQuestion[Order], fitted: Fitted, model: LanguageModel) -> Reply[tuple[int, ...]]:
        return await self._after(item, fitted, (), 1, model)

    async def _after(
        self, item: BoundQuestion[Order], fitted: Fitted, begun: tuple[int, ...], calls: int, model: LanguageModel
    ) -> Reply[tuple[int, ...]]:
        """``begun``: places in the window that are best first already. ``calls``: with this one."""
        opening, separator = self.template.answers("opening", ""), self.template.answers("separator", " > ")
        wanted = min(len(fitted.labels), item.question.top or len(fitted.labels))
        left = [place for place in range(len(fitted.labels)) if place not in begun]
        permuted = await model.permute_async(
            fitted.prompt,
            [fitted.labels[place] for place in left],
            top=wanted - len(begun),
            opening=opening + "".join(fitted.labels[place] + separator for place in begun),
            separator=separator,
        )
        if permuted.refused and not begun:
            return refused_reply(permuted.usage, fitted)
        order = (*begun, *(left[place] for place in dict.fromkeys(permuted.order)))
        done = len(order) >= min(wanted, len(fitted.labels) - 1)  # nobody need be asked who is last
        defects = () if done else ("missing",)
        answer = Answer(completed(order, item.question.indices), outcome_of(defects), defects)
        again = None
        if not done and len(order) > len(begun) and calls < MOST_CALLS:
            again = self.call(self.bound(fitted), partial(self._after, item, fitted, order, calls + 1))
        said = separator.join(fitted.labels[place] for place in order)
        notes = () if begun else shortened_notes(fitted)
        return Reply(answer, permuted.usage, notes, again, said=said)
