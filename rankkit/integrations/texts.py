"""The documents of a framework ranked, all of them, whatever they are: without text, with one id twice, without any id.

::

    reordered = rank_documents(source, query, [{"text": "..."}, {"id": "a", "text": ""}], top_k=3)
    [(documents[place], score) for place, score in reordered.places]

No document is lost or changed: results are places in the caller's list. Empty input calls no model.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rankkit.core.events import logger
from rankkit.core.printing import warnings_of
from rankkit.core.questions import Outcome
from rankkit.core.ranking import Ranking, Request
from rankkit.core.reranker import cut, refuse_threshold
from rankkit.errors import InputError
from rankkit.integrations.made_from import RerankerSource
from rankkit.integrations.numbers import Texts, has_scores

#: What stands for the kind of score where a ranking has none.
ORDER_ONLY = "order only"
#: The key of the warnings in a document's metadata.
WARNINGS = "rerank_warnings"
_NO_THRESHOLD = "threshold left out: there are no scores"
_WITHOUT_TEXT = "documents without text, left at the end"


@dataclass(frozen=True, slots=True)
class Reordered:
    """Documents best first. ``places`` holds for each its position in the caller's list, counted from 0, and its score.

    A score is there where the order goes by it. A method that gives none (listwise), or that changed the order of an
    earlier stage which did, leaves it out: sorted by a score that is another stage's, its order would be undone.
    ``score_kind`` says what the number means, or ``"order only"``. ``warnings`` say what failed, was cut or repaired.
    ``ranking`` has the rest (usage, steps); none where no model was asked.
    """

    places: tuple[tuple[int, float | None], ...]
    score_kind: str = ORDER_ONLY
    warnings: tuple[str, ...] = ()
    ranking: Ranking | None = None

    @property
    def order_only(self) -> bool:
        """Whether a model was asked, and there are no scores for the order that came of it."""
        return self.ranking is not None and self.score_kind == ORDER_ONLY


def rank_documents(
    source: RerankerSource,
    query: str,
    documents: Sequence[Mapping[str, object]],
    *,
    top_k: int | None = None,
    threshold: float | None = None,
    instruction: str = "",
) -> Reordered:
    """Rank mappings with ``text``, and ``id``, ``score`` (the first stage's) and ``metadata`` where there are any.

    Those without a text come last, unscored, in their order: none of them passes a threshold. An id that stands twice
    names none of its documents. ``top_k`` counts all. A threshold is left out, with a warning, where the stage that
    would have given the scores was skipped or failed. ``instruction`` says what counts beside the query.

    Raises:
        EmptyQuery: there are texts, but nothing to compare them with.
        InputError: a threshold on what gives no scores.
        InstructionRefused: there is an instruction, and a model that cannot follow one.
    """
    request, places = _request(query, documents, instruction)
    ranking = None
    if request is not None:
        reranker = source.reranker()
        refuse_threshold(reranker, threshold)
        ranking = reranker.rank(request)
    return _reordered(ranking, places, len(documents), top_k=top_k, threshold=threshold)


async def rank_documents_async(
    source: RerankerSource,
    query: str,
    documents: Sequence[Mapping[str, object]],
    *,
    top_k: int | None = None,
    threshold: float | None = None,
    instruction: str = "",
) -> Reordered:
    """``rank_documents`` while the event loop goes on. When the task is cancelled, no further call is made."""
    request, places = _request(query, documents, instruction)
    ranking = None
    if request is not None:
        reranker = await source.reranker_async()
        refuse_threshold(reranker, threshold)
        ranking = await reranker.rank_async(request)
    return _reordered(ranking, places, len(documents), top_k=top_k, threshold=threshold)


def score_pairs(source: RerankerSource, pairs: Sequence[tuple[str, str]]) -> list[float]:
    """The score of each (query, text), of any queries, in the reranker's own unit.

    A text without words gets the lowest score of its query's: see ``Texts``.

    Raises:
        InputError: the reranker gives no scores, or not to every document.
    """
    if source.leaves_scores is False:
        raise _unscored(source)
    inside: dict[str, list[int]] = {}
    for place, (query, _) in enumerate(pairs):
        inside.setdefault(query, []).append(place)
    asked = [Texts.of(query, [pairs[place][1] for place in places]) for query, places in inside.items()]
    rankings = source.reranker().rank_many([texts.request for texts in asked]) if asked else []
    numbers: dict[int, float] = {}
    for texts, ranking, places in zip(asked, rankings, inside.values(), strict=True):
        if ranking.dropped or not has_scores(ranking):
            raise _unscored(source)
        numbers |= dict(zip(places, texts.numbers_of_all(ranking), strict=True))
    return [numbers[place] for place in range(len(pairs))]


def ranking_warnings(ranking: Ranking) -> tuple[str, ...]:
    """What whoever reads the result should see: stages that failed or stopped, answers that were repaired or missing,
    texts that were shortened, what was changed when the documents were read.
    """
    found = warnings_of(ranking.steps)
    for step in ranking.steps:
        counted = {f"answers {name}": count for name, count in step.outcomes.items() if name not in _EXPECTED}
        counted |= {note: count for note, count in step.notes.items() if note.endswith("shortened")}
        found += [f"{step.stage}: {words} ({count})" for words, count in counted.items()]
    found += [f"{words} ({count})" for words, count in ranking.request.notes.items()]
    return tuple(dict.fromkeys(found))


def with_warnings(metadata: Mapping[str, object], warnings: Sequence[str]) -> dict[str, object]:
    """A copy of a document's metadata with ``warnings`` behind those that a reranker before this one left there."""
    if not warnings:
        return dict(metadata)
    before = metadata.get(WARNINGS)
    return {**metadata, WARNINGS: [*(before if isinstance(before, list) else []), *warnings]}


#: Outcomes that are no warning; those that failed have one with the error.
_EXPECTED = (Outcome.OK, Outcome.UNASKED, Outcome.FAILED)


def _request(
    query: str, documents: Sequence[Mapping[str, object]], instruction: str
) -> tuple[Request | None, list[int]]:
    """The documents that have a text, as a request, and their places among all."""
    places = [place for place, document in enumerate(documents) if str(document["text"] or "").strip()]
    if not places:
        return None, places
    ids = Counter(documents[place].get("id") for place in places)
    once = ({**documents[place]} for place in places)
    unique = [one if ids[one.get("id")] == 1 else {**one, "id": None} for one in once]
    return Request.of(query, unique, instruction=instruction), places


def _reordered(
    ranking: Ranking | None, places: Sequence[int], count: int, *, top_k: int | None, threshold: float | None
) -> Reordered:
    with_text = set(places)
    empty = [place for place in range(count) if place not in with_text]
    notes = (f"{_WITHOUT_TEXT} ({len(empty)})",) if empty else ()
    if ranking is None:
        kept = empty if threshold is None else []
        return _logged(Reordered(tuple((place, None) for place in kept[:top_k]), warnings=notes), notes)
    if threshold is not None and ranking.scores is None and _went_wrong(ranking):
        notes = (*notes, _NO_THRESHOLD)
    else:
        ranking = cut(ranking, top_k=None, threshold=threshold)
    by_score = ranking.scores is not None and not ranking.scores_from
    rows = [(places[row.index], row.score if by_score else None) for row in ranking]
    # Behind a cut there is no place for what would have been cut first.
    if not ranking.dropped and (threshold is None or not by_score):
        rows += [(place, None) for place in empty]
    kind = (ranking.score_kind or "score") if by_score else ORDER_ONLY
    reordered = Reordered(tuple(rows[:top_k]), str(kind), (*ranking_warnings(ranking), *notes), ranking)
    return _logged(reordered, notes)


def _went_wrong(ranking: Ranking) -> bool:
    """Whether a stage that might have given scores did not come to it: then the order is worth more than an error."""
    return any(step.trouble or step.skipped for step in ranking.steps)


def _logged(reordered: Reordered, notes: Sequence[str]) -> Reordered:
    """What the stages have to say is in the log already."""
    for words in notes:
        logger.warning(words)
    return reordered


def _unscored(source: RerankerSource) -> InputError:
    return InputError(
        f"a score of every pair was asked for, but {source.name} gives an order without scores, or leaves some out",
        hint="Use a cross-encoder or another pointwise method, without a cut.",
    )
