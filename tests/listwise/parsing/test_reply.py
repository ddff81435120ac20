"""Answers of language models, and what is read from them. Identifiers in the tables count from 1, as in the prompts."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rankkit.core.questions import Outcome
from rankkit.errors import ContractViolation
from rankkit.listwise.parsing.identifiers import letters
from rankkit.listwise.parsing.reply import Defect, Reply, read_reply

OK, REPAIRED, UNREADABLE = Outcome.OK, Outcome.REPAIRED, Outcome.UNREADABLE
REFUSED, TRUNCATED = Outcome.REFUSED, Outcome.TRUNCATED


def named(reply: Reply) -> list[int]:
    return [position + 1 for position in reply.named]


def join(template: str, joint: str) -> Callable[[list[str]], str]:
    return lambda labels: joint.join(template.format(label) for label in labels)


def numbered(template: str, joint: str) -> Callable[[list[str]], str]:
    return lambda labels: joint.join(template.format(place, label) for place, label in enumerate(labels, start=1))


#: Ways to write a ranking that are exactly well formed.
STYLES: dict[str, Callable[[list[str]], str]] = {
    "[2] > [1]": join("[{}]", " > "),
    "[2]>[1]": join("[{}]", ">"),
    "2 > 1": join("{}", " > "),
    "[2], [1]": join("[{}]", ", "),
    "2, 1": join("{}", ", "),
    "2,1": join("{}", ","),
    "[2] [1]": join("[{}]", " "),
    "one a line": join("{}", "\n"),
    "one a line, marked": join("[{}]", "\n"),
    "Passage 2 > Passage 1": join("Passage {}", " > "),
    "[Passage 2] > [Passage 1]": join("[Passage {}]", " > "),
    "Document [2], Document [1]": join("Document [{}]", ", "),
    "numbered": numbered("{}. [{}]", "\n"),
    "numbered with brackets": numbered("{}) [{}]", "\n"),
    "numbered in one line": numbered("{}. [{}]", " "),
    "numbered passages": numbered("{}. Passage {}", "\n"),
    "bullets": lambda labels: "".join(f"- [{label}]\n" for label in labels),
    "JSON strings": lambda labels: json.dumps(labels),
    "JSON object": lambda labels: json.dumps({"ranking": labels}, indent=2),
    "JSON objects": lambda labels: json.dumps([{"id": label, "score": 0.5} for label in labels]),
    "behind thinking": lambda labels: "<think>5 of 7? [1] > [2]</think>\n\n" + join("[{}]", " > ")(labels),
    "trained answer tags": lambda labels: f"<think>hm</think> <answer> {join('[{}]', ' > ')(labels)} </answer>",
}


@pytest.mark.parametrize("style", STYLES)
@settings(max_examples=20, deadline=None)
@given(order=st.integers(2, 60).flatmap(lambda n: st.permutations(range(n))))
def test_every_plain_style_reads_back_exactly(style: str, order: list[int]) -> None:
    text = STYLES[style]([str(position + 1) for position in order])
    assert read_reply(text, len(order)) == Reply(tuple(order), tuple(order), OK)


@pytest.mark.parametrize("style", STYLES)
@settings(max_examples=20, deadline=None)
@given(order=st.integers(2, 40).flatmap(lambda n: st.permutations(range(n))))
def test_letters_read_back_like_numbers(style: str, order: list[int]) -> None:
    labels = letters(len(order))  # beyond 26 they go on with AA
    text = STYLES[style]([labels[position] for position in order])
    assert read_reply(text, len(order), labels=labels) == Reply(tuple(order), tuple(order), OK)


@pytest.mark.parametrize("style", ["[2] > [1]", "2 > 1", "[2], [1]", "one a line, marked", "numbered", "bullets"])
@settings(max_examples=40, deadline=None)
@given(mentions=st.lists(st.integers(1, 25), min_size=2, max_size=30))
def test_sloppy_answers_lose_nothing(style: str, mentions: list[int]) -> None:
    """Repeats, gaps and unknown identifiers: the same order as the field's rule makes of well-marked answers."""
    reply = read_reply(STYLES[style]([str(mention) for mention in mentions]), 20)
    known = [mention for mention in mentions if mention <= 20]
    assert named(reply) == list(dict.fromkeys(known))
    if known:
        assert (Defect.REPEATED in reply.defects) == (len(set(known)) < len(known))
        assert (Defect.OUT_OF_RANGE in reply.defects) == (len(known) < len(mentions))
        assert (Defect.MISSING in reply.defects) == (len(set(known)) < 20)


