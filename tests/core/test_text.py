"""Surrogates in strings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankkit.core.text import without_surrogates


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("a flea \x00\x1b\u2028", "a flea \x00\x1b\u2028"),
        ("café \U0001f600", "café \U0001f600"),
        ("a\ud800b", "a\ufffdb"),
        ("\udfff", "\ufffd"),
        ("\udc80\udcff", "\ufffd\ufffd"),  # what surrogateescape makes of bytes that are not UTF-8
        ("\ud83d\ude00", "\U0001f600"),  # two halves of one character
        ("\ude00\ud83d", "\ufffd\ufffd"),
        ("\ud83d\ud83d\ude00", "\ufffd\U0001f600"),
    ],
)
def test_lone_surrogates_become_the_replacement_character(text, expected):
    assert without_surrogates(text) == expected


@given(st.text(st.characters() | st.sampled_from("\ud800\udbff\udc00\udfff")))
def test_what_comes_out_can_be_encoded_and_valid_text_is_left_alone(text):
    found = without_surrogates(text)
    found.encode("utf-8")
    if not any("\ud800" <= character <= "\udfff" for character in text):
        assert found is text
