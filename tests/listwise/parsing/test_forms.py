"""More forms of a ranking of three passages, labelled with the order that each gives, or that it gives none."""

from __future__ import annotations

import pytest

from rankkit.core.questions import Outcome
from rankkit.listwise.parsing.reply import Defect, read_reply

READ = {
    '{"3": 0.9, "1": 0.2, "2": 0.5}': (2, 1, 0),
    '{"[1]": 0.2, "[2]": 0.9, "[3]": 0.5}': (1, 2, 0),
    '{"doc1": 0.2, "doc2": 0.9, "doc3": 0.5}': (1, 2, 0),
    '{"passage_1": 0.2, "passage_2": 0.9, "passage_3": 0.5}': (1, 2, 0),
    '{"P1": 2, "P2": 9, "P3": 5}': (1, 2, 0),
    '{"1": "0.2", "2": "0.9", "3": "0.5"}': (1, 2, 0),
    '{"1": "20%", "2": "90%", "3": "50%"}': (1, 2, 0),
    '{"1": "2/10", "2": "9/10", "3": "5/10"}': (1, 2, 0),
    '{"1": {"score": 0.2}, "2": {"score": 0.9}, "3": {"score": 0.5}}': (1, 2, 0),
    '{"1": {"rank": 3}, "2": {"rank": 1}, "3": {"rank": 2}}': (1, 2, 0),
    '[{"id":1,"score":"0.2"},{"id":2,"score":"0.9"},{"id":3,"score":"0.5"}]': (1, 2, 0),
    '[{"id":1,"score":"20%"},{"id":2,"score":"90%"},{"id":3,"score":"50%"}]': (1, 2, 0),
    '[{"id":1,"score":"2/10"},{"id":2,"score":"9/10"},{"id":3,"score":"5/10"}]': (1, 2, 0),
    '[{"id":1,"score":0.5},{"id":2,"score":0.9},{"id":3,"score":0.5}]': (1, 0, 2),
    '[{"id":1,"score":0.5},{"id":2,"score":0.5},{"id":3,"score":0.5}]': (0, 1, 2),
    '[{"passage":"[2]","rank":1},{"passage":"[3]","rank":2},{"passage":"[1]","rank":3}]': (1, 2, 0),
    '[{"rank":"1st","id":2},{"rank":"2nd","id":3},{"rank":"3rd","id":1}]': (1, 2, 0),
    '[{"document_id":1,"score":1},{"document_id":2,"score":9},{"document_id":3,"score":5}]': (1, 2, 0),
    '[{"docid":"1","score":1},{"docid":"2","score":9},{"docid":"3","score":5}]': (1, 2, 0),
    '[{"passage":1,"score":1},{"passage":2,"score":9},{"passage":3,"score":5}]': (1, 2, 0),
    '[{"index":1,"score":1},{"index":2,"score":9},{"index":3,"score":5}]': (1, 2, 0),
    '[{"identifier":"[1]","score":1},{"identifier":"[2]","score":9},{"identifier":"[3]","score":5}]': (1, 2, 0),
    '[{"label":1,"score":1},{"label":2,"score":9},{"label":3,"score":5}]': (1, 2, 0),
    '[{"Passage ID":1,"Relevance Score":1},'
    '{"Passage ID":2,"Relevance Score":9},{"Passage ID":3,"Relevance Score":5}]': (
        1,
        2,
        0,
    ),
    '[{"passageId":1,"relevanceScore":1},{"passageId":2,"relevanceScore":9},{"passageId":3,"relevanceScore":5}]': (
        1,
        2,
        0,
    ),
    '[{"document":"Document 1","score":1},{"document":"Document 2","score":9},{"document":"Document 3","score":5}]': (
        1,
        2,
        0,
    ),
    '[{"id":"doc_1","score":1},{"id":"doc_2","score":9},{"id":"doc_3","score":5}]': (1, 2, 0),
    '[{"id":"passage-1","score":1},{"id":"passage-2","score":9},{"id":"passage-3","score":5}]': (1, 2, 0),
    '[{"id":"abc","document_id":1,"score":1},'
    '{"id":"def","document_id":2,"score":9},{"id":"x","document_id":3,"score":5}]': (
        1,
        2,
        0,
    ),
    "[[1,0.2],[2,0.9],[3,0.5]]": (1, 2, 0),
    '[["[1]",0.2],["[2]",0.9],["[3]",0.5]]': (1, 2, 0),
    '{"results":[[1,0.2],[2,0.9],[3,0.5]]}': (1, 2, 0),
    "[2,0,1]": (2, 0, 1),
    "[0,1,2]": (0, 1, 2),
    '{"ranking":[1,0,2]}': (1, 0, 2),
    '{"0":0.2,"1":0.9,"2":0.5}': (1, 2, 0),
    "[0] > [2] > [1]": (0, 2, 1),
    "2 > 0 > 1": (2, 0, 1),
    '```json\n{"ranking":[3,1,2]}\n```': (2, 0, 1),
    'Here is it:\n```json\n{"ranking":[3,1,2]}\n```\nHope it helps [1].': (2, 0, 1),
    'The ranking is {"ranking":[3,1,2]} as asked.': (2, 0, 1),
    '{"ranking":[3,1,2],}': (2, 0, 1),
    "[3,1,2,]": (2, 0, 1),
    '["[3]","[1]","[2]",]': (2, 0, 1),
    "{'ranking': [3, 1, 2]}": (2, 0, 1),
    "[2] ＞ [1] ＞ [3]": (1, 0, 2),
    "[2] ≻ [1] ≻ [3]": (1, 0, 2),
    "[2] › [1] › [3]": (1, 0, 2),
    "[2] ≫ [1] ≫ [3]": (1, 0, 2),
    "[2] >> [1] >> [3]": (1, 0, 2),
    "[2] \\succ [1] \\succ [3]": (1, 0, 2),
    "$[2] > [1] > [3]$": (1, 0, 2),
    "\\boxed{[2] > [1] > [3]}": (1, 0, 2),
    "[2] &gt; [1] &gt; [3]": (1, 0, 2),
    "[2] ▶ [1] ▶ [3]": (1, 0, 2),
    "[2] -> [1] -> [3]": (1, 0, 2),
    "1. [3]\n2. [1]\n3. [2]": (2, 0, 1),
    "1) 3\n2) 1\n3) 2": (2, 0, 1),
    "3, 1, 2": (2, 0, 1),
    "3 1 2": (2, 0, 1),
    "3\n1\n2": (2, 0, 1),
    "1: 3\n2: 1\n3: 2": (2, 0, 1),
    "1. Passage 3 - good\n2. Passage 1 - ok\n3. Passage 2 - off": (2, 0, 1),
    "#1: [3]\n#2: [1]\n#3: [2]": (2, 0, 1),
    "Rank 1: [3]\nRank 2: [1]\nRank 3: [2]": (2, 0, 1),
    "| Rank | Passage |\n|---|---|\n| 1 | [3] |\n| 2 | [1] |\n| 3 | [2] |": (2, 0, 1),
    "| Rank | Passage |\n|---|---|\n| 1 | 3 |\n| 2 | 1 |\n| 3 | 2 |": (2, 0, 1),
    "| Passage | Rank |\n|---|---|\n| 1 | 2 |\n| 2 | 3 |\n| 3 | 1 |": (2, 0, 1),
    "| Passage | Score |\n|---|---|\n| 1 | 0.2 |\n| 2 | 0.9 |\n| 3 | 0.5 |": (1, 2, 0),
    "| Passage | Score |\n|---|---|\n| [1] | 2 |\n| [2] | 9 |\n| [3] | 5 |": (1, 2, 0),
    "| Passage | Score |\n|---|---|\n| [1] | 2 |\n| [2] | 3 |\n| [3] | 1 |": (1, 0, 2),
    "| Rank | Passage | Score |\n|---|---|---|\n| 1 | [3] | 9 |\n| 2 | [1] | 5 |\n| 3 | [2] | 1 |": (2, 0, 1),
    "| Rank | Passage ID | Reason |\n|:--|:-:|--:|\n| 1 | 3 | names 2 fleas |\n"
    "| 2 | 1 | 100 days |\n| 3 | 2 | none |": (
        2,
        0,
        1,
    ),
    "| 3 | 1 | 2 |": (2, 0, 1),
    "[2] (0.9) > [3] (0.5) > [1] (0.2)": (1, 2, 0),
    "[2]: 0.9\n[3]: 0.5\n[1]: 0.2": (1, 2, 0),
    '{"ranking":[{"id":"[3]"},{"id":"[1]"},{"id":"[2]"}]}': (2, 0, 1),
    '{"first":3,"second":1,"third":2}': (2, 0, 1),
    '{"rank1":"[3]","rank2":"[1]","rank3":"[2]"}': (2, 0, 1),
    '{"rank_1": 3, "rank_2": 1, "rank_3": 2}': (2, 0, 1),
    '{"1st":"[3]","2nd":"[1]","3rd":"[2]"}': (2, 0, 1),
    '[{"id":1,"score":0.2,"rank":3},{"id":2,"score":0.9,"rank":1},{"id":3,"score":0.5,"rank":2}]': (1, 2, 0),
    '{"scores":[{"passage":1,"value":0.2},{"passage":2,"value":0.9},{"passage":3,"value":0.5}]}': (1, 2, 0),
    '{"ranking":"3 > 1 > 2"}': (2, 0, 1),
    '{"answer":"[3] > [1] > [2]"}': (2, 0, 1),
    '[{"id":1,"relevance_rank":3},{"id":2,"relevance_rank":1},{"id":3,"relevance_rank":2}]': (1, 2, 0),
    '[{"id":1,"final_rank":3},{"id":2,"final_rank":1},{"id":3,"final_rank":2}]': (1, 2, 0),
    '[{"id":1,"order":3},{"id":2,"order":1},{"id":3,"order":2}]': (1, 2, 0),
    '[{"id":1,"rank_score":0.3},{"id":2,"rank_score":0.9},{"id":3,"rank_score":0.2}]': (1, 0, 2),
    '{"id": 1, "score": 0.2}, {"id": 2, "score": 0.9}, {"id": 3, "score": 0.5}': (1, 2, 0),
    "[2] (score: 9)\n[3] (score: 5)\n[1] (score: 2)": (1, 2, 0),
    "1. Passage 2 (9)\n2. Passage 3 (5)\n3. Passage 1 (2)": (1, 2, 0),
    "Passage 2 > Passage 3 > Passage 1": (1, 2, 0),
    "[1] 9\n[3] 5\n[2] 2": (0, 2, 1),
    "| Id | Score |\n|-|-|\n| 1 | 0.2 |\n| 2 | 0.9 |\n| 3 | 0.5 |": (1, 2, 0),
    "Passage | Score\n---|---\n1 | 0.2\n2 | 0.9\n3 | 0.5": (1, 2, 0),
    "| # | Passage | Score |\n|--|--|--|\n| 1 | [2] | 9 |\n| 2 | [3] | 5 |\n| 3 | [1] | 1 |": (1, 2, 0),
    "| Passage | Score (0-10) |\n|--|--|\n| Passage 1 | 2/10 |\n| Passage 2 | 9/10 |\n| Passage 3 | 5/10 |": (1, 2, 0),
    "| Rank | Passage |\n|--|--|\n| 1 | [3] Fleas |\n| 2 | [1] Dogs |\n| 3 | [2] Cats |": (2, 0, 1),
    "Here:\n\n| Passage | Rank |\n|--|--|\n| [1] | 2 |\n| [2] | 3 |\n| [3] | 1 |\n\nSo [3] is best.": (2, 0, 1),
    "| Passage | Position |\n|--|--|\n| [1] | 2nd |\n| [2] | 3rd |\n| [3] | 1st |": (2, 0, 1),
}
UNREADABLE = [
    '{"1":0.5,"2":0.5,"3":0.5}',
    '[{"id":1,"score":NaN},{"id":2,"score":0.9},{"id":3,"score":0.1}]',
    '[{"id":1,"score":null},{"id":2,"score":0.9},{"id":3,"score":0.1}]',
    '[{"id":1,"score":Infinity},{"id":2,"score":0.9},{"id":3,"score":0.1}]',
    '{"1":NaN,"2":1,"3":2}',
    '[{"id":1,"rank":1},{"id":2,"rank":1},{"id":3,"rank":1}]',
    '[{"ref":1,"score":1},{"ref":2,"score":9},{"ref":3,"score":5}]',
    '[{"key":1,"score":1},{"key":2,"score":9},{"key":3,"score":5}]',
    "[[1,3],[2,1],[3,2]]",
    '[{"id":1,"score":0.2},{"id":2,"score":0.9},{"id":3,"score":0.5},]',
    "[{'id': 1, 'score': 0.2}, {'id': 2, 'score': 0.9}, {'id': 3, 'score': 0.5}]",
    '{"1":0.2,"2":0.9,"3":0.5,}',
    "{1: 0.2, 2: 0.9, 3: 0.5}",
    "{'1': 0.2, '2': 0.9, '3': 0.5}",
    "[2] ⟩ [1] ⟩ [3]",
    "[1] < [2] < [3]",
    "[3] < [1] < [2]",
    "[1] ≺ [2] ≺ [3]",
    "| Passage | Relevance |\n|---|---|\n| [1] | low |\n| [2] | high |\n| [3] | medium |",
    "Passage 1: 0.2\nPassage 2: 0.9\nPassage 3: 0.5",
    "[1]: 0.2\n[2]: 0.9\n[3]: 0.5",
    "[1] (score: 2)\n[2] (score: 9)\n[3] (score: 5)",
    "[1] 2\n[2] 9\n[3] 5",
    "Passage 1 - relevance 2\nPassage 2 - relevance 9\nPassage 3 - relevance 5",
    "[1] is relevant\n[2] is relevant\n[3] is not",
    '{"1":3,"2":1,"3":2}',
    '[{"id":1,"relevant":true},{"id":2,"relevant":false},{"id":3,"relevant":true}]',
    '[{"id":1,"score":0.9,"rank":3},{"id":2,"score":0.2,"rank":1},{"id":3,"score":0.5,"rank":2}]',
    '[{"id":1,"distance":0.2},{"id":2,"distance":0.9},{"id":3,"distance":0.5}]',
    '[{"id":1,"irrelevance":0.2},{"id":2,"irrelevance":0.9},{"id":3,"irrelevance":0.5}]',
    "Passage 1: 3\nPassage 2: 1\nPassage 3: 2",
    "[1]: 3\n[2]: 1\n[3]: 2",
    "Scores:\nPassage 1: 2/10\nPassage 2: 9/10\nPassage 3: 5/10",
    "Here are my scores:\n\n1: 2\n2: 9\n3: 5",
    "Here are the scores:\n[1]: 2\n[2]: 9\n[3]: 5\n",
    "[1] score 2, [2] score 9, [3] score 5",
    "[1]=2, [2]=9, [3]=5",
    "[1] (2), [2] (9), [3] (5)",
    "[1] (0.2) [2] (0.9) [3] (0.5)",
    "[1] (0.2), [2] (0.9), [3] (0.5)",
    "[1] 0.2\n[2] 0.9\n[3] 0.5",
    "- [1]: 20%\n- [2]: 90%\n- [3]: 50%",
    "- Passage 1: relevance 2\n- Passage 2: relevance 9\n- Passage 3: relevance 5",
    "1. Passage 1 (score 2)\n2. Passage 2 (score 9)\n3. Passage 3 (score 5)",
    "Passage 1: low\nPassage 2: high\nPassage 3: medium",
    "[1]: not relevant\n[2]: highly relevant\n[3]: relevant",
    "A: 3",
    "[1]: 9\n[2]: 5\n[3]: 2",
    "| | Relevance |\n|--|--|\n| 1 | 2 |\n| 2 | 9 |\n| 3 | 5 |",
    "| Passage | Mentions |\n|--|--|\n| [1] | 2 |\n| [2] | 9 |\n| [3] | 5 |",
]


