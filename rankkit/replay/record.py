"""Keeping every reply of a run in a file, and running again from the file without a model.

A record has a JSON object a line: the question (kind, candidate ids, ``top``), the fingerprints of model and prompt,
what the model said, the answer with its outcome, defects or error, and the bill; no key, and no text of a document.
``read_record`` and ``RecordedJudge`` answer from it. The first difference names a question that the record does
not know, a prompt that is not the recorded one, and recorded answers that the run did not come to.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from types import TracebackType
from typing import IO, Generic, TypeVar

from rankkit import errors
from rankkit.backends.files import fingerprint_of
from rankkit.core.judge import BoundQuestion, Call, Reply
from rankkit.core.questions import Answer, Outcome, Question
from rankkit.core.ranking import Request, ScoreKind
from rankkit.core.usage import Usage
from rankkit.data.lines import read_json_lines
from rankkit.data.plain import plain
from rankkit.data.written import check_writable, create_beside, is_device
from rankkit.errors import BackendError, DataError, InvalidReply, RankkitError
from rankkit.prompting.template import PromptTemplate

Q = TypeVar("Q", bound=Question)
A = TypeVar("A")

_KEYS = {"query_id", "query", "kind", "ids", "top", "value", "outcome"}
#: What to do about a first difference.
SAME_RUN = "Replay with the data, depth, strategy, window, step, passes and seed of the recorded run."


class Recorder:
    """Writes replies to a file as they come in; give its ``write`` to a reranker as ``on_reply``.

    ``fingerprints`` tell of the run; those of the judge that replied stand beside them, or instead of any so named.
    Lines go into ``NAME.partial``, which takes the place of a record that is there when the run ends well, and is kept
    when it does not. ``inputs`` are files that must not be replaced.

    Raises:
        DataError: there is something else than a record, or it cannot be written there.
    """

    def __init__(self, path: str | Path, fingerprints: Mapping[str, str], inputs: Iterable[Path] = ()) -> None:
        self._path = Path(path)
        self._fingerprints = dict(fingerprints)
        self._failed = ""
        self._kept = False
        check_writable(self._path, "a record", _is_record_line, inputs)
        try:
            if is_device(self._path):
                self._partial: Path = self._path
                self._file: IO[bytes] = self._path.open("wb")
            else:
                self._partial, self._file = create_beside(self._path, ".partial")
        except OSError as error:
            raise DataError(f"the record {self._path} cannot be written: {error.strerror}") from error

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._file.close()
            self._kept = self._partial != self._path
            if kind is None and not self._failed and self._kept:
                self._partial.replace(self._path)
                self._kept = False
        except OSError as trouble:
            self._failed = self._failed or trouble.strerror or str(trouble)

    @property
    def trouble(self) -> str:
        """In words, after the run, that there is no whole record, and where the one of what was answered lies."""
        why = f"the record {self._path} could not be written ({self._failed})" if self._failed else ""
        return "; ".join(filter(None, (why, f"replies so far are kept in {self._partial}" if self._kept else "")))

    def write(self, asked: BoundQuestion[Question], reply: Reply[object]) -> None:
        """One line. A value is written as candidate ids, so that it means the same whatever the order was.

        When the disk is full, the run goes on without: its answers are paid for. ``trouble`` then says so.
        """
        if self._failed:
            return
        line = json.dumps(plain(self._line(asked, reply)), ensure_ascii=False) + "\n"
        try:
            # JSON has an escape for half a character; UTF-8 has none.
            self._file.write(line.encode("utf-8", "backslashreplace"))
            self._file.flush()
        except OSError as error:
            self._failed = error.strerror or str(error)

    def _line(self, asked: BoundQuestion[Question], reply: Reply[object]) -> dict[str, object]:
        usage, error = reply.usage, reply.answer.error
        return {
            **_key_fields(asked.request, asked.question),
            "query": asked.request.query.text,
            **({"instruction": asked.request.query.instruction} if asked.request.query.instruction else {}),
            "value": _to_ids(asked.request, reply.answer.value),
            "outcome": reply.answer.outcome.value,
            "defects": list(reply.answer.defects),
            "error": None if error is None else f"{type(error).__name__}: {error.message}",
            "said": reply.said,
            "notes": list(reply.notes),
            "retried": reply.again is not None,
            "fingerprints": {**self._fingerprints, **reply.fingerprints},
            "usage": [usage.calls, usage.input_tokens, usage.output_tokens, usage.cached_tokens, usage.cost]
            + ([] if usage.billed_units is None else [usage.billed_units]),
        }


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a record has on one question."""

    value: object
    outcome: Outcome
    defects: tuple[str, ...]
    error: RankkitError | None
    said: str | None
    notes: tuple[str, ...]
    usage: Usage
    fingerprints: Mapping[str, str]


