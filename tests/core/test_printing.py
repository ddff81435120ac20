"""What a person sees of a ranking: its rows, and below them what went otherwise than asked."""

from __future__ import annotations

import pytest

from rankkit.core.gates import MarginAbove
from rankkit.core.printing import warnings_of
from rankkit.core.ranking import Ranking, Request
from rankkit.core.step import OTHER_SCRIPT, THRESHOLD_LEFT_OUT, Step
from rankkit.pipeline.judged import JudgeReranker
from rankkit.pointwise.strategy import ScoreAll
from rankkit.testing import oracle, request_of


class Reverse:
    """Somebody else's reranker: an order and no scores."""

    def rank(self, request: Request) -> Ranking:
        return Ranking(request, tuple(range(len(request)))[::-1])

    def __repr__(self) -> str:
        return "reverse"


def scored(languages: tuple[str, ...] = ()) -> JudgeReranker:
    return JudgeReranker(oracle(), ScoreAll(), languages=languages)


def warned(ranking: Ranking) -> list[str]:
    """The lines below the rows, which the HTML has too."""
    lines = [line.removeprefix("  ! ") for line in repr(ranking).splitlines() if line.startswith("  ! ")]
    html = ranking._repr_html_()
    assert html.count("<strong>") == len(lines)
    return lines


def russian() -> Request:
    texts = ["Ласточки строят гнёзда под крышами.", "Скворцы живут в дуплах."]
    documents = [{"text": text, "relevance": relevance} for relevance, text in enumerate(texts)]
    return Request.of("где гнездятся ласточки", documents)


def test_nothing_stands_below_a_ranking_that_went_as_asked():
    assert warned(scored(("en",)).rank(request_of([1, 2]))) == []


def test_text_of_another_script_is_seen_below_the_rows():
    english = scored(("en",))
    ranking = english.rank(russian())
    assert warned(ranking) == [f"pointwise(oracle): {OTHER_SCRIPT}"]


def test_a_note_that_several_stages_have_is_one_line():
    english = scored(("en",))
    assert warned((english >> Reverse() >> english).rank(russian())) == [f"pointwise(oracle): {OTHER_SCRIPT}"]
    steps = [Step("one", notes={OTHER_SCRIPT: 1}), Step("two", notes={OTHER_SCRIPT: 1, "passage shortened": 3})]
    assert warnings_of(steps) == [f"one, two: {OTHER_SCRIPT}"]


def test_a_threshold_that_was_left_out_is_seen_once():
    cascade = scored() >> Reverse()
    ranking = cascade.rank(request_of([3, 9, 1]), threshold=2.0)
    assert warned(ranking) == [f"reverse: {THRESHOLD_LEFT_OUT}"]
    assert "threshold left out" in ranking._repr_html_()
    assert warned(cascade.rank(request_of([3, 9, 1]))) == []


@pytest.mark.parametrize(
    ("cascade", "words"),
    [
        (scored() >> JudgeReranker(oracle(), ScoreAll()).skip_if(MarginAbove(99.0)), None),
        (Reverse() >> scored().skip_if(MarginAbove(1.0)), "pointwise(oracle): MarginAbove(bound=1.0) had no scores"),
        (scored() >> (scored() >> Reverse()).drop_below(2.0), "reverse: drop_below(2) had no scores"),
    ],
)
def test_a_gate_or_cut_that_had_no_scores_is_seen(cascade, words):
    assert warned(cascade.rank(request_of([3, 9, 1]))) == ([words] if words else [])


def test_long_names_of_stages_leave_room_for_what_is_said_of_them():
    [line] = warnings_of([Step("x" * 150, notes={OTHER_SCRIPT: 1}), Step("y" * 150, notes={OTHER_SCRIPT: 1})])
    assert line.endswith(OTHER_SCRIPT) and len(line) <= 200
