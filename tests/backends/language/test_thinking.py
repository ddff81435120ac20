"""Thinking is parted from the answer; what only mentions thinking is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankkit.backends.language.thinking import MARKS, Thought, split_thinking


@pytest.mark.parametrize(
    ("text", "thought"),
    [
        ("[2] > [1]", Thought("", "[2] > [1]")),
        (" [2] > [1]\n", Thought("", " [2] > [1]\n")),
        ("<think>\nHm.\n</think>\n\n[2] > [1]", Thought("Hm.", "[2] > [1]")),
        ("<think></think>Yes", Thought("", "Yes")),
        ("<think>One.</think><think>Two.</think>Yes", Thought("One.\nTwo.", "Yes")),
        ("[THINK]Hm.[/THINK]Yes", Thought("Hm.", "Yes")),
        ("Hm.\n</think>\nYes", Thought("Hm.", "Yes")),
        ("<think>Hm, is it", Thought("Hm, is it", "", closed=False)),
        ("<think>", Thought("", "", closed=False)),
        ("The tag <think> opens and </think> closes.", Thought("", "The tag <think> opens and </think> closes.")),
        ("<think>Hm.</think>It says </think> here", Thought("Hm.", "It says </think> here")),
        ("", Thought("", "")),
    ],
)
def test_replies(text: str, thought: Thought):
    assert split_thinking(text) == thought


@given(text=st.text())
def test_a_reply_without_marks_is_left_as_it_is(text: str):
    if not any(mark in text for pair in MARKS for mark in pair):
        assert split_thinking(text) == Thought("", text)


@given(thinking=st.text(alphabet="ab \n"), answer=st.text(alphabet="ab \n"), marks=st.sampled_from(MARKS))
def test_both_parts_come_back(thinking: str, answer: str, marks: tuple[str, str]):
    parted = split_thinking(f"{marks[0]}{thinking}{marks[1]}{answer}")
    assert (parted.thinking, parted.answer) == (thinking.strip(), answer.strip())
