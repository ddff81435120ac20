"""Replaying the window logs that the field publishes: what a model answered, window by window, without its prompts.

A line a call, in order: ``qid``, ``start`` and ``end`` (the slice of the *current* order that the prompt showed as
[1], [2], ...) and ``response``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

from rankkit.backends.files import fingerprint_of
from rankkit.core.judge import BoundQuestion, Call, Reply
from rankkit.core.questions import Order
from rankkit.core.ranking import Request
from rankkit.core.usage import Usage
from rankkit.data.lines import read_json_lines, read_lines
from rankkit.errors import DataError, InvalidReply
from rankkit.listwise.generate import read_answer
from rankkit.replay.record import SAME_RUN, check_used


@dataclass(frozen=True, slots=True)
class Turn:
    """One recorded call: the slice that was shown, and the answer."""

    start: int
    end: int
    response: str


@dataclass
class WindowLogJudge:
    """Answers each query's questions with its recorded responses, in order.

    For one run: which response is next, and what the current order is that its places are of, follow from the answers
    that were given before. A question about anything but the recorded places is the first difference, and an error
    that names it; ``left_over`` then tells whether all answers were used.
    """

    turns: Mapping[str, Sequence[Turn]]
    name: str = "window log"
    asked: dict[str, int] = field(default_factory=dict)
    orders: dict[str, list[int]] = field(default_factory=dict)

    score_kind = None
    concurrency = 1

    @property
    def fingerprints(self) -> Mapping[str, str]:
        return {"record": f"{self.name}@{self._digest}", "method": "generate"}

    @cached_property
    def _digest(self) -> str:
        told = ((query, turn.start, turn.end, turn.response) for query in self.turns for turn in self.turns[query])
        return fingerprint_of(part for line in told for part in line)

    def max_group_size(self, request: Request) -> int | None:
        return None

    def left_over(self) -> int:
        """After the run: how many recorded queries it never came to.

        Raises:
            InvalidReply: it came to a query, but not to all its calls.
        """
        return check_used(self.name, {query: len(turns) for query, turns in self.turns.items()}, self.asked)

    def prepare(self, asked: Sequence[BoundQuestion[Order]]) -> Iterable[Call[tuple[int, ...]]]:
        for slot, item in enumerate(asked):
            yield Call((slot,), Usage(calls=1), partial(self._reply, item))

    def _reply(self, item: BoundQuestion[Order]) -> list[Reply[tuple[int, ...]]]:
        query, question = item.request.query.id, item.question
        turns, number = self.turns.get(query, ()), self.asked.get(query, 0)
        order = self.orders.setdefault(query, list(range(len(item.request))))
        if number >= len(turns):
            raise self._different(item, f"the log has {len(turns)} calls for this query")
        turn = turns[number]
        if tuple(order[turn.start : turn.end]) != question.indices:
            raise self._different(item, f"the log shows places {turn.start} to {turn.end}")
        labels = tuple(str(position + 1) for position in range(len(question.indices)))
        answer = read_answer(question, turn.response, labels=labels)
        order[turn.start : turn.end] = answer.value or question.indices
        self.asked[query] = number + 1
        return [Reply(answer, Usage(calls=1), said=turn.response)]

    def _different(self, item: BoundQuestion[Order], seen: str) -> InvalidReply:
        query, count = item.request.query.id, len(item.question.indices)
        places = [self.orders[query].index(index) for index in item.question.indices]
        slice_of = places == list(range(places[0], places[0] + count))
        about = f"places {places[0]} to {places[0] + count}" if slice_of else f"{count} passages that are not in a row"
        return InvalidReply(
            f"first difference from {self.name}: query {query}, call {self.asked.get(query, 0) + 1} asks about {about} "
            f"of {len(item.request)}, but {seen}",
            hint=SAME_RUN,
        )


def is_window_log(path: Path) -> bool:
    """Whether the first line looks like one of a window log rather than of rankkit's own record."""
    _, first = next(read_lines(path), ("", ""))
    return '"response"' in first and '"start"' in first


def read_window_log(path: Path) -> WindowLogJudge:
    """Read a log, compressed or not.

    Raises:
        DataError: names the line that is not one of such a log.
    """
    turns: dict[str, list[Turn]] = defaultdict(list)
    for where, data in read_json_lines(path):
        try:
            turn = Turn(int(str(data["start"])), int(str(data["end"])), str(data["response"]))
            turns[str(data["qid"])].append(turn)
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"{where}: not a line of a window log ({error})") from error
    return WindowLogJudge(dict(turns), name=path.name)
