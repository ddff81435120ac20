"""What a system is: everything that its rankings follow from, and a fingerprint of that.

Equally configured rerankers have one fingerprint, in every process. Any other weight, word of a prompt, parameter,
limit or place in a cascade makes another. Names that somebody gave (of a model's file, of a prompt) are in the
description for people and make no difference, nor does where the candidates come from: the request says what they are.

rankkit's own parts are described by their fields; of somebody else's it counts what they say themselves, since their
code can change unseen: a judge by its ``fingerprints``, any other part by a text of its own in ``fingerprint``.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from typing import Any, Protocol, TypeAlias, runtime_checkable

from rankkit.config.spec import BaseSpec
from rankkit.config.writing import as_table
from rankkit.core.events import logger
from rankkit.core.judge import Backed, Judge
from rankkit.core.reranker import AccountedReranker, Reranker, walk
from rankkit.core.usage import Budget
from rankkit.data.plain import plain
from rankkit.pairwise.difference import ScoreDifferenceJudge
from rankkit.pipeline.cascade import Cascade
from rankkit.pipeline.judged import JudgeReranker
from rankkit.prompting.template import PromptTemplate
from rankkit.replay.record import RecordedJudge

#: Raised when a method of rankkit gives other orders than before: what was computed with the earlier ones is then not
#: taken for them. A release by itself changes nothing.
METHOD_VERSION = 1

_Parts: TypeAlias = dict[str, object]

#: So many tokens are priced to see whether prices are others.
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class SystemIdentity:
    """``description`` is plain JSON values that say what the ``fingerprint``, 32 hex digits, is of; names stand beside
    what they name.
    """

    fingerprint: str
    description: Mapping[str, object]

    @property
    def short(self) -> str:
        """Enough of the fingerprint for people."""
        return self.fingerprint[:12]


@runtime_checkable
class Fingerprinted(Protocol):
    """Somebody else's part that says by a text what it is: another text for whatever changes an order."""

    @property
    def fingerprint(self) -> str: ...


class _Name(str):
    """Kept for people; no part of the fingerprint."""


class _Unidentified(Exception):
    """Says what nobody can tell apart."""


def identity_of(reranker: Reranker, spec: BaseSpec | None = None) -> SystemIdentity | None:
    """What a reranker is; ``None`` where that cannot be known (see ``missing_identity``): its rankings are then
    computed anew each time, and the log says why.

    ``spec`` is what it was built from, where it does not say so itself. That stands in the description, in the words of
    whoever wrote it, and makes no difference: what follows from it does. Weights that were not pulled by rankkit are
    read once for their checksum.

    Raises:
        InvalidModel: a model's file cannot be read.
    """
    try:
        described = _described_system(reranker)
    except _Unidentified as unknown:
        logger.info("%s is computed anew each time: %s", type(reranker).__name__, unknown)
        return None
    told = json.dumps(_without_names(described), sort_keys=True, separators=(",", ":"))
    description = json.loads(json.dumps(described)) | _written(spec, reranker)
    return SystemIdentity(hashlib.sha256(told.encode()).hexdigest()[:32], description)


def missing_identity(reranker: Reranker) -> str:
    """Why ``identity_of`` is ``None``, for people; ``""`` where it is not."""
    try:
        _described_system(reranker)
    except _Unidentified as unknown:
        return str(unknown)
    return ""


def _described_system(reranker: Reranker) -> _Parts:
    return {"method_version": METHOD_VERSION} | _Describing(_limits_money(reranker)).reranker(reranker)


