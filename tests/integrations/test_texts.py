"""Documents of any framework, as places in a list."""

from __future__ import annotations

import asyncio

import pytest

from rankkit.core.questions import Answer
from rankkit.core.ranking import Candidate, Ranking, Request
from rankkit.errors import ConnectionFailed, EmptyQuery, InputError, InstructionRefused
from rankkit.integrations.made_from import RerankerSource
from rankkit.integrations.texts import rank_documents, rank_documents_async, score_pairs
from rankkit.listwise.strategies.single import Single
from rankkit.pipeline.cascade import Cascade
from rankkit.pipeline.judged import JudgeReranker
from rankkit.pointwise.strategy import ScoreAll
from rankkit.testing import ScriptedJudge, oracle
from tests.integrations.doubles import Counting, failing, ordering, scoring
from tests.tiny import tiny_cross_encoder


def documents(*worths: float | None) -> list[dict[str, object]]:
    """One of each worth; ``None`` is one without a text."""
    return [
        {"id": f"d{at}", "text": "", "metadata": {}}
        if worth is None
        else {"id": f"d{at}", "text": f"document {at}", "metadata": {"relevance": worth}}
        for at, worth in enumerate(worths)
    ]


def test_results_are_places_and_scores_are_floats_in_both_forms():
    source, given = RerankerSource(scoring()), documents(3, 9, 1)
    reordered = rank_documents(source, "q", given)
    assert reordered.places == ((1, 9.0), (0, 3.0), (2, 1.0)) and all(type(s) is float for _, s in reordered.places)
    assert reordered.score_kind == "logit" and reordered.warnings == () and not reordered.order_only
    assert asyncio.run(rank_documents_async(source, "q", given)).places == reordered.places
    assert rank_documents(source, "q", given, top_k=1).places == ((1, 9.0),)
    assert rank_documents(source, "q", given, threshold=3).places == ((1, 9.0), (0, 3.0))
    assert given == documents(3, 9, 1)


def test_documents_without_text_are_kept_behind_all_others_unscored():
    source = RerankerSource(scoring())
    reordered = rank_documents(source, "q", documents(None, 1, None, 2))
    assert reordered.places == ((3, 2.0), (1, 1.0), (0, None), (2, None))
    assert reordered.warnings == ("documents without text, left at the end (2)",)
    assert rank_documents(source, "q", documents(None, 1, 2), top_k=2).places == ((2, 2.0), (1, 1.0))
    # They pass no threshold, and a cascade that drops leaves no place for them.
    assert rank_documents(source, "q", documents(None, 1, 2), threshold=0).places == ((2, 2.0), (1, 1.0))
    dropping = RerankerSource(scoring().drop_after(1))
    assert rank_documents(dropping, "q", documents(None, 1, 2)).places == ((2, 2.0),)


def test_where_there_is_nothing_to_rank_no_model_is_called():
    counting = Counting()
    source = RerankerSource(counting)
    assert rank_documents(source, "", []).places == ()
    assert rank_documents(source, "q", documents(None, None)).places == ((0, None), (1, None))
    assert rank_documents(source, "q", documents(None, None), top_k=1).places == ((0, None),)
    assert asyncio.run(rank_documents_async(source, "q", documents(None), threshold=0.0)).places == ()
    assert score_pairs(source, []) == []
    assert counting.calls == []
    with pytest.raises(EmptyQuery):
        rank_documents(source, " ", documents(1))


def test_ids_name_candidates_where_they_can_and_nothing_is_lost_where_they_cannot():
    seen: list[Candidate] = []

    class Looking(Counting):
        def rank(self, request: Request) -> Ranking:
            seen.extend(request.candidates)
            return super().rank(request)

    given = [
        {"id": "a", "text": "one", "score": 0.5, "metadata": {"url": "x"}},
        {"id": "b", "text": "two"},
        {"id": "b", "text": "two"},
        {"id": None, "text": "three"},
        {"id": "3", "text": "four"},
    ]
    reordered = rank_documents(RerankerSource(Looking()), "q", given)
    assert [place for place, _ in reordered.places] == [4, 3, 2, 1, 0]
    assert [one.id for one in seen] == ["a", "1", "2", "5", "3"]
    assert seen[0].score == 0.5 and seen[0].metadata == {"url": "x"}


