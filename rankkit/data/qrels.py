"""Relevance judgements: TREC (``qid iteration docid grade``) and BEIR (``query-id corpus-id score``, with a header)."""

from __future__ import annotations

from pathlib import Path

from rankkit.data.lines import OnFault, faults_to, read_lines
from rankkit.errors import DataError

#: Query id -> document id -> grade. A grade of 0 or less is "judged, not relevant".
Qrels = dict[str, dict[str, int]]

_TREC = "qid iteration docid grade"
_BEIR_HEADER = ["query-id", "corpus-id", "score"]


def read_qrels(path: Path, on_fault: OnFault | None = None) -> Qrels:
    """Read judgements, in file order. The first line tells the format: BEIR's is a header.

    Raises:
        DataError: the file cannot be read or is empty, a line has another number of columns or a grade that is no
            integer, or a document is judged twice and differently.
    """
    qrels: Qrels = {}
    beir = False
    for position, (where, text) in enumerate(read_lines(path, on_fault)):
        if position == 0 and text.split() == _BEIR_HEADER:
            beir = True
            continue
        with faults_to(on_fault):
            _add(qrels, where, *_fields(where, text, beir=beir))
    if not qrels:
        with faults_to(on_fault):
            raise DataError(f"{path}: no judgements", hint=f"Each line must be: {_TREC}")
    return qrels


def _add(qrels: Qrels, where: str, query: str, document: str, grade: int) -> None:
    judged = qrels.setdefault(query, {})
    if judged.setdefault(document, grade) != grade:
        raise DataError(
            f"{where}: document {document!r} has grade {grade} for query {query!r}, and {judged[document]} before",
            hint="Keep one grade for each query and document.",
        )


def _fields(where: str, text: str, *, beir: bool) -> tuple[str, str, int]:
    columns = text.split("\t") if beir else text.split()
    wanted = _BEIR_HEADER if beir else _TREC.split()
    if len(columns) != len(wanted):
        raise DataError(
            f"{where}: {len(columns)} columns instead of {len(wanted)}: {text[:80]!r}",
            hint=f"Each line must be: {' '.join(wanted)}{' (separated by tabs)' if beir else ''}",
        )
    try:
        grade = int(columns[-1])
    except ValueError as error:
        raise DataError(
            f"{where}: the grade {columns[-1]!r} is not an integer", hint=f"Each line must be: {' '.join(wanted)}"
        ) from error
    return columns[0], columns[-2], grade