MARKED = "wrong-marks"
FORMS = [
    # Readable, not plain.
    ("1. [2] > [1] > [3]", [2, 1, 3], [MARKED]),
    ("1. [2] > 2. [1] > 3. [3]", [2, 1, 3], [MARKED]),
    ("[2] > [1] > [3].", [2, 1, 3], [MARKED]),
    ("[3] > 1 > [2]", [3, 1, 2], [MARKED]),
    ("[2]\n3\n[1]", [2, 3, 1], [MARKED]),
    ("[2] → [1] → [3]", [2, 1, 3], [MARKED]),
    ("[2] - [1] - [3]", [2, 1, 3], [MARKED]),
    ("[3], then [1], and finally [2]", [3, 1, 2], [MARKED]),
    ("**[2]** > **[1]** > **[3]**", [2, 1, 3], [MARKED]),
    ("```json\n[2, 1, 3]\n```", [2, 1, 3], [MARKED]),
    ("| 1 | [2] |\n| 2 | [1] |\n| 3 | [3] |", [2, 1, 3], [MARKED]),
    ("Rank 1: [2]\nRank 2: [1]\nRank 3: [3]", [2, 1, 3], [MARKED]),
    ("［２］ ＞ ［１］ ＞ ［３］", [2, 1, 3], [MARKED]),
    ("【2】＞【1】＞【3】", [2, 1, 3], [MARKED]),
    ("[²] > [¹] > [³]", [2, 1, 3], [MARKED]),
    ("② > ① > ③", [2, 1, 3], [MARKED]),
    ("②①③", [2, 1, 3], [MARKED]),
    ("2️⃣ > 1️⃣ > 3️⃣", [2, 1, 3], [MARKED]),
    ("[2] &gt; [1] &gt; [3]", [2, 1, 3], [MARKED]),
    ("[02] > [01] > [03]", [2, 1, 3], [MARKED]),
    ("B > A > C", [2, 1, 3], [MARKED]),  # letters where numbers were shown
    ("[b] > [a] > [c]", [2, 1, 3], [MARKED]),
    ("1. B\n2. A\n3. C", [2, 1, 3], [MARKED]),
    ("[2] > [1]\n[3] > [2]", [3, 2, 1], [MARKED, "repeated"]),  # half of it again: a second try; nothing is lost
    ("[2] > [1]\n[3] > [1] > [2]", [3, 1, 2], [MARKED, "repeated"]),
    ("[3] > [2] > [1]\n\n[2] > [1] > [3]", [2, 1, 3], [MARKED, "repeated"]),
    ("1. [1] > [2] 2. [1] > [3] 3", [1, 2, 3], [MARKED, "repeated"]),
    ("[2] > [2] > [1] > [9] > [3]", [2, 1, 3], [MARKED, "repeated", "out-of-range"]),
    ("[0] > [2] > [1]", [1, 3, 2], ["from-zero"]),  # all of 0 to n - 1
    ("2, 0, 1", [3, 1, 2], ["from-zero"]),
    ('{"ranking": [2, 0, 1]}', [3, 1, 2], ["from-zero"]),
    ('[{"index": 2, "score": 0.1}, {"index": 0, "score": 0.9}, {"index": 1, "score": 0.5}]', [1, 2, 3], ["from-zero"]),
    ("[0] > [2]", [2], [MARKED, "out-of-range", "missing"]),
    ("[2] > [1] > [", [2, 1], [MARKED, "missing"]),
    ("[2]", [2], ["missing"]),
    ("2", [2], ["missing"]),
    # With words around.
    ("The top 5 passages: [2] > [1]", [2, 1], ["prose", "missing"]),
    ("Here are the top 10 passages: [2] > [1] > [3]", [2, 1, 3], ["prose"]),
    ("Sure! 2, 1, 3", [2, 1, 3], ["prose"]),
    ("So 2 > 1 > 3 it is.", [2, 1, 3], ["prose"]),
    ("Ranking: 2, 1, 3.", [2, 1, 3], ["prose"]),
    ('Here is the JSON: {"ranking": [2, 1, 3]}', [2, 1, 3], ["prose"]),
    ('{"ranking": "[2] > [1] > [3]", "reason": "3 is about 1914"}', [2, 1, 3], ["prose"]),
    ("[2] > [1] > [3] (5 passages)", [2, 1, 3], ["prose"]),
    ("[2] > [1] > [3]\n\nExplanation: [3] mentions 2 fleas, [1] mentions 1.", [2, 1, 3], ["prose"]),
    ("[2] (score: 3) > [1] (score: 2) > [3]", [2, 1, 3], ["prose"]),
    ("[2]: about 3 fleas\n[1]: dogs\n[3]: cats", [2, 1, 3], ["prose"]),
    ("1. **Passage 2**: 3 fleas\n2. **Passage 1**: dogs\n3. **Passage 3**: 1 cat", [2, 1, 3], ["prose"]),
    ("1. The life of fleas [2]\n2. Dogs [1]\n3. Cats [3]", [2, 1, 3], ["prose"]),
    ("Best: [2]. Second: [1]. Third: [3].", [2, 1, 3], ["prose"]),
    ("1st: [2], 2nd: [1], 3rd: [3]", [2, 1, 3], ["prose"]),
    ("**1st place:** [2]\n**2nd place:** [1]\n**3rd place:** [3]", [2, 1, 3], ["prose"]),
    ("First: [2], second: [1], third: [3]", [2, 1, 3], ["prose"]),
    ("First - Passage 2; second - Passage 1; third - Passage 3", [2, 1, 3], ["prose"]),
    ("Third: [3], second: [1], first: [2]", [2, 1, 3], ["prose"]),  # the places count, not where they stand
    ("Third: [3]. Second: [1]. First: [2].", [2, 1, 3], ["prose"]),
    ("I would rank [2] first, [1] second and [3] third.", [2, 1, 3], ["prose"]),
    ("[3] first, [1] second. No: [2] first, [1] second, [3] third.", [2, 1, 3], ["prose"]),
    ("[2] is the most relevant, then [1], then [3].", [2, 1, 3], ["prose"]),
    ("[2] is the most relevant, followed by [1], and then [3].", [2, 1, 3], ["prose"]),
    ("[2] is the most relevant, then 3 others.", [2], ["prose", "missing"]),
    ("[2] is the most relevant. Then [1] is about dogs.", [2], ["prose", "missing"]),
    ("[2] is the most relevant, then [1] to [3].", [2], ["prose", "missing"]),
    ("Passages 2, 1 and 3 are the most relevant.", [2, 1, 3], ["prose"]),
    ("The order is [2, 1, 3].", [2, 1, 3], ["prose"]),
    ("The most relevant passage is [2].", [2], ["prose", "missing"]),
    ("The most relevant passage is passage 2, followed by 3.", [2, 3], ["prose", "missing"]),
    ("Answer: [2]", [2], ["prose", "missing"]),
    ("排序结果：[2] > [1] > [3]", [2, 1, 3], ["prose"]),
    ("Sorry for the wait: [2] > [1] > [3]", [2, 1, 3], ["prose"]),
    ("[2] > [1] > ... > [3]", [2, 1], ["prose", "missing"]),
    # The prompt's example, or the passages one by one, and then the answer.
    ("The format is [1] > [2].\n\n[2] > [1] > [3]", [2, 1, 3], ["prose"]),
    ("[1]: fleas\n[2]: dogs\n[3]: cats\n\nFinal ranking:\n[3]\n[1]\n[2]", [3, 1, 2], ["prose"]),
    ("1. [1] fleas\n2. [2] dogs\n3. [3] cats\n\nSo: [3] > [1]", [3, 1], ["prose", "missing"]),
    ("1. [1] fleas\n2. [2] dogs\n\nFinal:\n1. [3] cats\n2. [1] fleas", [3, 1], ["prose", "missing"]),
]


