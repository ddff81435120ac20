"""Replaying the window logs that the field publishes: what a model answered, window by window, without its prompts.

A line a call, in order: ``qid``, ``start`` and ``end`` (the slice of the *current* order that the prompt showed as
[1], [2], ...) and ``response``.
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TextIO, cast

from rankkit.errors import DataError, InvalidReply
from rankkit.judge import Asked, Call, Reply
from rankkit.listwise.generate import read_answer
from rankkit.questions import Order
from rankkit.ranking import Request
from rankkit.usage import Usage


@dataclass(frozen=True, slots=True)
class Turn:
    """One recorded call: the slice that was shown, and the answer."""

    start: int
    end: int
    response: str


@dataclass
class WindowLogJudge:
    """Answers each query's questions with its recorded responses, in order.

    For one run: which response is next is known only from how many were asked for before. A window of another size
    than the recorded one is the first difference, and an error that names it.
    """

    turns: Mapping[str, Sequence[Turn]]
    name: str = "window log"
    asked: dict[str, int] = field(default_factory=dict)

    score_kind = None
    concurrency = 1

    @property
    def fingerprints(self) -> Mapping[str, str]:
        return {"record": self.name, "method": "generate"}

    def largest(self, request: Request) -> int | None:
        return None

    def prepare(self, asked: Sequence[Asked[Order]]) -> Iterable[Call[tuple[int, ...]]]:
        for slot, item in enumerate(asked):
            number = self.asked.get(item.request.query.id, 0)
            self.asked[item.request.query.id] = number + 1
            yield Call((slot,), Usage(), partial(self._reply, item, number))

    def _reply(self, item: Asked[Order], number: int) -> list[Reply[tuple[int, ...]]]:
        turns = self.turns.get(item.request.query.id, ())
        size = len(item.question.indices)
        if number >= len(turns):
            raise self._different(item, number, f"the log has {len(turns)} calls for this query")
        turn = turns[number]
        if turn.end - turn.start != size:
            raise self._different(
                item, number, f"the log shows places {turn.start} to {turn.end}, {turn.end - turn.start} passages"
            )
        labels = tuple(str(position + 1) for position in range(size))
        answer = read_answer(item.question, turn.response, labels=labels)
        return [Reply(answer, Usage(calls=1), said=turn.response)]

    def _different(self, item: Asked[Order], number: int, seen: str) -> InvalidReply:
        return InvalidReply(
            f"first difference from {self.name}: query {item.request.query.id}, call {number + 1} asks about "
            f"{len(item.question.indices)} passages, but {seen}",
            hint="Replay with the window, step and depth of the recorded run.",
        )


def is_window_log(path: Path) -> bool:
    """Whether the first line looks like one of a window log rather than of rankkit's own record."""
    with _open(path) as file:
        first = file.readline()
    return '"response"' in first and '"start"' in first


def read_window_log(path: Path) -> WindowLogJudge:
    """Read a log, gzipped or not.

    Raises:
        DataError: names the line that is not one of such a log.
    """
    turns: dict[str, list[Turn]] = defaultdict(list)
    with _open(path) as file:
        for number, line in enumerate(file, start=1):
            try:
                data = json.loads(line)
                turn = Turn(int(data["start"]), int(data["end"]), str(data["response"]))
                turns[str(data["qid"])].append(turn)
            except (json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
                raise DataError(f"{path}, line {number}: not a line of a window log ({error})") from error
    return WindowLogJudge(dict(turns), name=path.name)


def _open(path: Path) -> TextIO:
    if not path.is_file():
        raise DataError(f"there is no record {path}")
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    return cast(TextIO, gzip.open(path, "rt", encoding="utf-8")) if zipped else path.open(encoding="utf-8")