@dataclass(frozen=True, slots=True)
class _Describing:
    """``priced``: whether prices decide on an order, as they do under a budget of money."""

    priced: bool

    def reranker(self, reranker: object) -> _Parts:
        if isinstance(reranker, JudgeReranker) and _is_own(reranker):
            return {
                "kind": type(reranker).__name__,
                "judge": self.judge(reranker.judge),
                "strategy": self.value(reranker.strategy),
                "budget": self.value(reranker.budget),
                "on_failure": reranker.on_call_failure,
            }
        return self.part(reranker)

    def judge(self, judge: Judge[Any, Any]) -> _Parts:
        if isinstance(judge, ScoreDifferenceJudge) and _is_own(judge):
            return {"kind": type(judge).__name__, "scores_of": self.judge(judge.judge)}
        described: _Parts = {"kind": _kind(judge)}
        names = [judge.name]
        if isinstance(judge, Backed) and judge.backend is not None:
            described["model"] = self.model(judge.backend)
            names.append(str(getattr(judge.backend, "name", "")))
        prompt = getattr(judge, "template", None) or getattr(judge, "prompt", None)
        if isinstance(prompt, PromptTemplate):
            described["prompt"] = _prompt(prompt)
            names.append(prompt.name)
        if isinstance(judge, RecordedJudge) and judge.reread is not None:
            described["reread"] = _function(judge.reread)
        for key, value in judge.fingerprints.items():
            described.setdefault(key, _without_name(value, names) if _is_own(judge) else value)
        return described

    def model(self, backend: object) -> _Parts:
        described: _Parts = {"kind": _kind(backend)}
        if name := getattr(backend, "name", ""):
            described["name"] = _Name(name)
        described["fingerprint"] = str(getattr(backend, "fingerprint", ""))
        if weights := getattr(backend, "weights", ()):
            described["weights"] = list(weights)
        # A class of all that a language model can do would ask a server for its context here.
        price = getattr(backend, "price", None) if self.priced else None
        if callable(price):
            tokens = ((_MILLION, 0), (0, _MILLION))
            described["price_per_million"] = [price(input_tokens=read, output_tokens=said) for read, said in tokens]
        return described

    def value(self, value: object) -> object:
        """Of what a part is made of, as JSON has it."""
        if value is None or isinstance(value, bool | int | str):
            return value.value if isinstance(value, Enum) else value
        if isinstance(value, float):
            return value if math.isfinite(value) else repr(value)
        if isinstance(value, tuple | list):
            return [self.value(item) for item in value]
        if isinstance(value, Mapping):
            return {str(key): self.value(item) for key, item in value.items()}
        if isinstance(value, Budget):
            return {name: limit for name, limit in plain(value).items() if limit is not None}  # type: ignore[union-attr]
        if isinstance(value, Reranker) and not isinstance(value, type):
            return self.reranker(value)
        return _function(value) if inspect.isroutine(value) else self.part(value)

    def part(self, part: object) -> _Parts:
        """A strategy, a gate, a cut, a stage, a reranker made of others."""
        if _is_own(part) and is_dataclass(part) and not isinstance(part, type):
            made_of = {one.name: getattr(part, one.name) for one in fields(part) if one.init and one.compare}
            return {"kind": type(part).__name__} | {name: self.value(value) for name, value in made_of.items()}
        if isinstance(part, Fingerprinted) and isinstance(part.fingerprint, str) and part.fingerprint:
            return {"kind": _kind(part), "fingerprint": part.fingerprint}
        raise _Unidentified(
            f"{_kind(part)} is own code and can change unseen; give it a fingerprint: a text that changes with it"
        )


def _is_own(part: object) -> bool:
    return type(part).__module__.partition(".")[0] == "rankkit"


def _kind(part: object) -> str:
    return type(part).__name__ if _is_own(part) else f"{type(part).__module__}.{type(part).__qualname__}"


def _function(function: Callable[..., object]) -> str:
    """A function of rankkit's, which has its name for good."""
    name, module = getattr(function, "__qualname__", ""), getattr(function, "__module__", "") or ""
    if module.partition(".")[0] == "rankkit" and "<" not in name:
        return name
    raise _Unidentified(f"the function {name or function!r} is own code and can change unseen")


def _prompt(prompt: PromptTemplate) -> _Parts:
    """Its words too, so that a comparison of two systems can show which of them are others."""
    described: _Parts = {
        "name": _Name(prompt.name),
        "fingerprint": prompt.fingerprint,
        "question": prompt.question,
        "labels": prompt.labels,
        "passage": prompt.passage,
        "answer": dict(prompt.answer),
    }
    if prompt.text:
        described["text"] = prompt.text
    if prompt.parts:
        described["messages"] = [plain(part) for part in prompt.parts]
    return described


def _without_name(value: str, names: list[str]) -> str:
    """``NAME@FINGERPRINT`` without the name."""
    return next((value.removeprefix(f"{name}@") for name in names if value.startswith(f"{name}@")), value)


def _without_names(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_names(item) for key, item in value.items() if not isinstance(item, _Name)}
    return [_without_names(item) for item in value] if isinstance(value, list) else value


def _limits_money(reranker: Reranker) -> bool:
    limits = []
    for part in walk(reranker):
        if isinstance(part, JudgeReranker):
            limits.append(part.budget)
        elif isinstance(part, Cascade):
            limits += [stage.budget for stage in part.stages]
    return any(limit.cost is not None for limit in limits)


def _written(spec: BaseSpec | None, reranker: Reranker) -> _Parts:
    """What its file says, beside what the fingerprint is of."""
    said = reranker.spec if spec is None and isinstance(reranker, AccountedReranker) else spec
    return {"spec": as_table(said)} if isinstance(said, BaseSpec) else {}