@pytest.mark.parametrize(("text", "expected", "defects"), FORMS)
def test_repaired(text: str, expected: list[int], defects: list[str]) -> None:
    reply = read_reply(text, 3)
    assert (named(reply), reply.outcome, list(reply.defects)) == (expected, REPAIRED, defects)
    rest = [position for position in range(3) if position not in reply.named]
    assert reply.order == (*reply.named, *rest)


FORMS += [
    ("1st: 2, 2nd: 1, 3rd: 3", [2, 1, 3], ["prose"]),
    ("[2] is the most relevant. Then [1].", [2, 1], ["prose", "missing"]),
    ('Here: [{"id": 1, "score": 0.2}, {"id": 2, "score": 0.9}, {"id": 3, "score": 0.5}]', [2, 3, 1], ["prose"]),
    ('```json\n{"1": 0.2, "2": 0.9, "3": 0.5}\n```', [2, 3, 1], [MARKED]),
]

SCORED = [
    '[{"id": 1, "score": 0.2}, {"id": 2, "score": 0.9}, {"id": 3, "score": 0.5}]',
    '[{"document_id": "1", "relevance_score": "0.2"}, {"document_id": "2", "relevance_score": "9"}, '
    '{"document_id": "3", "relevance_score": "5"}]',
    '[{"doc_id": 1, "rank": 3}, {"doc_id": 2, "rank": 1}, {"doc_id": 3, "rank": 2}]',
    '[{"passage_id": "[1]", "score": 2, "rank": 3}, {"passage_id": "[2]", "score": 9, "rank": 1}, '
    '{"passage_id": "[3]", "score": 4, "rank": 2}]',
    '{"results": [{"index": 1, "relevance": 1}, {"index": 2, "relevance": 8}, {"index": 3, "relevance": 3}]}',
    '{"1": 0.2, "2": 0.9, "3": 0.5}',
    '{"scores": {"1": 0.2, "2": 0.9, "3": 0.5}}',
    '{"Passage 1": 20, "Passage 2": 90, "Passage 3": 50}',
    '{"scores": [0.2, 0.9, 0.5]}',
    '{"ids": [1, 2, 3], "scores": [0.2, 0.9, 0.5]}',
    '{"id": 1, "score": 0.2}\n{"id": 2, "score": 0.9}\n{"id": 3, "score": 0.5}',
    '[{"1": 0.2}, {"2": 0.9}, {"3": 0.5}]',
    '{"ranking": [2, 3, 1], "scores": [0.9, 0.5, 0.2]}',
    '{"ranking": [{"rank": 1, "passage": "[2]"}, {"rank": 2, "passage": "[3]"}, {"rank": 3, "passage": "[1]"}]}',
    '{"2": 1, "3": 2, "1": 3}',
    '{"1": "[2]", "2": "[3]", "3": "[1]"}',
]


