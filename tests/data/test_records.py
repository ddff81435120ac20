"""One reader for whatever form a file of documents has."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import pytest

from rankkit.data.documents import read_documents
from rankkit.data.records import read_records
from rankkit.errors import DataError

ROWS = [{"id": "a", "text": 'said "no", twice'}, {"id": "b", "text": "two\nlines; fl\u00f6he", "title": "T"}]


def records(path: Path, form=None) -> list[object]:
    return [record for _, record in read_records(path, form)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.jsonl", "".join(json.dumps(row) + "\n" for row in ROWS)),
        ("a.ndjson", "".join(json.dumps(row) + "\n" for row in ROWS)),
        ("a.json", "".join(json.dumps(row) + "\n" for row in ROWS)),
        ("a.txt", "\n" + "".join(json.dumps(row) + "\n" for row in ROWS)),
        ("a.json", json.dumps(ROWS)),
        ("a.json", json.dumps(ROWS, indent=2)),
        ("a", json.dumps(ROWS, indent=2)),
        ("a.json.gz", json.dumps(ROWS, indent=2)),
    ],
)
def test_json_lines_and_arrays_are_told_apart(tmp_path: Path, name: str, text: str):
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    assert records(path) == ROWS


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_csv_with_a_header(tmp_path: Path, delimiter: str, bom: str):
    path = tmp_path / "a.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(bom)
        writer = csv.DictWriter(file, ["id", "Text", "title", "Price"], delimiter=delimiter)
        writer.writeheader()
        writer.writerows({"id": row["id"], "Text": row["text"], "title": row.get("title", "")} for row in ROWS)
        writer.writerow({"id": "c", "Text": "x" * 200_000, "Price": "3"})
    assert records(path) == [*ROWS, {"id": "c", "text": "x" * 200_000, "Price": "3"}]


def test_tsv_with_a_header(tmp_path: Path):
    path = tmp_path / "a.tsv"
    path.write_text('id\ttext\tscore\na\t"said ""no"""\t2.5\nb\t"no" he said\t\n')
    assert records(path) == [{"id": "a", "text": 'said "no"', "score": 2.5}, {"id": "b", "text": '"no" he said'}]


@pytest.mark.parametrize(
    ("line", "record"),
    [
        ('7\t"quoted" text', {"id": "7", "text": '"quoted" text'}),
        ("7\tcontent", {"id": "7", "text": "content"}),
        ("q1\thow long\tfleas live", {"qid": "q1", "query": "how long", "text": "fleas live"}),
        ("q1\t7\thow long\tfleas live", {"qid": "q1", "id": "7", "query": "how long", "text": "fleas live"}),
        ("D7\thttps://x.org\tT\tbody", {"id": "D7", "url": "https://x.org", "title": "T", "text": "body"}),
    ],
)
def test_tsv_without_a_header_has_the_columns_of_msmarco(tmp_path: Path, line: str, record: dict):
    path = tmp_path / "a.tsv"
    path.write_text(line + "\n" + line + "\n")
    assert records(path) == [record, record]


def test_a_format_that_is_named_overrides_the_guess(tmp_path: Path):
    path = tmp_path / "a.jsonl"
    path.write_text("{not json\n[1] a list\n")
    assert records(path, "text") == ["{not json", "[1] a list"]
    path.write_text("id,text\na,x\n")
    assert records(path, "csv") == [{"id": "a", "text": "x"}]


def test_lines_of_text_may_begin_with_brackets(tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_text("[1] a reference\n[Music] a song\n")
    assert records(path) == ["[1] a reference", "[Music] a song"]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.csv", "id,name\na,b\n", r"a\.csv:1: no column of texts in the header: id, name"),
        ("a.csv", "id,text\na,b\nc\n", r"a\.csv:3: 1 columns instead of 2"),
        ("a.csv", 'id,text\na,"b"c\n', r"a\.csv:2: not valid CSV"),
        ("a.csv", 'id,text\na,"b\n\n', r"a\.csv:\d: not valid CSV \(unexpected end"),
        ("a.csv", "id,text,score\na,b,high\n", r"a\.csv:2: the score 'high' is not a number"),
        ("a.tsv", "a\tb\tc\td\te\n", r"a\.tsv:1: 5 columns without a header"),
        ("a.tsv", "a\tb\nc\n", r"a\.tsv:2: 1 columns instead of 2"),
        ("a.json", '[{"text": "x"},\n{"text": 3,}]', r"a\.json: not valid JSON, line 2, column 12"),
        ("a.json", "[1, 2]", r"a\.json, item 1: a JSON int, not an object"),
        ("a.json", "[" * 100_000, r"a\.json: not valid JSON"),
        ("a.jsonl", '{"text": "x"}\n["y"]\n', r"a\.jsonl:2: a JSON list, not an object"),
        ("a.txt", '{"text": "x"}\n{"text": "y\n', r"a\.txt:2: not valid JSON"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(tmp_path: Path, name: str, text: str, words: str):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(DataError, match=words):
        records(path)


def test_documents_of_several_files_come_in_order_and_numbers_that_json_lacks_are_read(tmp_path: Path):
    (tmp_path / "a.jsonl").write_text('{"text": "x", "price": NaN}\n')
    (tmp_path / "b.txt").write_text("one\n\ntwo\n")
    first, *others = read_documents([str(tmp_path / "a.jsonl"), str(tmp_path / "b.txt")])
    assert first["text"] == "x" and first["price"] != first["price"] and others == ["one", "two"]  # type: ignore[index]