def test_an_instruction_reaches_the_model_or_is_refused():
    class Obeying(Counting):
        def rank(self, request: Request) -> Ranking:
            assert request.query.instruction == "official ones first"
            return super().rank(request)

    given = documents(1, 2)
    assert rank_documents(RerankerSource(Obeying()), "q", given, instruction="official ones first").places
    with pytest.raises(InstructionRefused):
        rank_documents(RerankerSource(scoring()), "q", given, instruction="official ones first")


def test_an_order_without_scores_says_so_and_refuses_a_threshold():
    reordered = rank_documents(RerankerSource(ordering()), "q", documents(3, 9, 1))
    assert reordered.places == ((1, None), (0, None), (2, None)) and reordered.order_only
    with pytest.raises(InputError, match="no scores"):
        rank_documents(RerankerSource(ordering()), "q", documents(3, 9), threshold=1)


def test_scores_of_an_earlier_stage_are_left_out_or_sorting_by_them_would_undo_the_order():
    turned = scoring() >> JudgeReranker(oracle(None), Single())
    reordered = rank_documents(RerankerSource(turned), "q", documents(3, 9, 1))
    assert reordered.ranking is not None and reordered.ranking.scores_from
    assert reordered.places == ((1, None), (0, None), (2, None)) and reordered.order_only


def test_a_failed_stage_is_a_warning_and_the_order_before_it_stands():
    reordered = rank_documents(RerankerSource(failing()), "q", documents(3, 9, 1))
    assert reordered.places == ((1, 9.0), (0, 3.0), (2, 1.0))
    assert any("ConnectionFailed" in words for words in reordered.warnings)


class Lengths:
    """Has only ``rank``: the score of a text is its length."""

    def rank(self, request: Request) -> Ranking:
        scores = [float(len(one.text)) for one in request.candidates]
        order = sorted(range(len(scores)), key=lambda at: -scores[at])
        return Ranking(request, tuple(order), tuple(scores[at] for at in order))


@pytest.mark.model
def test_a_text_that_was_cut_is_a_warning(minilm_folder):
    source = RerankerSource(str(minilm_folder), options={"max_length": 32})
    reordered = rank_documents(source, "fleas", [{"text": "short"}, {"text": "too long for it " * 20}])
    assert [words for words in reordered.warnings if words.endswith("document shortened (1)")]
    source.close()


def test_a_threshold_is_left_out_where_what_would_have_given_the_scores_failed(caplog):
    def answer(asked: object) -> Answer[float]:
        raise ConnectionFailed("nobody is there")

    alone = Cascade.of(JudgeReranker(ScriptedJudge(answer, name="failing"), ScoreAll()))
    for form in (rank_documents, lambda *given, **limits: asyncio.run(rank_documents_async(*given, **limits))):
        reordered = form(RerankerSource(alone), "q", documents(3, None, 1), threshold=2.0)
        assert reordered.places == ((0, None), (2, None), (1, None))
        assert "threshold left out: there are no scores" in reordered.warnings and "threshold left out" in caplog.text


def test_pairs_of_any_queries_are_scored_in_their_places():
    pairs = [("p", "aaa"), ("q", "a"), ("p", "aa"), ("q", ""), ("p", "aa")]
    assert score_pairs(RerankerSource(Lengths()), pairs) == [3.0, 1.0, 2.0, 1.0, 2.0]


def test_a_pair_by_itself_has_the_same_score_whatever_else_is_there(tmp_path):
    source = RerankerSource(str(tiny_cross_encoder(tmp_path)))
    assert score_pairs(source, [("word", "")]) == score_pairs(source, [("word", ""), ("good", "best")])[:1] == [0.25]
    assert score_pairs(source, [("word", "bad"), ("word", "")]) == [-0.75, -0.75]


@pytest.mark.parametrize(
    "reranker", [Counting(), Cascade.of(Lengths()).drop_after(1), Cascade.of(Lengths(), Counting())], ids=repr
)
def test_pairs_without_a_score_each_are_refused(reranker):
    with pytest.raises(InputError, match="a score of every pair"):
        score_pairs(RerankerSource(reranker), [("q", "one"), ("q", "two")])


def test_pairs_on_a_method_that_is_known_to_give_no_scores_are_refused_before_anything_is_loaded():
    with pytest.raises(InputError, match="a score of every pair"):
        score_pairs(RerankerSource(paradigm="listwise"), [("q", "one")])
