"""How the formats of the field write a data set: which files there are, and what a line of each looks like.

Whatever a format cannot hold is counted in ``Losses``, in words, and never left out in silence.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from rankkit.core.ranking import Candidate, Request
from rankkit.core.text import without_surrogates
from rankkit.data.lines import whole_id
from rankkit.data.records import columns_of, is_header
from rankkit.errors import ConfigError, DataError, nearest

#: What a format has no place for, and how often.
Losses: TypeAlias = Counter[str]

QrelsFormat: TypeAlias = Literal["trec", "beir", "msmarco"]
CandidateFormat: TypeAlias = Literal["rankkit", "rankllm", "top1000", "run"]

_BREAKS = re.compile(r"\r\n|[\t\r\n]")
_BOM = "\ufeff"
_OTHER_FORMAT = "Convert to rankkit or beir, or give it an id without such characters."


@dataclass(frozen=True, slots=True)
class Layout:
    """Names of files, with ``{split}`` where a format has splits. ``fills_corpus``: texts of candidates stand in the
    corpus alone.
    """

    name: str
    queries: str
    qrels: str
    qrels_format: QrelsFormat
    candidates: str
    candidate_format: CandidateFormat
    corpus: str
    fills_corpus: bool = False


_ROWS = (
    Layout("rankkit", "queries.tsv", "qrels.txt", "trec", "candidates.jsonl", "rankkit", "corpus.jsonl"),
    Layout("rankllm", "queries.tsv", "qrels.txt", "trec", "candidates.jsonl", "rankllm", "corpus.jsonl"),
    Layout("beir", "queries.jsonl", "qrels/{split}.tsv", "beir", "run.trec", "run", "corpus.jsonl", fills_corpus=True),
    Layout("trec", "queries.tsv", "qrels.txt", "trec", "run.trec", "run", "corpus.jsonl", fills_corpus=True),
    Layout(
        "msmarco",
        "queries.{split}.tsv",
        "qrels.{split}.tsv",
        "msmarco",
        "top1000.{split}.tsv",
        "top1000",
        "collection.tsv",
    ),
)
LAYOUTS: Mapping[str, Layout] = {row.name: row for row in _ROWS}


def layout_of(name: str) -> Layout:
    """The layout of a format.

    Raises:
        ConfigError: there is no such format.
    """
    if name not in LAYOUTS:
        raise ConfigError(f"there is no format {name!r} to convert to", hint=nearest(name, LAYOUTS))
    return LAYOUTS[name]


def query_line(file: str, name: str, text: str, losses: Losses) -> str:
    """A line of the queries' file, whose name tells the format.

    Raises:
        DataError: the format cannot hold the id.
    """
    if file.endswith(".jsonl"):
        return json_line({"_id": name, "text": text})
    return f"{_cell_id(name, 'the query id')}\t{_cell(text, losses)}\n"


def qrels_line(form: QrelsFormat, query: str, document: str, grade: int) -> str:
    """A line of judgements: ``beir`` (under ``QRELS_HEADER``), ``trec``, or ``msmarco``, which has tabs.

    Raises:
        DataError: the format cannot hold an id.
    """
    if form == "beir":
        return f"{_cell_id(query, 'the query id')}\t{_cell_id(document, 'the document id')}\t{grade}\n"
    tab = "\t" if form == "msmarco" else " "
    return f"{tab.join((_word(query, 'the query id'), '0', _word(document, 'the document id'), str(grade)))}\n"


QRELS_HEADER = "query-id\tcorpus-id\tscore\n"


def fits_table(text: str) -> bool:
    """Whether a text can stand in a table as it is."""
    return not (_BREAKS.search(text) or text.startswith(_BOM)) and without_surrogates(text) is text


def has_space(name: str) -> bool:
    """Whether an id would be two words in a TREC file."""
    return name.split() != [name]


def request_line(request: Request) -> str:
    """A line of rankkit's candidates."""
    rows = [_fields(candidate, "docid") for candidate in request.candidates]
    return json_line(
        {"qid": request.query.id, "query": request.query.text, **_instruction(request), "candidates": rows}
    )