@pytest.mark.parametrize(("text", "named"), READ.items())
def test_an_order_is_read(text: str, named: tuple[int, ...]) -> None:
    assert read_reply(text, 3).named == named


@pytest.mark.parametrize("text", UNREADABLE)
def test_what_gives_no_order_teaches_nothing(text: str) -> None:
    reply = read_reply(text, 3)
    assert reply.outcome is Outcome.UNREADABLE and reply.named == () and reply.order == (0, 1, 2)


@pytest.mark.parametrize("text", ["[2, 0, 1]", "[2] > [0] > [1]", '{"ranking": [2, 0, 1]}', "2, 0, 1"])
def test_a_permutation_from_zero_is_read_so(text: str) -> None:
    reply = read_reply(text, 3)
    assert reply.named == (2, 0, 1) and Defect.FROM_ZERO in reply.defects


@pytest.mark.parametrize("text", ["0, 3, 1, 2", "[2, 0]", "[0] > [3]"])
def test_anything_else_with_a_zero_is_not(text: str) -> None:
    assert Defect.FROM_ZERO not in read_reply(text, 3).defects


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece",
    [
        *("| 1 | 2 |\n", "|", "|-", "| a | b |\n|-|-|\n", '{"id":1,"score":2},', '{"a":', "[[1,2],"),
        *('{"1":{"rank":1}},', "[1] (score: ", "Passage 1: relevance of ", "\\succ ", "1 / ", "1. [1] (score 2)\n"),
    ],
)
def test_long_answers_are_read_in_linear_time(piece: str) -> None:
    """Anything worse than linear would not come back from these."""
    read_reply((piece * 200_000)[:200_000], 3)
    read_reply(f"[{(piece * 200_000)[:200_000]}]", 3)
