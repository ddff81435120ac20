"""Answers to "A or B?" as language models write them: a verdict is read only where the answer is one."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rankkit.core.questions import Outcome
from rankkit.pairwise.verdict import read_verdict

AB = ("A", "B")

LABEL_ALONE = [
    *("A", " a.", "A.", "**A**", "(A)", "[A]", "[[A]]", '"A"', "'A'", "`A`", "Passage A", "passage a", "Passage A."),
    *(
        "**Passage A**",
        "Passage [A]",
        "Passage (A)",
        'Passage "A"',
        "Document A",
        "Option A",
        "A\n",
        "Ａ",
        "A!",
        "__A__",
    ),
    *(
        "<think>B is long. The answer is B.</think>A",
        "<think>B</think>\n\n**A**",
        "<|im_start|>A<|im_end|>",
        "【A】",
        "<answer>A</answer>",
        "<verdict>A</verdict>",
    ),
]
FOR_A = [
    *(
        "Answer: A",
        "answer: a",
        "**Answer:** A",
        "**Answer: A**",
        "Answer: **A**",
        "Answer: (A)",
        "Answer - A".replace(" -", ":"),
    ),
    *("The answer is A.", "The answer is A", "The answer is: A", "The answer is **A**.", "The correct answer is A."),
    *(
        "My answer is Passage A.",
        "Final answer: A",
        "Final Answer: Passage A",
        "So the answer is A.",
        "Thus, the answer is A.",
    ),
    *("Verdict: A", "Winner: Passage A", "My choice: A", "Choice: A", "Output: A", "### Answer: A", "> Answer: A"),
    *('{"answer": "A"}', '```json\n{"answer": "A"}\n```', '{"answer": "Passage A", "reason": "B is about cats"}'),
    *('{"winner": "a"}', '{"more_relevant_passage": "A"}', '{"result": {"answer": "A"}}', '{"answer": ["A"]}'),
    *('Here it is: {"answer": "A"}', '{"reasoning": "B is worse", "choice": "A", "confidence": 0.9}'),
    *(
        "A. Because it names the fleas.",
        "A. It answers the query directly, while B does not.",
        "A because it is about fleas.",
    ),
    *(
        "A, because B is not about fleas.",
        "A - because it answers.",
        "A (because it answers the query)",
        "A: because it answers",
    ),
    *("A\n\nPassage A speaks of fleas, B of dogs.", "**A**\n\nReason: it names fleas.", "A\nB does not mention fleas."),
    *("Passage A, since it names the fleas.", "A. Passage B does not answer.", "A. Directly answers the query."),
    *(r"\boxed{A}", r"$\boxed{A}$", r"\boxed{\text{A}}", r"The answer is \boxed{A}.", r"So we have \boxed{\textbf{A}}"),
    *(
        "The more relevant one is Passage A.",
        "The more relevant passage is A.",
        "The most relevant passage is Passage A.",
    ),
    *("The more relevant passage to the search query is Passage A.", "The better passage is A", "Best match: A"),
    *(
        "The passage that is more relevant to the query is A.",
        "More relevant: A",
        "Based on the query, the answer is A.",
    ),
    *(
        "I choose A.",
        "I would choose Passage A.",
        "I'd pick A because it is on topic.",
        "I prefer Passage A.",
        "I’d go with A.",
    ),
    *(
        "I choose A over B.",
        "I choose A, not B.",
        "The answer is A, not B.",
        "The answer is A (not B).",
        "The answer is A rather than B.",
    ),
    *(
        "Passage A is more relevant.",
        "A is more relevant to the query.",
        "A is the better choice.",
        "A is the answer.",
        "A is better.",
    ),
    *("Passage A is the more relevant passage.", "Between the two passages, Passage A is more relevant to the query."),
    *("Sure! A", "Sure! The answer is A.", "Certainly: A"),
    *(
        "Passage A names fleas, while Passage B names dogs, so the answer is A.",
        "While both are relevant, the answer is A.",
    ),
    *(
        "Both passages are about dogs.\n\nAnswer: A",
        "Let me compare.\n\nA is about fleas.\nB is about dogs.\n\nA".replace("\nB is", " B is"),
    ),
    *(
        "Passage A\nFleas.\n\nPassage B\nDogs.\n\nAnswer: A",
        "A > B",
        "[A] > [B]",
    ),
    *(
        "答案：A",
        "答案是A。",
        "A更相关",
        "The first passage is more relevant.",
        "The answer is the first passage.",
        "I believe the answer is A.",
    ),
    *(
        "Antwort: A",
        "Respuesta: A",
        "The answer is clearly A.",
        "The answer is A because B is worse.",
        "the Answer Is: A!",
    ),
]
FOR_A += [
    "A is better than B",
    "Passage A is better than Passage B",
    "Passage A is more relevant to the query than Passage B.",
    "A is more relevant than B because it fits.",
    "It's A.",
    "I'd say A.",
    "A, not B",
    "A rather than B.",
    "A wins.",
    "Answer:\nA",
    "The answer is:\n\n**A**",
    "A) Because it fits",
]
NONE = [
    "The answer is B. Wait, the answer is A.",
    "A is more relevant than B, but only if dogs are meant.",
    "A is not better than B",
    "A is more relevant to dogs, not to fleas, than B",
    *(
        "not A",
        "Not A.",
        "A is not more relevant",
        "Passage A is not relevant.",
        "The answer is not A.",
        "The answer isn't A.",
        "Answer: not A",
    ),
    *(
        "neither",
        "Neither A nor B",
        "Neither passage is relevant.",
        "None",
        "Both",
        "Both A and B",
        "Both A and B are relevant.",
        "It is a tie.",
    ),
    *(
        "A or B",
        "A or B?",
        "A and B",
        "A/B",
        "A, B",
        "A & B",
        "A|B",
        "A vs B",
        "A. B.",
        "A. B",
        "Answer: A or B",
        "Answer: A/B",
        "Answer: A, B",
        "Answer: A and B",
    ),
    *(
        "A is worse than B",
        "A is less relevant than B.",
        "B is beaten by A",
    ),
    *(
        "Compared to A, B is more relevant.",
        "Compared to A, B",
        "Unlike A, B answers",
        "A is worse.",
        "Passage A is less relevant.",
        "Worse: A",
    ),
    *(
        "The less relevant passage is A.",
        "Less relevant: A",
        "The worse passage is A.",
        "The wrong answer is A.",
        "Irrelevant: A",
        "Loser: A",
    ),
    *(
        "A passage about dogs",
        "A passage about dogs is",
        "A lot of",
        "A more relevant passage is needed.",
        "A good question!",
        "a",
    )[:5],
    *(
        "The answer is a passage about dogs.",
        "The answer is A passage",
        "The passage that mentions dogs is A.",
        "It speaks of vitamin B.",
    ),
    *(
        "Is the answer A?",
        "A?",
        "Why is A more relevant?",
        "If the query is about dogs, the answer is A.",
        "If dogs are meant, A is more relevant.",
    ),
    *(
        "I don't think the answer is A.",
        "I am not so sure the answer is A.",
        "I doubt the answer is A.",
        "It is hard to say whether A is more relevant.",
    ),
    *(
        "I would not choose A.",
        "I can't choose A or B",
        "I choose neither A nor B.",
        "Some say A is more relevant.",
        "One might say, the answer is A.",
    ),
    *(
        "A: not relevant. B: relevant.",
        "A: about dogs\nB: about fleas",
        "A - dogs, B - fleas",
        "A: 3, B: 8",
        "A: less relevant than B",
        "A. Not relevant.",
    ),
    *(
        "A. It is less relevant than B.",
        "A\nNot relevant.\nB\nRelevant.",
        "A\nB",
        "1. A\n2. B",
        "- A\n- B",
        "A. Smith wrote it.",
        "A. B. Smith wrote it.",
    ),
    *(
        "The answer is A. The answer is B.",
        "Answer: A\nAnswer: B",
        "A. B is more relevant.",
        "A\n\nThe answer is B.",
        "The answer is A. Wait, no.",
        "A. No, that is wrong.",
    ),
    *(
        "The answer is A, but only if dogs are meant.",
        "The answer is A or so B says",
        "The answer is A...",
        "The answer is A and B.",
        "Answer: A?",
    ),
    *(
        '{"answer": "A or B"}',
        '{"answer": "both"}',
        '{"answer": null}',
        '{"worse": "A"}',
        '{"less_relevant": "B"}',
        '{"A": 0.2, "B": 0.9}',
        "{}",
    ),
    *(
        '{"answer": "A", "answer": "B"}',
        '{"answer": "A", "correct": false}',
        '{"answer": "A", "verdict": "B"}',
        '{"passage": "A", "relevant": false}',
    ),
    *(
        "Passage A: dogs\n\nPassage B: fleas",
        "Answer with one letter, A or B.",
        "Which of the two passages is more relevant? A or B.",
        "[[C]]",
        "C",
        "AB",
        "BA",
        "A1",
        "B-",
        "A+B",
        "A's",
        "B.com",
    ),
    *(
        "<think>The answer is A.</think>",
        "<think>A</think>\n\n",
        "",
        "  \n",
        "**",
        "The answer is",
        "Answer:",
        "A is more verbose.",
        "A is longer",
        "A is relevant in tone, B in content",
    ),
    *(
        "A is more relevant to a different question.",
        "A is more relevant? No.",
        "A and B are equally relevant.",
        "A. Both are equally relevant.",
    ),
]


@pytest.mark.parametrize("said", LABEL_ALONE)
def test_a_label_alone_is_a_plain_answer(said: str) -> None:
    answer = read_verdict(said, AB)
    assert (answer.value, answer.outcome, answer.defects) == (1.0, Outcome.OK, ())
    assert read_verdict(mirrored(said), AB).value == 0.0


@pytest.mark.parametrize("said", FOR_A)
def test_a_verdict_with_words_around_it(said: str) -> None:
    answer = read_verdict(said, AB)
    assert (answer.value, answer.outcome, answer.defects) == (1.0, Outcome.REPAIRED, ("prose",))
    assert read_verdict(mirrored(said), AB).value == 0.0


@pytest.mark.parametrize("said", NONE)
def test_what_is_no_verdict_teaches_nothing(said: str) -> None:
    for text in (said, mirrored(said)):
        answer = read_verdict(text, AB)
        assert answer.value is None and answer.outcome in (Outcome.UNREADABLE, Outcome.TRUNCATED, Outcome.REFUSED), text


CUT = [
    ("A", None),
    ("The answer is A", None),  # "... or B"
    ("Answer: A", None),
    ("Passage A", None),
    ("Passage A is", None),
    ("Passage A is more relevant to the", None),
    ("**Passage A**\n\nThis passage is about", None),
    ("Well, let me", None),
    ("A:", None),
    ("A: it is", None),
    ("A\n\nPassage B", None),
    ("A. Passage B is", None),
    ("<think>The answer is A. Or is", None),
    ("", None),
    ("A\n\nBecause it names the", 1.0),
    ("**A**\n\nPassage A directly ans", 1.0),
    ("A. Because it names the", 1.0),
    ("The answer is A. Passage B only", 1.0),
    ("The answer is A because", 1.0),
    ('{"answer": "A", "reason": "it na', 1.0),
    ('{"answer": "A', None),
]


@pytest.mark.parametrize(("said", "value"), CUT)
def test_of_a_cut_off_answer_counts_what_was_complete(said: str, value: float | None) -> None:
    answer = read_verdict(said, AB, finish="length")
    assert answer.value == value
    assert value is not None or answer.outcome is Outcome.TRUNCATED


def test_refusals() -> None:
    assert read_verdict("A", AB, finish="refused").outcome is Outcome.REFUSED
    assert read_verdict("I'm sorry, but I can't help with that.", AB).outcome is Outcome.REFUSED


def test_labels_of_other_prompts() -> None:
    assert read_verdict("Passage 2", ("1", "2")).value == 0.0
    assert read_verdict("The answer is 1.", ("1", "2")).value == 1.0
    assert read_verdict("1. Because 2 is off topic.", ("1", "2")).value == 1.0
    assert read_verdict("Document1", ("Document0", "Document1")).value == 0.0
    assert read_verdict("The answer is Passage B.", ("Passage A", "Passage B")).value == 0.0
    assert read_verdict("false", ("true", "false")).value == 0.0
    assert read_verdict("1. fleas\n2. dogs", ("1", "2")).value is None


WORDS = (
    'A B not the answer is more relevant than . , : because Passage or \n ** { } " ( ) neither Both \\boxed{ <think> a'
)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(WORDS.split(" ")) | st.text(max_size=3), max_size=25).map(" ".join), st.booleans())
def test_any_text_is_read_and_the_labels_are_alike(text: str, cut: bool) -> None:
    """Which label is called first says nothing."""
    finish = "length" if cut else "stop"
    one, other = read_verdict(text, ("A", "B"), finish=finish), read_verdict(text, ("B", "A"), finish=finish)
    assert one.outcome is other.outcome
    assert (one.value is None) == (other.value is None)
    assert one.value is None or one.value == 1.0 - (other.value or 0.0)


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece", ["A. ", "the answer is ", "A because ", "A\n", '{"answer": ', "more relevant passage ", "so, ", "Passage "]
)
def test_long_answers_are_read(piece: str) -> None:
    """Anything worse than linear would not come back from these."""
    read_verdict((piece * 400_000)[:400_000], AB)


def mirrored(text: str) -> str:
    """The same answer for the other passage."""
    swaps = {"A": "B", "B": "A"}
    if "Ａ" in text:
        return text.replace("Ａ", "Ｂ")
    words = {"first": "second", "a.": "b.", "passage a": "passage b", ": a": ": b", '"a"': '"b"'}
    for word, other in words.items():
        if text.strip().endswith(word) or f"the {word} passage" in text.lower() or (word == '"a"' and word in text):
            text = text.replace(word, other)
    return re.sub(r"(?<![A-Za-z])[AB](?![A-Za-z])|(?<=是)[AB]", lambda found: swaps[found[0]], text)
