"""Rerankers whose answers can be worked out by hand, for the tests of every adapter: a document's worth is the number
in its metadata under ``relevance``, which comes through an adapter only if it keeps metadata.
"""

from __future__ import annotations

import asyncio
import re
import runpy
import threading
from dataclasses import dataclass, field
from pathlib import Path

from rankkit.core.judge import BoundQuestion
from rankkit.core.questions import Answer, Question
from rankkit.core.ranking import Ranking, Request, ScoreKind
from rankkit.errors import ConnectionFailed
from rankkit.listwise.strategies.single import Single
from rankkit.pipeline.cascade import Cascade
from rankkit.pipeline.judged import JudgeReranker
from rankkit.pointwise.strategy import ScoreAll
from rankkit.testing import ScriptedJudge, oracle

ROOT = Path(__file__).parent.parent.parent

QUERY = "how long do fleas live?"
#: The seeds' own five: what answers the query stands third.
TEXTS = [
    "Dogs bark at strangers.",
    "Cats and dogs may have fleas.",
    "Adult fleas live for up to 100 days on a host.",
    "The life of a mayfly is short.",
    "Wash the bedding of your pets.",
]
ANSWER = 2


def scoring() -> JudgeReranker:
    """Gives scores: those under ``relevance``."""
    return JudgeReranker(oracle(ScoreKind.LOGIT), ScoreAll())


def ordering() -> JudgeReranker:
    """Gives an order without scores."""
    return JudgeReranker(oracle(None), Single())


def failing() -> Cascade:
    """Its second stage fails, so that the order of the first one stands."""

    def answer(asked: BoundQuestion[Question]) -> Answer[object]:
        raise ConnectionFailed("nobody is there")

    return scoring() >> JudgeReranker(ScriptedJudge(answer, name="failing"), Single())


@dataclass
class Counting:
    """Has only ``rank``, and counts its calls: the input's order turned round."""

    calls: list[int] = field(default_factory=list)

    def rank(self, request: Request) -> Ranking:
        self.calls.append(len(request))
        return Ranking(request, tuple(reversed(range(len(request)))))


class Waiting:
    """Waits for ``release`` in each of its calls, one after the other, and notes how many began."""

    def __init__(self) -> None:
        self.release, self.began = threading.Event(), threading.Event()
        self.calls: list[object] = []

    def reranker(self) -> JudgeReranker:
        return JudgeReranker(ScriptedJudge(self._answer), ScoreAll())

    def _answer(self, asked: BoundQuestion[Question]) -> Answer[object]:
        self.calls.append(asked)
        self.began.set()
        assert self.release.wait(10)
        return oracle().answer(asked)


def run_and_cancel(waiting: Waiting, coroutine: object) -> None:
    """Start it, cancel it within its first call, and see that this ends it and that no second call is made."""

    async def run() -> None:
        task = asyncio.ensure_future(coroutine)  # type: ignore[call-overload]
        await asyncio.to_thread(waiting.began.wait, 10)
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=5)
        assert done and task.cancelled()

    before = set(threading.enumerate())
    asyncio.run(run())
    waiting.release.set()
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
    assert len(waiting.calls) == 1


def run_example(name: str) -> dict[str, object]:
    """What is there after a program of ``examples/``."""
    return runpy.run_path(str(ROOT / "examples" / f"{name}.py"))


def run_section(heading: str, page: str = "frameworks") -> dict[str, object]:
    """What is there after the Python of a section of a page in ``docs/``."""
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    section = text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    known: dict[str, object] = {}
    for code in re.findall(r"^```python\n(.*?)^```", section, re.M | re.S):
        exec(compile(code, f"{page}.md, {heading}", "exec"), known)
    return known
