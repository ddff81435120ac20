"""Rerankers for adapters to be tried on: an order without scores, one that may not be asked, one that counts."""

from __future__ import annotations

from dataclasses import dataclass, field

from rankkit.core.ranking import Ranking, Request


@dataclass
class Backwards:
    """Turns the order round and gives no scores, as a listwise method does; counts how often it is asked."""

    asked: list[int] = field(default_factory=list)

    def rank(self, request: Request) -> Ranking:
        self.asked.append(len(request))
        return Ranking(request, tuple(reversed(range(len(request)))))


class NotToBeAsked:
    def rank(self, request: Request) -> Ranking:
        raise AssertionError("a model was called")