@pytest.mark.parametrize("text", SCORED)
def test_json_with_scores_or_ranks_is_sorted_by_them(text: str) -> None:
    reply = read_reply(text, 3)
    assert (named(reply), reply.outcome) == ([2, 3, 1], OK)


UNSORTABLE = [
    '[{"id": 1, "score": "high"}, {"id": 2, "score": "low"}, {"id": 3, "score": "high"}]',
    '[{"id": 1, "score": 0.2}, {"id": 2}, {"id": 3, "score": 0.5}]',
    '[{"title": "x", "score": 0.2}, {"title": "y", "score": 0.9}]',
    '{"1": 3, "2": 1, "3": 2}',  # places or scores?
    '{"1": "good", "2": "bad", "3": "good"}',
    '{"scores": [3, 1, 2]}',
    '[{"id": 1, "score": 0.2}, {"id": 2, "score": 0.9}, {"id": 3, "score": 0.5},]',
    '[{"id": 1, "score": NaN}, {"id": 2, "score": 0.9}, {"id": 3, "score": 0.5}]',
]


@pytest.mark.parametrize("text", UNSORTABLE)
def test_json_whose_scores_give_no_order_teaches_nothing(text: str) -> None:
    assert read_reply(text, 3).outcome is UNREADABLE
    assert read_reply(text[:-12], 3, top=1, truncated=True).outcome in (TRUNCATED, UNREADABLE)


