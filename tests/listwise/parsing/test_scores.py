"""Scores beside identifiers are no identifiers, whatever they are written with."""

from __future__ import annotations

import pytest

from rankkit.core.questions import Outcome
from rankkit.listwise.parsing.reply import read_reply

UNREADABLE = [
    "1: 2\n2: 9\n3: 5",
    "Passage 1: 2/10\nPassage 2: 9/10\nPassage 3: 5/10",
    "[1] - 3\n[2] - 9\n[3] - 5",
    "1,5\n2,9\n3,1",
    "Scores: [1]=2 [2]=9 [3]=5",
    "[1]: 2; [2]: 2; [3]: 1",
    '[{"id":1,"s":0.1},{"id":2,"s":0.9},{"id":3,"s":0.5}]',
    '[{"id":1,"analysis":{"score":2}},{"id":2,"analysis":{"score":9}},{"id":3,"analysis":{"score":5}}]',
    '{"worst":[1,2,3]}',
    '{"least_to_most":[1,2,3]}',
]
READ = {
    '[{"id":1,"value":0.1},{"id":2,"value":0.9},{"id":3,"value":0.5}]': (1, 2, 0),
    '{"ids":[1,2,3],"values":[0.1,0.9,0.5]}': (1, 2, 0),
    '{"ids":["1","2","3"],"points":[1,9,5]}': (1, 2, 0),
    '{"input":[1,2,3],"ranking":[3,1,2]}': (2, 0, 1),
    '{"excluded":[1,2],"ranking":[3]}': (2,),
    "1: 3\n2: 1\n3: 2": (2, 0, 1),
    "1. [3]\n2. [1]\n3. [2]": (2, 0, 1),
}


@pytest.mark.parametrize("text", UNREADABLE)
def test_without_an_order_nothing_is_read(text):
    reply = read_reply(text, 3)
    assert reply.outcome is Outcome.UNREADABLE and reply.named == ()


@pytest.mark.parametrize(("text", "named"), READ.items())
def test_an_order_is_read(text, named):
    assert read_reply(text, 3).named == named
