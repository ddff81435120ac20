"""What a reply says of its ranking's steps."""

from __future__ import annotations

from dataclasses import replace

from rankkit.core.ranking import Ranking, Request
from rankkit.core.step import Step
from rankkit.server.notices import notices

REQUEST = Request.of("q", ["a", "b"])


def of(*steps: Step) -> tuple[str, ...]:
    return notices(Ranking(REQUEST, (0, 1), steps=steps))


def test_nothing_is_said_of_what_went_as_asked():
    assert of(Step("a", outcomes={"ok": 2}), Step("b", outcomes={"ok": 2})) == ()


def test_what_was_cut_skipped_repaired_or_failed_is_said_in_words():
    assert of(Step("a", notes={"document shortened": 3, "query shortened": 1})) == (
        "document shortened: 3",
        "query shortened",
    )
    assert of(Step("a", outcomes={"repaired": 2}, defects={"missing": 2, "repeated": 1})) == (
        "2 answer(s) of the model were repaired (missing, repeated)",
    )
    assert of(Step("a", stopped="budget of 2 seconds", outcomes={"ok": 1, "unasked": 3})) == (
        "stopped early (budget of 2 seconds): what was not scored stands behind, in its first order",
        "3 question(s) were not asked",
    )


def test_stages_are_named_where_there_are_several_and_endpoints_are_not_quoted():
    said = of(
        Step("wide", skipped="top score 3 is above 2"),
        Step("narrow", failures=("ServerFailed: at 10.0.0.1: secret",), outcomes={"failed": 1}),
    )
    assert said == (
        "wide: skipped: top score 3 is above 2",
        "narrow: failed in part: ServerFailed",
        "narrow: 1 question(s) failed and have no answer",
    )


def test_what_was_changed_when_texts_were_read_is_said():
    request = replace(REQUEST, notes={"lone surrogates read as U+FFFD, documents": 2})
    assert notices(Ranking(request, (0, 1))) == ("lone surrogates read as U+FFFD, documents: 2",)
