from __future__ import annotations

import pytest

from rankkit.core.ranking import Candidate
from rankkit.data.text_files import TextFolder
from rankkit.errors import DataError


def test_every_text_file_below_the_folder_is_a_document(tmp_path):
    for name, text in {
        "b.txt": "\ufeffbee",
        "a.md": "# A",
        "deep/er/c.TXT": "sea",
        "empty.txt": " \n",
        "picture.png": "x",
        ".hidden.txt": "x",
        ".git/notes.md": "x",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    folder = TextFolder(tmp_path)
    assert list(folder) == [Candidate("a.md", "# A"), Candidate("b.txt", "bee"), Candidate("deep/er/c.TXT", "sea")]
    assert list(folder) == list(folder)


def test_a_hidden_folder_above_hides_nothing(tmp_path):
    inside = tmp_path / ".cache" / "notes"
    inside.mkdir(parents=True)
    (inside / "a.txt").write_text("bee")
    assert [document.id for document in TextFolder(inside)] == ["a.txt"]


def test_what_cannot_be_read_says_why(tmp_path):
    with pytest.raises(DataError, match="there is no such folder"):
        list(TextFolder(tmp_path / "nowhere"))
    with pytest.raises(DataError, match=r"there is no \.txt or \.md file"):
        list(TextFolder(tmp_path))
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    with pytest.raises(DataError, match=r"latin\.txt: not UTF-8 text .* at byte 3"):
        list(TextFolder(tmp_path))