Record = Mapping[tuple[object, ...], Recorded]

#: Reads a model's words again, given the question that they answer.
Reread = Callable[[Question, str], Answer[object]]


def read_record(path: str | Path) -> dict[tuple[object, ...], Recorded]:
    """Read a record. Where a question was asked again, its last answer stands, with the bill of all its tries.

    Raises:
        DataError: names the line that is not one of a record.
    """
    entries: dict[tuple[object, ...], Recorded] = {}
    retried: set[tuple[object, ...]] = set()
    for where, data in read_json_lines(path):
        try:
            key, recorded = _key_of(data), _recorded(data)
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"{where}: not a line of a record ({error})", hint="Was the file cut off, or made by another program?"
            ) from error
        if key in retried:
            recorded = _after(entries[key], recorded)
        entries[key] = recorded
        (retried.add if data.get("retried") else retried.discard)(key)
    return entries


def _after(before: Recorded, again: Recorded) -> Recorded:
    """A further try. Where the earlier answer still stands after it, so do the words that it was read from."""
    stands = again.said is None or (again.value is not None and again.value == before.value)
    said = before.said if stands else again.said
    return replace(again, said=said, usage=before.usage + again.usage, notes=before.notes + again.notes)


def _is_record_line(line: str) -> bool:
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(data, dict) and set(data) >= _KEYS