NOT_ORDERS = [
    ("20 passages have been provided.", UNREADABLE, ["prose"]),
    ("10 passages will be listed.\n20 passages are provided.", UNREADABLE, ["prose"]),
    ("20 passages are provided, so the ranking should be from 1 to 20.", UNREADABLE, ["prose"]),
    ("I have ranked passages 5 to 20.", UNREADABLE, ["prose"]),
    ("Received passage [20].", UNREADABLE, ["prose"]),
    ("[20] passages are provided.", UNREADABLE, ["prose"]),
    ("The most relevant passage is 3.", UNREADABLE, ["prose"]),
    ("Passages [7], [8] and [9] are not relevant.", UNREADABLE, ["prose"]),
    ("In 12, 13 and 14 fleas were common.", UNREADABLE, ["prose"]),
    ("In order to answer, passage [3] was read.", UNREADABLE, ["prose"]),
    ("First, [3] is about fleas. Second, [1] is about dogs.", UNREADABLE, ["prose"]),
    ("The first passage [3] and the second [1] are about fleas.", UNREADABLE, ["prose"]),
    ("[3] was published first, [1] second, and [2] third.", UNREADABLE, ["prose"]),
    ("Second: [3], third: [1]", UNREADABLE, ["prose"]),  # and the first?
    ("The 1st of 20 passages came in the 2nd of 3 turns.", UNREADABLE, ["prose"]),
    ("[3] is the most relevant, then [1] is not relevant.", UNREADABLE, ["prose"]),
    ("None of the passages are relevant.", UNREADABLE, ["prose"]),
    ("1. fleas\n2. dogs\n3. cats", UNREADABLE, ["prose"]),  # a list's own numbers
    ("[1] text of one\n[2] text of two\n[3] text of thr", UNREADABLE, ["prose"]),  # the passages handed back
    ("[3] < [2] < [1]", UNREADABLE, ["prose"]),
    ("[5] - [12]", UNREADABLE, ["prose"]),
    ("😊", UNREADABLE, ["prose"]),
    ("Error code: 429 - retry after 5 s", UNREADABLE, ["prose"]),
    ("[21] > [22]", UNREADABLE, ["out-of-range"]),
    ("9" * 5000, UNREADABLE, ["out-of-range"]),
    ("", UNREADABLE, ["empty"]),
    (" \n", UNREADABLE, ["empty"]),
    ("[] > []", UNREADABLE, ["empty"]),
    ("I'm sorry, but I can't help with that.", REFUSED, ["refused"]),
    ("I’m unable to rank these 20 passages.", REFUSED, ["refused"]),
    ("<think>[3] > [1] > [2], or is 5 better?", TRUNCATED, ["truncated", "thinking"]),
    ("<think>[3] > [1] > [2]</think>", UNREADABLE, ["empty"]),
]


@pytest.mark.parametrize(("text", "outcome", "defects"), NOT_ORDERS)
def test_what_is_no_order_teaches_nothing(text: str, outcome: Outcome, defects: list[str]) -> None:
    assert read_reply(text, 20) == Reply(tuple(range(20)), (), outcome, tuple(defects))


