"""The ground: what a request and a ranking are, which questions there are, who answers them, and what that costs.

Standard library only; nothing here knows a model, a prompt or a file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rankkit.core.lazy import lazily

if TYPE_CHECKING:
    from rankkit.core.events import Event as Event
    from rankkit.core.events import OnEvent as OnEvent
    from rankkit.core.events import listening as listening
    from rankkit.core.execution import OnProgress as OnProgress
    from rankkit.core.execution import Progress as Progress
    from rankkit.core.explanation import Explanation as Explanation
    from rankkit.core.explanation import Movement as Movement
    from rankkit.core.judge import BoundQuestion as BoundQuestion
    from rankkit.core.judge import Call as Call
    from rankkit.core.judge import Judge as Judge
    from rankkit.core.judge import Reply as Reply
    from rankkit.core.plan import Plan as Plan
    from rankkit.core.plan import StagePlan as StagePlan
    from rankkit.core.questions import Answer as Answer
    from rankkit.core.questions import Choose as Choose
    from rankkit.core.questions import Compare as Compare
    from rankkit.core.questions import Order as Order
    from rankkit.core.questions import Outcome as Outcome
    from rankkit.core.questions import Question as Question
    from rankkit.core.questions import Score as Score
    from rankkit.core.questions import Strategy as Strategy
    from rankkit.core.questions import StrategyResult as StrategyResult
    from rankkit.core.questions import Task as Task
    from rankkit.core.ranking import Candidate as Candidate
    from rankkit.core.ranking import Query as Query
    from rankkit.core.ranking import Ranking as Ranking
    from rankkit.core.ranking import Request as Request
    from rankkit.core.ranking import ScoreKind as ScoreKind
    from rankkit.core.reranker import AccountedReranker as AccountedReranker
    from rankkit.core.reranker import Reranker as Reranker
    from rankkit.core.reranker import iter_rank_many as iter_rank_many
    from rankkit.core.reranker import rank_many as rank_many
    from rankkit.core.step import Step as Step
    from rankkit.core.usage import Budget as Budget
    from rankkit.core.usage import Usage as Usage
else:
    __getattr__, __dir__, __all__ = lazily(
        __name__,
        {
            "AccountedReranker": "rankkit.core.reranker",
            "Answer": "rankkit.core.questions",
            "BoundQuestion": "rankkit.core.judge",
            "Budget": "rankkit.core.usage",
            "Call": "rankkit.core.judge",
            "Candidate": "rankkit.core.ranking",
            "Choose": "rankkit.core.questions",
            "Compare": "rankkit.core.questions",
            "Event": "rankkit.core.events",
            "Explanation": "rankkit.core.explanation",
            "Judge": "rankkit.core.judge",
            "Movement": "rankkit.core.explanation",
            "OnEvent": "rankkit.core.events",
            "OnProgress": "rankkit.core.execution",
            "Order": "rankkit.core.questions",
            "Outcome": "rankkit.core.questions",
            "Plan": "rankkit.core.plan",
            "Progress": "rankkit.core.execution",
            "Query": "rankkit.core.ranking",
            "Question": "rankkit.core.questions",
            "Ranking": "rankkit.core.ranking",
            "Reply": "rankkit.core.judge",
            "Request": "rankkit.core.ranking",
            "Reranker": "rankkit.core.reranker",
            "Score": "rankkit.core.questions",
            "ScoreKind": "rankkit.core.ranking",
            "StagePlan": "rankkit.core.plan",
            "Step": "rankkit.core.step",
            "Strategy": "rankkit.core.questions",
            "StrategyResult": "rankkit.core.questions",
            "Task": "rankkit.core.questions",
            "Usage": "rankkit.core.usage",
            "iter_rank_many": "rankkit.core.reranker",
            "listening": "rankkit.core.events",
            "rank_many": "rankkit.core.reranker",
        },
    )
