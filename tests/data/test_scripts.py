from __future__ import annotations

import pytest

from rankkit.core.text import in_other_script
from rankkit.data.duplicates import Repeats, digest, pairs
from rankkit.data.scripts import NO_LETTERS, script_of


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("how long do fleas live", "Latin"),
        ("Flöhe über Hà Nội", "Latin"),
        ("跳蚤能活多久", "Han"),
        ("ノミの寿命は", "Kana"),
        ("蚤の寿命", "Kana"),
        ("сколько живут блохи", "Cyrillic"),
        ("كم تعيش البراغيث", "Arabic"),
        ("पिस्सू कितने समय", "Devanagari"),
        ("벼룩은 얼마나 사나", "Hangul"),
        ("πόσο ζουν οι ψύλλοι", "Greek"),
        ("หมัดอยู่ได้นานแค่ไหน", "Thai"),
        ("BM25 是一个 ranking function of words", "Latin"),
        ("跳蚤 flea 能活多久呢", "Han"),
        ("1990 — 2000", NO_LETTERS),
        ("", NO_LETTERS),
    ],
)
def test_the_script_of_most_letters(text: str, script: str):
    assert script_of(text) == script
    assert in_other_script(text) == (script not in ("Latin", NO_LETTERS))


def test_texts_are_the_same_whatever_their_white_space():
    assert digest("two  words\n") == digest(" two words")
    assert digest("two words") != digest("twowords")
    assert digest("half \ud83d") != digest("half \ufffd")


def test_repetitions_are_counted_and_named():
    rows = [("a", "one"), ("b", "two"), ("c", "one"), ("d", "three"), ("e", "one ")]
    repeats = Repeats()
    assert (repeats.repeated(), repeats.more) == (frozenset(), 0)
    for _, text in rows:
        repeats.add(text)
    assert repeats.repeated() == {digest("one")}
    assert repeats.more == 2
    assert pairs(rows, repeats.repeated(), 9) == [("c", "a"), ("e", "a")]
    assert pairs(rows, repeats.repeated(), 1) == [("c", "a")]
