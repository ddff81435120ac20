"""Keeping every reply of a run in a file, and running again from the file without a model.

A record has a JSON object a line: the question (kind, candidate ids, ``top``), the fingerprints of model and prompt,
what the model said, the answer with its outcome and defects, and the bill. No key and no text of a document is in it.
``read_record`` and ``RecordedJudge`` answer from it; the first question that the record does not know is an error
which tells both sides.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Generic, TextIO, TypeVar

from rankkit.errors import DataError, InvalidReply
from rankkit.judge import Asked, Call, Reply
from rankkit.questions import Answer, Outcome, Question
from rankkit.ranking import Request, ScoreKind
from rankkit.usage import Usage

Q = TypeVar("Q", bound=Question)
A = TypeVar("A")

_KEYS = {"query_id", "query", "kind", "ids", "top", "value", "outcome"}


class Recorder:
    """Writes replies to a file as they come in; give its ``write`` to a reranker as ``on_reply``."""

    def __init__(self, path: str | Path, fingerprints: Mapping[str, str]) -> None:
        self._path = Path(path)
        self._fingerprints = dict(fingerprints)
        try:
            self._file: TextIO = self._path.open("w", encoding="utf-8")
        except OSError as error:
            raise DataError(f"the record {self._path} cannot be written: {error.strerror}") from error

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def write(self, asked: Asked[Question], reply: Reply[object]) -> None:
        """One line. A value is written as candidate ids, so that it means the same whatever the order was."""
        self._file.write(json.dumps(self._line(asked, reply), ensure_ascii=False) + "\n")
        self._file.flush()

    def _line(self, asked: Asked[Question], reply: Reply[object]) -> dict[str, object]:
        usage = reply.usage
        return {
            **_key_fields(asked.request, asked.question),
            "query": asked.request.query.text,
            "value": _to_ids(asked.request, reply.answer.value),
            "outcome": reply.answer.outcome.value,
            "defects": list(reply.answer.defects),
            "said": reply.said,
            "notes": list(reply.notes),
            "retried": reply.again is not None,
            "fingerprints": self._fingerprints,
            "usage": [usage.calls, usage.input_tokens, usage.output_tokens, usage.cached_tokens, usage.money],
        }


@dataclass(frozen=True, slots=True)
class Recorded:
    """One line of a record, as read back."""

    value: object
    outcome: Outcome
    defects: tuple[str, ...]
    said: str | None
    notes: tuple[str, ...]
    usage: Usage
    fingerprints: Mapping[str, str]


Record = Mapping[tuple[object, ...], Recorded]

#: Reads a model's words again: question, words, labels' count known from the question. ``None`` keeps the recorded
#: answer.
Reread = Callable[[Question, str], Answer[object]]


def read_record(path: str | Path) -> dict[tuple[object, ...], Recorded]:
    """Read a record. Where a question was asked again, its last answer stands, with the bill of all its tries.

    Raises:
        DataError: names the line that is not one of a record.
    """
    entries: dict[tuple[object, ...], Recorded] = {}
    retried: set[tuple[object, ...]] = set()
    for number, line in enumerate(_lines(Path(path)), start=1):
        try:
            data = json.loads(line)
            key, recorded = _key_of(data), _recorded(data)
            if key in retried:
                before = entries[key]
                recorded = replace(recorded, usage=before.usage + recorded.usage, notes=before.notes + recorded.notes)
            entries[key] = recorded
            (retried.add if data.get("retried") else retried.discard)(key)
        except (json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"{path}, line {number}: not a line of a record ({error})",
                hint="Was the file cut off, or made by another program?",
            ) from error
    return entries


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        raise DataError(f"there is no record {path}")
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


@dataclass(frozen=True)
class RecordedJudge(Generic[Q, A]):
    """Answers from a record, without a model. ``reread`` reads the recorded words anew, to try other rules on old
    answers.
    """

    record: Record
    name: str = "record"
    reread: Reread | None = None

    score_kind: ScoreKind | None = None
    concurrency = 1

    @property
    def fingerprints(self) -> Mapping[str, str]:
        first = next(iter(self.record.values()), None)
        return {**(first.fingerprints if first else {}), "replayed": "yes"}

    def largest(self, request: Request) -> int | None:
        return None

    def prepare(self, asked: Sequence[Asked[Q]]) -> Iterable[Call[A]]:
        for slot, item in enumerate(asked):
            yield Call((slot,), Usage(), partial(self._replay, item))

    def _replay(self, item: Asked[Q]) -> list[Reply[A]]:
        known = self.record.get(_key(item.request, item.question))
        if known is None:
            raise self._unknown(item)
        if self.reread is not None and known.said is not None:
            answer: Answer[A] = self.reread(item.question, known.said)  # type: ignore[assignment]
        else:
            value: A | None = _from_ids(item.request, item.question, known.value)  # type: ignore[assignment]
            answer = Answer(value, known.outcome, known.defects)
        return [Reply(answer, known.usage, known.notes, said=known.said)]

    def _unknown(self, item: Asked[Q]) -> InvalidReply:
        query = _query_of(item.request)
        kind = type(item.question).__name__
        mine = [str(part) for part in _key_fields(item.request, item.question)["ids"]]  # type: ignore[attr-defined]
        near = [key for key in self.record if key[0] == query and key[1] == kind]
        closest = max(near, key=lambda key: len(set(key[2]) & set(mine)), default=None)  # type: ignore[call-overload]
        seen = f"; the nearest that was recorded is about {', '.join(closest[2])}" if closest else ""  # type: ignore[arg-type]
        return InvalidReply(
            f"first difference from the record: query {query!r} asks {kind} about {', '.join(mine)}{seen}",
            hint="Replay with the data, strategy, window and seed of the recorded run.",
        )


def _query_of(request: Request) -> str:
    return request.query.id or request.query.text


def _key_fields(request: Request, question: Question) -> dict[str, object]:
    return {
        "query_id": _query_of(request),
        "kind": type(question).__name__,
        "ids": [request.candidates[index].id for index in question.indices],
        "top": getattr(question, "top", None),
    }


def _key(request: Request, question: Question) -> tuple[object, ...]:
    return _key_of(_key_fields(request, question))


def _key_of(data: Mapping[str, object]) -> tuple[object, ...]:
    ids = data["ids"]
    if not isinstance(ids, list):
        raise TypeError("ids is not a list")
    return str(data["query_id"]), str(data["kind"]), tuple(map(str, ids)), data["top"]


def _recorded(data: Mapping[str, object]) -> Recorded:
    missing = sorted(_KEYS - set(data))
    if missing:
        raise KeyError(f"no {missing[0]}")
    bill = data.get("usage")
    calls, given, said, cached, money = bill if isinstance(bill, list) else (0, 0, 0, 0, None)
    return Recorded(
        value=data["value"],
        outcome=Outcome(str(data["outcome"])),
        defects=tuple(data.get("defects", ())),  # type: ignore[arg-type]
        said=data.get("said"),  # type: ignore[arg-type]
        notes=tuple(data.get("notes", ())),  # type: ignore[arg-type]
        usage=Usage(calls, given, said, cached, 0.0, money),
        fingerprints=dict(data.get("fingerprints", {})),  # type: ignore[call-overload]
    )


def _to_ids(request: Request, value: object) -> object:
    """Positions become candidate ids; numbers (scores, probabilities) stay as they are."""
    if isinstance(value, tuple):
        return [request.candidates[index].id for index in value]
    if isinstance(value, int):
        return {"id": request.candidates[value].id}
    return value


def _from_ids(request: Request, question: Question, value: object) -> object:
    positions = {request.candidates[index].id: index for index in question.indices}
    if isinstance(value, list):
        return tuple(positions[name] for name in value)
    if isinstance(value, dict):
        return positions[value["id"]]
    return value
