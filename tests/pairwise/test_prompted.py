"""A language model asked A or B, on a model that says what it is told to."""

from __future__ import annotations

import itertools
import math
import re

import pytest

from rankkit.backends.protocols import Generated
from rankkit.errors import ContextTooSmall, PromptError
from rankkit.pairwise.prompted import PromptedJudge
from rankkit.pairwise.strategies.allpairs import AllPairs
from rankkit.pairwise.strategies.heapsort import HeapSort
from rankkit.pipeline.judged import JudgeReranker
from rankkit.prompting.loading import load_prompt
from rankkit.testing import ScriptedModel, check_reranker, request_of, words_of

PRP = load_prompt("pairwise/prp")


def numbers(prompt) -> tuple[int, int]:
    """The documents' own numbers, first and second as shown."""
    first, second = re.findall(r"(?:document|number) (\d+)", words_of(prompt))
    return int(first), int(second)


def knowing(prompt, label: str) -> float:
    """The higher the document's number, the better."""
    first, second = numbers(prompt)
    return math.log(0.9 if (first > second) == (label == "A") else 0.1)


def test_probabilities_come_from_both_labels_and_sort_the_documents():
    judge = PromptedJudge(ScriptedModel(worth=knowing), PRP)
    ranking = JudgeReranker(judge, AllPairs()).rank(request_of([0] * 4))
    assert ranking.order == (3, 2, 1, 0)
    assert ranking.scores == pytest.approx(
        (5.4, 3.8, 2.2, 0.6)
    )  # sym-sum over both orders: twice the sum of 0.9 and 0.1
    assert ranking.steps[0].diagnostics["position_bias"] == 0.0
    check_reranker(JudgeReranker(judge, HeapSort(top_k=3)))


def test_a_model_that_always_says_a_is_found_out_and_changes_nothing():
    judge = PromptedJudge(ScriptedModel(say=lambda prompt: "A"), PRP, by_text=True)
    ranking = JudgeReranker(judge, HeapSort(top_k=3)).rank(request_of([0] * 5))
    assert ranking.order == (0, 1, 2, 3, 4)
    diagnostics = ranking.steps[0].diagnostics
    assert diagnostics["position_bias"] == 1.0 and diagnostics["first_preference"] == 1.0


@pytest.mark.parametrize(
    ("said", "value", "outcome"),
    [
        ("A", 1.0, "ok"),
        (" b.", 0.0, "ok"),
        ("**B**", 0.0, "ok"),
        ("Passage A", 1.0, "ok"),
        ("The more relevant one is Passage B.", 0.0, "repaired"),
        ("Passage A is better than Passage B", 1.0, "repaired"),
        ("A passage about dogs", None, "unreadable"),
        ("", None, "unreadable"),
        (Generated("Well, let me", "length"), None, "truncated"),
        (Generated("", "refused"), None, "refused"),
    ],
)
def test_a_written_answer_is_read_or_counted(said, value, outcome):
    judge = PromptedJudge(ScriptedModel(say=lambda prompt: said), PRP, by_text=True)
    ranking = JudgeReranker(judge, AllPairs(one_sided=True)).rank(request_of([0, 0]))
    assert ranking.steps[0].outcomes == {outcome: 1}
    assert ranking.order == ((1, 0) if value == 0.0 else (0, 1))


@pytest.mark.parametrize(("shown", "winner"), [({"A": -1.0}, 0), ({"B": -1.0}, 1), ({}, 0)])
def test_a_label_that_is_not_shown_loses(shown, winner):
    judge = PromptedJudge(ScriptedModel(worth=lambda prompt, label: shown.get(label)), PRP)
    ranking = JudgeReranker(judge, AllPairs(one_sided=True)).rank(request_of([0, 0]))
    assert ranking.order[0] == winner and ranking.steps[0].defects == {"unseen": 1}


def test_comparisons_with_the_same_first_document_go_out_together():
    """So that a model which keeps the beginning of its last prompt computes it once."""
    asked: list[int] = []

    def worth(prompt, label):
        asked.append(numbers(prompt)[0])
        return -1.0

    JudgeReranker(PromptedJudge(ScriptedModel(worth=worth), PRP), AllPairs()).rank(request_of([0] * 5))
    changes = sum(1 for before, after in itertools.pairwise(asked) if before != after)
    assert changes == 4  # five first documents, each in one run


def test_what_does_not_go_together_is_refused():
    with pytest.raises(PromptError, match="puts a order question"):
        PromptedJudge(ScriptedModel(), load_prompt("listwise/small"))
    with pytest.raises(ContextTooSmall, match="before any passage"):
        JudgeReranker(PromptedJudge(ScriptedModel(context_length=30), PRP), AllPairs()).rank(request_of([0, 0]))
