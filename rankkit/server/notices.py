"""What a ranking's steps say was cut, skipped, repaired or failed, in plain words for a reply."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from rankkit.core.ranking import Ranking
from rankkit.core.step import Step

#: Outcomes of questions that had no answer, or one that was mended.
_OUTCOMES: Mapping[str, str] = {
    "repaired": "answer(s) of the model were repaired",
    "refused": "question(s) were refused by the model",
    "truncated": "answer(s) of the model were cut off and left aside",
    "unreadable": "answer(s) of the model could not be read and were left aside",
    "failed": "question(s) failed and have no answer",
    "unasked": "question(s) were not asked",
}


def notices(ranking: Ranking) -> tuple[str, ...]:
    """A sentence for each thing that went otherwise than asked, each stage by its name where there are several; empty
    where nothing did. No text of a document or a query is in them, and nothing that an endpoint said.
    """
    named = len(ranking.steps) > 1
    found = [words for step in ranking.steps for words in _prefixed(step, _of_step(step), named)]
    if ranking.request.notes:
        found = [f"{words}: {times}" for words, times in ranking.request.notes.items()] + found
    return tuple(dict.fromkeys(found))


def _prefixed(step: Step, words: Iterable[str], named: bool) -> Iterator[str]:  # noqa: FBT001
    return (f"{step.stage}: {one}" if named else one for one in words)


def _of_step(step: Step) -> Iterator[str]:
    if step.skipped:
        yield f"skipped: {step.skipped}"
    if step.stopped:
        yield f"stopped early ({step.stopped}): what was not scored stands behind, in its first order"
    kinds = dict.fromkeys(failure.partition(":")[0] for failure in step.failures)
    if kinds:
        yield f"failed in part: {', '.join(kinds)}"
    for outcome, words in _OUTCOMES.items():
        if count := step.outcomes.get(outcome, 0):
            yield f"{count} {words}{_defects(step) if outcome == 'repaired' else ''}"
    for note, count in step.notes.items():
        yield f"{note}: {count}" if count > 1 else note


def _defects(step: Step) -> str:
    return f" ({', '.join(sorted(step.defects))})" if step.defects else ""
