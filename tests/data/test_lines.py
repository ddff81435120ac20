from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from rankkit.data.lines import located, read_json_lines, read_lines
from rankkit.errors import DataError, DuplicateIds


def test_lines_come_with_their_place_and_blank_ones_are_passed_over(tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbfone\r\n\n  \ntwo \n")
    assert list(read_lines(path)) == [(f"{path}:1", "one"), (f"{path}:4", "two ")]


def test_a_unicode_line_separator_inside_a_text_does_not_end_the_line(tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_text("one\u2028still one\ntwo\n", encoding="utf-8")
    assert [text for _, text in read_lines(path)] == ["one\u2028still one", "two"]


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz"])
def test_compression_is_read_from_the_bytes_not_from_the_name(tmp_path: Path, name: str):
    path = tmp_path / name
    path.write_bytes(gzip.compress(b"one\ntwo\n"))
    assert [text for _, text in read_lines(path)] == ["one", "two"]


def test_an_empty_file_has_no_lines(tmp_path: Path):
    path = tmp_path / "a.txt"
    path.touch()
    assert list(read_lines(path)) == []


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(DataError, match=r"nowhere\.txt: there is no such file"):
        list(read_lines(tmp_path / "nowhere.txt"))


def test_a_folder_is_no_file(tmp_path: Path):
    with pytest.raises(DataError, match="cannot be read"):
        list(read_lines(tmp_path))


def test_a_gzip_file_that_was_cut_off(tmp_path: Path):
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b"one\ntwo\n")[:-9])
    with pytest.raises(DataError, match=r"a\.gz: the gzip file is broken after line \d") as caught:
        list(read_lines(path))
    assert "get it again" in caught.value.hint


def test_a_gzip_file_with_a_wrong_byte(tmp_path: Path):
    path = tmp_path / "a.gz"
    content = bytearray(gzip.compress(b"one\ntwo\n" * 100))
    content[-6] ^= 0xFF  # in the checksum
    path.write_bytes(bytes(content))
    with pytest.raises(DataError, match="the gzip file is broken after line 200"):
        list(read_lines(path))


def test_gzip_with_broken_contents(tmp_path: Path):
    path = tmp_path / "a.gz"
    content = gzip.compress(b"one\ntwo\n")
    path.write_bytes(content[:10] + b"\xff\xff\xff\xff" + content[14:])
    with pytest.raises(DataError, match="the gzip file is broken after line 0"):
        list(read_lines(path))


def test_text_that_is_not_utf8(tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_bytes("fine\ncaf\u00e9\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"a\.txt:2: not UTF-8"):
        list(read_lines(path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1}\n{"a": 2, "b": "wor', r"a\.jsonl:2: not valid JSON, column 15: .*the line breaks off"),
        ('{"a": 1}\n{"a": 2,', r"a\.jsonl:2: not valid JSON, column \d+: .*the line breaks off"),
        ('{"a": 1}\n{"a" 2}\n', r"a\.jsonl:2: not valid JSON, column 6: Expecting ':' delimiter$"),
        ('{"a": 1}\n[1, 2]\n', r"a\.jsonl:2: a JSON list, not an object"),
        ('{"a": NaN}\n', r"a\.jsonl:1: not valid JSON: NaN is not a JSON number"),
        ("[" * 100_000 + "\n", r"a\.jsonl:1: not valid JSON"),
    ],
)
def test_a_line_that_is_no_json_object(tmp_path: Path, text: str, message: str):
    path = tmp_path / "a.jsonl"
    path.write_text(text)
    with pytest.raises(DataError) as caught:
        list(read_json_lines(path))
    assert re.search(message, caught.value.message)
    assert caught.value.hint


def test_located_puts_the_place_in_front_and_keeps_type_and_hint():
    with pytest.raises(DuplicateIds) as caught, located("file:3"):
        raise DuplicateIds("a is there twice", hint="Keep one.")
    assert str(caught.value) == "file:3: a is there twice\n  Keep one."
