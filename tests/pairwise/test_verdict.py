"""Answers as language models give them to "A or B?", each with what may be learned from it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankkit.core.questions import Outcome
from rankkit.pairwise.verdict import read_verdict

LABELS = ("A", "B")

FIRST = [
    "A",
    " A\n",
    "a",
    "**A**",
    "[A]",
    "(A)",
    '"A"',
    "A.",
    "Passage A",
    "passage A.",
    "Option A",
    "**Passage A**",
    "Document A",
    "Answer: A",
    "answer: A.",
    "**Answer:** A",
    "Answer:\nA",
    "### Answer\nA",
    "The answer is A.",
    "The correct answer is (A).",
    "Final answer: A",
    "Final Answer: **A**",
    "My final answer is A, since B is about dogs.",
    r"\boxed{A}",
    r"$\boxed{\text{A}}$",
    r"The result is \boxed{A}.",
    '{"answer": "A"}',
    '```json\n{"answer": "A"}\n```',
    'Here it is: {"winner": "Passage A", "reason": "It says how long."}',
    '{"reason": "B is about dogs", "choice": "A"}',
    "A. Because it says how long fleas live.",
    "A, because it names the number of days.",
    "A: it answers the question.",
    "A - it is more relevant.",
    "A\n\nPassage A says how long fleas live. Passage B is about dogs.",
    "**A**\nIt answers the question.",
    "I choose A.",
    "I would choose Passage A because it is to the point.",
    "I'd pick A.",
    "I'll go with passage A.",
    "I prefer A over B.",
    "The more relevant passage is A.",
    "The most relevant passage is Passage A.",
    "The better passage: A",
    "Passage A is more relevant.",
    "Passage A is more relevant than Passage B.",
    "Passage A is the most relevant one.",
    "Passage A is clearly more relevant to the query, as it names a number.",
    "A is more relevant.",
    "Passage A provides a better answer to the query.",
    "Both are about fleas. The answer is A.",
    "Passage B is about dogs.\nPassage A is about fleas.\n\nA",
    "Let me think. B is off topic.\nAnswer: A",
    "Verdict: A",
    "Winner: Passage A",
]
NOTHING = [
    "",
    " \n",
    "I pick A as the irrelevant one",
    "I choose A as the less relevant passage",
    "A, because B is better it loses",
    "Answer: A, because B is better.",
    "A. Although B is more relevant",
    "A. Because B is better, I reject it.",
    "A\nThis passage is irrelevant.",
    "A\n(irrelevant)",
    "A\n\nReason: it is less relevant.",
    "A\nThis passage does not mention fleas.",
    "Eliminating:\nA",
    "Comparing A:\nA",
    '[{"answer":"A"},{"answer":"B"}]',
    '{"label":"A","relevant":"no"}',
    "<answer>A</answer><answer>B</answer>",
    "The answer is A\nor is it B",
    "I prefer A. Just kidding, B.",
    "A. It is off-topic, B is better",
    "Both",
    "Both passages are relevant.",
    "Neither",
    "Neither A nor B",
    "A or B",
    "A/B",
    "A and B",
    "A and B are equally relevant.",
    "A, B",
    "A\n\nB",
    "not A",
    "Not A.",
    "The answer is not A.",
    "The answer isn't A.",
    "The answer is A or B.",
    "The answer is either A or B.",
    "A is not more relevant.",
    "A is not more relevant than B.",
    "Passage A is less relevant.",
    "Passage A is irrelevant.",
    "Passage A is about dogs.",
    "Passage A does not answer the question.",
    "Passage A is worse than passage B.",
    "A is worse than B.",
    "Compared to A, B",
    "Compared with passage A, the other one is better.",
    "A passage about fleas",
    "A passage that answers the query would name a number.",
    "A good answer would name a number.",
    "A: about dogs. B: about fleas.",
    "A. Dogs bark.\nB. Fleas live long.",
    "Passage A: dogs\nPassage B: fleas",
    "Answer: A. Wait, no. Answer: B.",
    "If I had to choose, passage A or passage B",
    "Unless A is more relevant, I cannot say.",
    "I would not choose A.",
    "I cannot choose A.",
    "It depends on whether Passage A is more relevant.",
    "Hard to say",
    "C",
    "Passage C",
    '{"answer": "C"}',
    '{"answer": "A or B"}',
    '{"a": 1, "b": 2}',
    '{"A": 0.2, "B": 0.8}',
    "Based on the query, A",
    "I don't think A is more relevant.",
]
CUT_OFF = [
    "Passage A is",
    "A passage",
    "A",
    "The answer is A",
    "To decide which of the passages is more relevant we look at Passage A",
    "The answer is",
]


@pytest.mark.parametrize("text", FIRST)
def test_a_verdict_is_read(text):
    answer = read_verdict(text, LABELS, "stop")
    assert answer.value == 1.0 and answer.outcome in (Outcome.OK, Outcome.REPAIRED)


@pytest.mark.parametrize("text", FIRST)
def test_with_the_labels_changed_about_the_other_wins(text):
    assert read_verdict(text, ("B", "A"), "stop").value == 0.0


@pytest.mark.parametrize("text", NOTHING)
def test_what_is_no_verdict_teaches_nothing(text):
    answer = read_verdict(text, LABELS, "stop")
    assert answer.value is None and answer.outcome is Outcome.UNREADABLE and answer.defects


@pytest.mark.parametrize("text", CUT_OFF)
def test_a_sentence_that_was_cut_off_teaches_nothing(text):
    assert read_verdict(text, LABELS, "length").outcome is Outcome.TRUNCATED


@pytest.mark.parametrize("text", ["A. Because it says how long fleas", "Answer: A\n\nPassage A says how"])
def test_a_verdict_before_the_cut_counts(text):
    assert read_verdict(text, LABELS, "length").value == 1.0


def test_a_refusal_is_one():
    assert read_verdict("A", LABELS, "refused").outcome is Outcome.REFUSED
    assert read_verdict("Sorry, I can't help with that.", LABELS, "stop").outcome is Outcome.REFUSED


@pytest.mark.parametrize(("text", "value"), [("2", 0.0), ("Passage 1", 1.0), ("The answer is 2.", 0.0), ("12", None)])
def test_labels_may_be_others(text, value):
    assert read_verdict(text, ("1", "2"), "stop").value == value


def test_only_a_label_alone_is_free_of_defects():
    assert read_verdict("A", LABELS, "stop").outcome is Outcome.OK
    assert read_verdict("The answer is A.", LABELS, "stop").defects == ("prose",)


@given(st.text(alphabet='AB .,:\n*()[]{}"passgenoti', max_size=60))
def test_no_answer_lets_both_win(text):
    one, other = read_verdict(text, ("A", "B"), "stop"), read_verdict(text, ("B", "A"), "stop")
    assert (one.value is None) == (other.value is None)
    assert one.value is None or one.value + other.value == 1.0


def test_long_answers_are_read_in_linear_time():
    assert read_verdict("passage A is the " * 20_000, LABELS, "stop").value is None
    assert read_verdict("the more relevant " * 20_000, LABELS, "stop").value is None