@dataclass(frozen=True)
class RecordedJudge(Generic[Q, A]):
    """Answers from a record, without a model. ``reread`` reads the recorded words anew, to try other rules on old
    answers; ``prompt`` is the one that the recorded run must have had, where that is known.

    For one run: ``left_over`` then tells whether it was the recorded one.
    """

    record: Record
    name: str = "record"
    reread: Reread | None = None
    prompt: PromptTemplate | None = None
    used: set[tuple[object, ...]] = field(default_factory=set, repr=False, compare=False)

    score_kind: ScoreKind | None = None
    concurrency = 1

    @property
    def fingerprints(self) -> Mapping[str, str]:
        first = next(iter(self.record.values()), None)
        return {**(first.fingerprints if first else {}), "replayed": self._digest}

    @cached_property
    def _digest(self) -> str:
        """Of all answers in it, whichever file they are from."""
        lines = ((*map(str, key), _told(known)) for key, known in self.record.items())
        return fingerprint_of(part for line in sorted(lines) for part in line)

    def left_over(self) -> int:
        """After the run: how many recorded queries it never came to.

        Raises:
            InvalidReply: it came to a query, but not to all that is recorded of it.
        """
        answered = {key for key, known in self.record.items() if known.outcome is not Outcome.UNASKED}
        held, used = (Counter(str(key[0]) for key in keys) for keys in (answered, answered & self.used))
        return check_used(self.name, held, used)

    def max_group_size(self, request: Request) -> int | None:
        return None

    def prepare(self, asked: Sequence[BoundQuestion[Q]]) -> Iterable[Call[A]]:
        for slot, item in enumerate(asked):
            known = self.record.get(_key(item.request, item.question))
            # What a budget of calls forbade is forbidden again.
            bound = Usage(calls=1) if known is None or known.outcome is Outcome.UNASKED else known.usage
            yield Call((slot,), bound, partial(self._replay, item, known))

    def _replay(self, item: BoundQuestion[Q], known: Recorded | None) -> list[Reply[A]]:
        if known is None:
            raise self._unknown(item)
        self._check_prompt(item, known)
        self.used.add(_key(item.request, item.question))
        if self.reread is not None and known.said is not None:
            answer: Answer[A] = self.reread(item.question, known.said)  # type: ignore[assignment]
        else:
            value: A | None = _from_ids(item.request, item.question, known.value)  # type: ignore[assignment]
            answer = Answer(value, known.outcome, known.defects, known.error)
        return [Reply(answer, known.usage, known.notes, said=known.said)]

    def _check_prompt(self, item: BoundQuestion[Q], known: Recorded) -> None:
        """A prompt of another name is the same prompt if it says the same."""
        recorded = known.fingerprints.get("prompt", "")
        if self.prompt is None or recorded.rpartition("@")[2] == self.prompt.fingerprint:
            return
        raise InvalidReply(
            f"first difference from {self.name}: query {_query_of(item.request)!r} is asked with the prompt "
            f"{self.prompt.name}@{self.prompt.fingerprint}, and was recorded with {recorded or 'one unknown'}",
            hint="Replay with the prompt of the recorded run, or name none to take its answers as they are.",
        )

    def _unknown(self, item: BoundQuestion[Q]) -> InvalidReply:
        query = _query_of(item.request)
        kind = type(item.question).__name__
        mine = [str(part) for part in _key_fields(item.request, item.question)["ids"]]  # type: ignore[attr-defined]
        near = [key for key in self.record if key[0] == query and key[1] == kind]
        closest = max(near, key=lambda key: len(set(key[2]) & set(mine)), default=None)  # type: ignore[call-overload]
        seen = f"; the nearest that was recorded is about {', '.join(closest[2])}" if closest else ""  # type: ignore[arg-type]
        return InvalidReply(
            f"first difference from the record: query {query!r} asks {kind} about {', '.join(mine)}{seen}",
            hint=SAME_RUN,
        )


def check_used(name: str, held: Mapping[str, int], used: Mapping[str, int]) -> int:
    """Compare, query by query, how many answers a record holds with how many of them a replay used. How many queries
    it used nothing of, as where there are fewer of them.

    Raises:
        InvalidReply: it used some, not all, of a query's answers.
    """
    for query, count in held.items():
        if 0 < used.get(query, 0) < count:
            raise InvalidReply(
                f"first difference from {name}: query {query!r} has {count} recorded answers, and this run asked for "
                f"{used[query]} of them",
                hint=SAME_RUN,
            )
    return sum(1 for query in held if not used.get(query))


def _told(known: Recorded) -> str:
    """All that a replay takes from it."""
    error = "" if known.error is None else f"{type(known.error).__name__}: {known.error.message}"
    told = plain([known.value, known.outcome, known.defects, known.said, known.notes, known.usage, known.fingerprints])
    return json.dumps([error, told])


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
    calls, given, said, cached, cost, *units = bill if isinstance(bill, list) else (0, 0, 0, 0, None)
    return Recorded(
        value=data["value"],
        outcome=Outcome(str(data["outcome"])),
        defects=tuple(data.get("defects", ())),  # type: ignore[arg-type]
        error=_error(str(data.get("error") or "")),
        said=data.get("said"),  # type: ignore[arg-type]
        notes=tuple(data.get("notes", ())),  # type: ignore[arg-type]
        usage=Usage(calls, given, said, cached, 0.0, cost, *units[:1]),
        fingerprints=dict(data.get("fingerprints", {})),  # type: ignore[call-overload]
    )


def _error(written: str) -> RankkitError | None:
    """The error of a call that failed, of the kind it was; one of somebody else's kinds is a ``BackendError``."""
    name, _, message = written.partition(": ")
    kind = getattr(errors, name, None) if name else None
    if isinstance(kind, type) and issubclass(kind, RankkitError):
        return kind(message)
    return BackendError(written) if written else None


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