CUT = [
    # text, top, named, outcome
    ("[3] > [1] > [", None, [], TRUNCATED),
    ("[3] > [1] > [", 2, [3, 1], OK),
    ("[3] > [1] > [1", 3, [], TRUNCATED),  # may have become [12]
    ("3 > 2 > 1", 3, [], TRUNCATED),
    ("3 > 1 > 4", 3, [3, 1, 4], OK),  # no other label begins with 4
    ("1. [3]\n2. [1]\n3. [", 2, [3, 1], OK),
    ("[3] > [1] > [2] > [4] I chose this because", 4, [3, 1, 2, 4], REPAIRED),
    ("The passages are", 2, [], TRUNCATED),
    ("", 2, [], TRUNCATED),
]


@pytest.mark.parametrize(("text", "top", "expected", "outcome"), CUT)
def test_cut_off_answers_count_when_they_fill_the_places_asked_for(text, top, expected, outcome) -> None:
    reply = read_reply(text, 12, top=top, truncated=True)
    assert (named(reply), reply.outcome) == (expected, outcome)
    assert (Defect.TRUNCATED in reply.defects) == (outcome is TRUNCATED)


def test_only_the_first_places_are_expected() -> None:
    assert read_reply("[3] > [1]", 20, top=2).outcome is OK
    assert read_reply("[3] > [1]", 20, top=3).defects == ("missing",)
    assert read_reply("[3] > [1] > [2]", 3, top=50).outcome is OK


def test_what_the_server_calls_refused_is_refused() -> None:
    assert read_reply("[2] > [1]", 2, refused=True) == Reply((0, 1), (), REFUSED, ("refused",))


def test_a_letter_is_not_the_word_a() -> None:
    assert read_reply("I think a passage is missing, A or I.", 20, labels=letters(20)).outcome is UNREADABLE
    assert read_reply("b > a", 2, labels=letters(2)).defects == ("wrong-marks",)
    assert read_reply("2 > 1", 2, labels=letters(2)) == Reply((1, 0), (1, 0), REPAIRED, ("wrong-marks",))


def test_labels_of_any_kind() -> None:
    assert read_reply("doc-b > doc-a", 2, labels=["doc-a", "doc-b"]) == Reply((1, 0), (1, 0), OK)
    assert read_reply("[0] > [2] > [1]", 3, labels=["0", "1", "2"]) == Reply((0, 2, 1), (0, 2, 1), OK)


def test_labels_that_do_not_fit_are_a_bug_of_the_caller() -> None:
    with pytest.raises(ContractViolation, match="1 labels for 2 passages"):
        read_reply("[1]", 2, labels=["1"])
    with pytest.raises(ContractViolation, match="labels must differ"):
        read_reply("[1]", 2, labels=["a", "A"])


WORDS = "Passage most relevant and word <think> </think> <answer> sorry top rank 0.5 1. 2) ..."
MARKS = "[ ] ( ) { } 1 2 20 [3] A b > , . : - ` ``` ** | ① ２ ² ＞"
PIECES = st.sampled_from([*WORDS.split(), *MARKS.split(), " ", " ", "\n", "\n- ", '"', "\ufe0f", "\x00", "\ud800"])


@settings(max_examples=300, deadline=None)
@given(
    text=st.one_of(st.text(), st.lists(PIECES, max_size=40).map("".join)),
    n=st.integers(0, 60),
    top=st.none() | st.integers(0, 60),
    truncated=st.booleans(),
    alphabetical=st.booleans(),
)
def test_any_text_becomes_a_permutation(text, n, top, truncated, alphabetical) -> None:
    reply = read_reply(text, n, labels=letters(n) if alphabetical else None, top=top, truncated=truncated)
    assert sorted(reply.order) == list(range(n))
    assert reply.order[: len(reply.named)] == reply.named
    assert list(reply.defects) == [defect for defect in Defect if defect in reply.defects]
    assert bool(reply.defects) == (reply.outcome is not OK)
    if reply.outcome not in (OK, REPAIRED):
        assert (reply.order, reply.named) == (tuple(range(n)), ())