def rankllm_line(request: Request) -> str:
    """A line of RankLLM's requests."""
    rows = [
        {"docid": candidate.id, "score": candidate.score, "doc": _fields(candidate, "", score=False)}
        for candidate in request.candidates
    ]
    query = {"text": request.query.text, "qid": request.query.id, **_instruction(request)}
    return json_line({"query": query, "candidates": rows})


def _instruction(request: Request) -> dict[str, object]:
    return {"instruction": request.query.instruction} if request.query.instruction else {}


def top1000_lines(request: Request, losses: Losses) -> Iterator[str]:
    """The lines of a query in MS MARCO's candidates: ``qid id query text``.

    Raises:
        DataError: the format cannot hold an id.
    """
    for candidate in request.candidates:
        if candidate.score is not None:
            losses["scores of candidates"] += 1
        texts = (request.query.text, _content(candidate, losses))
        yield _row((request.query.id, candidate.id), texts, ("qid", "id", "query", "text"), losses)


def document_line(layout: Layout, document: Candidate, losses: Losses) -> str:
    """A line of the corpus.

    Raises:
        DataError: the format cannot hold the id.
    """
    if layout.corpus.endswith(".jsonl"):
        return json_line(_fields(document, "_id", score=False))
    return _row((document.id,), (_content(document, losses),), ("id", "text"), losses)


def json_line(value: Mapping[str, object]) -> str:
    """One line, readable in every script; half a character, which UTF-8 cannot hold, stands as an escape."""
    text = json.dumps(value, ensure_ascii=False)
    return f"{text if without_surrogates(text) is text else json.dumps(value)}\n"


def _fields(candidate: Candidate, id_key: str, *, score: bool = True) -> dict[str, object]:
    fields: dict[str, object] = {id_key: candidate.id} if id_key else {}
    if candidate.title:
        fields["title"] = candidate.title
    fields["text"] = candidate.text
    if score and candidate.score is not None:
        fields["score"] = candidate.score
    if candidate.metadata:
        fields["metadata"] = dict(candidate.metadata)
    return fields


def _content(candidate: Candidate, losses: Losses) -> str:
    """Title and text in one, as a reranker reads them."""
    if candidate.title:
        losses["titles, which now begin the texts"] += 1
    if candidate.metadata:
        losses["metadata of documents"] += 1
    return candidate.content


def _row(ids: Sequence[str], texts: Sequence[str], columns: Sequence[str], losses: Losses) -> str:
    cells = [*(_cell_id(name, "an id") for name in ids), *(_cell(text, losses) for text in texts)]
    if is_header(cells) or columns_of("", cells) != columns:
        raise DataError(
            f"a line with the ids {', '.join(map(repr, ids))} would be read as names of columns, or as other columns",
            hint=_OTHER_FORMAT,
        )
    return "\t".join(cells) + "\n"


def _cell(text: str, losses: Losses) -> str:
    """A text in a table, where a line is a row and a tab ends a column."""
    whole = without_surrogates(text)
    if whole is not text:
        losses["halves of characters (lone surrogates) in texts, which are now U+FFFD"] += 1
    flat = _BREAKS.sub(" ", whole)
    if flat is not whole and flat != whole:
        losses["line breaks and tabs in texts, which are now spaces"] += 1
    return flat


def _cell_id(name: str, what: str) -> str:
    if not name.strip() or _BREAKS.search(name) or name.startswith(_BOM):
        raise DataError(f"{what} {name!r} cannot stand in a column of a table", hint=_OTHER_FORMAT)
    return whole_id(name, what)


def _word(name: str, what: str) -> str:
    if has_space(name) or name.startswith(_BOM):
        raise DataError(
            f"{what} {name!r} cannot stand in a TREC file, where white space ends an id", hint=_OTHER_FORMAT
        )
    return whole_id(name, what)
