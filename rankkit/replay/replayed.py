"""A reranker that answers from a record, or from a published window log, instead of asking a model."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from pathlib import Path
from typing import Any

from rankkit.core.budgeting import Account
from rankkit.core.execution import Execution
from rankkit.core.questions import Strategy
from rankkit.core.ranking import Ranking, Request
from rankkit.core.usage import Budget
from rankkit.pipeline.judged import JudgeReranker
from rankkit.prompting.template import PromptTemplate
from rankkit.replay.record import RecordedJudge, read_record
from rankkit.replay.window_log import WindowLogJudge, is_window_log, read_window_log


class ReplayReranker(JudgeReranker[Any, Any]):
    """Refuses a run that is not the recorded one before anything of it is handed on as whole."""

    judge: RecordedJudge[Any, Any] | WindowLogJudge

    async def stream_accounted(
        self, pairs: Iterable[tuple[Request, Account]], execution: Execution, total: int | None
    ) -> AsyncGenerator[Ranking, None]:
        async for ranking in super().stream_accounted(pairs, execution, total):
            yield ranking
        self.judge.left_over()


def replayed(
    path: Path,
    strategy: Strategy[Any, Any],
    *,
    budget: Budget | None = None,
    prompt: PromptTemplate | None = None,
) -> ReplayReranker:
    """Replay what was recorded in a file with the strategy that it was recorded with.

    Raises:
        DataError: it is no record, or (while ranking) one of another run: of other data, another depth or strategy.
    """
    judge: RecordedJudge[Any, Any] | WindowLogJudge = (
        read_window_log(path) if is_window_log(path) else RecordedJudge(read_record(path), path.name, prompt=prompt)
    )
    # A difference from the record is an error whatever is to happen when a model fails.
    return ReplayReranker(judge, strategy, budget or Budget(), on_call_failure="raise")