@pytest.mark.parametrize(
    "piece",
    [
        "[1] > ",
        "[1] > [2] x ",
        "1",
        "[",
        "\n",
        "1. [4] ",
        "[3] is the best ",
        "passage ",
        "<think>",
        '{"a":[',
        '{"id": 1, "score": 2}',
        '{"id": 1, "score": 2}\n',
        '{"id": "[1]" ',
        "``",
        "1st: [2] ",
        "[2] is the best, then ",
    ],
)
def test_a_hundred_thousand_characters_are_read(piece: str) -> None:
    """Anything worse than linear would not come back from these."""
    text = (piece * 100_000)[:100_000]
    assert sorted(read_reply(text, 20).order) == list(range(20))


# What 7B and 13B models really answered, replayed window by window.


def field_rule(text: str, n: int) -> list[int]:
    """What the field does: every number is an identifier, the missing ones come behind in their old order."""
    numbers = [int(number) - 1 for number in re.findall(r"\d+", text)]
    return list(dict.fromkeys([*(number for number in numbers if 0 <= number < n), *range(n)]))


def replay(data_dir: Path, model: str, read: Callable[[str, int], list[int]]) -> float:
    """nDCG@10 after applying each answer to its slice of the current order."""
    ir_measures = pytest.importorskip("ir_measures")
    dl19 = data_dir / "trec-dl19"
    orders: dict[str, list[str]] = {}
    with gzip.open(dl19 / "candidates.jsonl.gz", "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            orders[row["qid"]] = [candidate["docid"] for candidate in row["candidates"]]
    with gzip.open(
        data_dir / "recorded-listwise" / f"{model}-dl19.responses.jsonl.gz", "rt", encoding="utf-8"
    ) as lines:
        for row in map(json.loads, lines):
            window = orders[row["qid"]][row["start"] : row["end"]]
            order = read(row["response"], len(window))
            orders[row["qid"]][row["start"] : row["end"]] = [window[position] for position in order]
    run = {qid: {docid: float(-rank) for rank, docid in enumerate(order)} for qid, order in orders.items()}
    qrels = list(ir_measures.read_trec_qrels(str(dl19 / "qrels.txt")))
    return round(ir_measures.calc_aggregate([ir_measures.nDCG @ 10], qrels, run)[ir_measures.nDCG @ 10], 4)


@pytest.mark.data
@pytest.mark.parametrize(
    ("model", "ours", "field"),
    [("rankvicuna", 0.6682, 0.6682), ("vicuna13b", 0.5058, 0.4517), ("vicuna7b", 0.5060, 0.5058)],
)
def test_recorded_answers(data_dir: Path, model: str, ours: float, field: float) -> None:
    """The first stage is at 0.5058: answers that rank nothing must not drag it down."""
    assert replay(data_dir, model, lambda text, n: list(read_reply(text, n).order)) == ours
    assert replay(data_dir, model, field_rule) == field


@pytest.mark.data
@pytest.mark.parametrize(
    ("model", "outcomes", "defects"),
    [
        ("rankvicuna", {OK: 387}, {}),
        ("vicuna13b", {UNREADABLE: 386, REPAIRED: 1}, {"prose": 386, "wrong-marks": 1}),
        (
            "vicuna7b",
            {OK: 17, REPAIRED: 367, UNREADABLE: 3},
            {"wrong-marks": 365, "missing": 19, "repeated": 3, "empty": 3},
        ),
    ],
)
def test_recorded_answers_are_classified(data_dir: Path, model: str, outcomes: dict, defects: dict) -> None:
    replies: list[Reply] = []
    path = data_dir / "recorded-listwise" / f"{model}-dl19.responses.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        replies = [read_reply(row["response"], row["end"] - row["start"]) for row in map(json.loads, lines)]
    assert Counter(reply.outcome for reply in replies) == outcomes
    assert Counter(defect for reply in replies for defect in reply.defects) == defects
