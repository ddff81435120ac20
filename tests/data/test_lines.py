from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import re
from pathlib import Path

import pytest

from rankkit.data.lines import located, read_json_lines, read_lines, whole_id
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


@pytest.mark.parametrize("pack", [bz2.compress, lzma.compress, gzip.compress])
def test_every_usual_compression(tmp_path: Path, pack):
    path = tmp_path / "a.txt"
    path.write_bytes(pack("\ufeffone\ntwo\n".encode()))
    assert [text for _, text in read_lines(path)] == ["one", "two"]
    path.write_bytes(pack(b"one\ntwo\n" * 1000)[:-20])
    with pytest.raises(DataError, match=r"a\.txt: (the \w+ file is broken|cannot be read)"):
        list(read_lines(path))


def test_zstandard_is_named(tmp_path: Path):
    path = tmp_path / "a.txt.zst"
    path.write_bytes(b"\x28\xb5\x2f\xfd\x04\x00")
    with pytest.raises(DataError, match=r"compressed with Zstandard\n.*zstd -d"):
        list(read_lines(path))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_in_one_of_three_ways_and_no_other(tmp_path: Path, end: str):
    odd = ["form\x0cfeed", "vertical\x0btab", "next\x85line", "sep\u2028arator", "para\u2029graph", "file\x1csep"]
    path = tmp_path / "a.txt"
    path.write_bytes(end.join(odd).encode())
    assert [text for _, text in read_lines(path)] == odd
    rows = [json.dumps({"text": text}, ensure_ascii=False).replace("\\u0085", "\x85") for text in odd]
    path.write_bytes(end.join(rows).encode())
    assert [fields["text"] for _, fields in read_json_lines(path)] == odd


def test_the_byte_that_is_not_utf8_is_named(tmp_path: Path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "fine"}\n{"text": "fl\xc3\xb6he, caf\xe9"}\n')
    with pytest.raises(DataError, match=r"a\.jsonl:2: not UTF-8 text \(byte 0xe9 at byte 22 of the line\)"):
        list(read_json_lines(path))
    path.write_bytes(b"cut \xe2\x82")
    with pytest.raises(DataError, match=r":1: not UTF-8 text \(byte 0xe2 at byte 5"):
        list(read_lines(path))
    path.write_bytes("one\n".encode("utf-16"))
    with pytest.raises(DataError, match="UTF-16 by its first bytes"):
        list(read_lines(path))


def test_standard_input_is_read_in_the_same_way(monkeypatch):
    content = gzip.compress("\ufeffone\r\ntwo\u2028still\n".encode())
    stdin = io.TextIOWrapper(io.BytesIO(content), encoding="ascii")
    monkeypatch.setattr("sys.stdin", stdin)
    assert list(read_lines("-")) == [("standard input:1", "one"), ("standard input:2", "two\u2028still")]
    assert not stdin.closed
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"caf\xe9")))
    with pytest.raises(DataError, match="standard input:1: not UTF-8"):
        list(read_lines("-"))
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(DataError, match="standard input is closed"):
        list(read_lines("-"))


def test_an_id_with_half_a_character_is_refused():
    assert whole_id("d\u00e9", "the document id") == "d\u00e9"
    with pytest.raises(DataError, match=r"the document id 'b\\udc00' holds a lone surrogate"):
        whole_id("b\udc00", "the document id")
