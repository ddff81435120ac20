"""A ranking of the documents of a body, as the application hands it to a dialect: the longer a text, the better."""

from __future__ import annotations

from rankkit.core.ranking import Ranking, Request, ScoreKind
from rankkit.server.exchange import Ranked
from rankkit.server.scores import results_of


def ranked(wire, *, warnings=(), tokens=7, model="reranker"):
    """Probabilities: 1 - 1 / (1 + characters). Documents without text stand last."""
    places = [at for at, text in enumerate(wire.documents) if text.strip()]
    empty = [at for at, text in enumerate(wire.documents) if not text.strip()]
    request = Request.of(wire.query, [wire.documents[at] for at in places])
    worth = [1 - 1 / (1 + len(wire.documents[at])) for at in places]
    order = tuple(sorted(range(len(places)), key=lambda at: -worth[at]))
    ranking = Ranking(request, order, tuple(worth[at] for at in order), ScoreKind.PROBABILITY)
    results, said = results_of(ranking, wire, places=places, without_text=empty)
    return Ranked(wire, ranking, results, wire.model or model, "request-1", tokens, (*warnings, *said))
