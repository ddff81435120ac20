"""A calibration as a value and as a file: the map, what it was fitted on, and how good it is on held-out queries."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rankkit.core.ranking import ScoreKind
from rankkit.data.written import check_writable, replaced
from rankkit.errors import ConfigError
from rankkit.judging.probability_maps import ProbabilityMap, read_map

_FORMAT = "rankkit calibration"
_VERSION = 1
#: A calibration takes some kB; an isotonic one of a million scores some MB.
_MOST_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Calibration:
    """``map`` is for the scores of the judge with these ``fingerprints`` and for no others. ``scores`` is the key
    ``scores`` of the spec that gives them, ``kind`` what they mean.

    ``fitted_on`` says on what data, which grades count as relevant, when and with which versions; ``held_out`` how
    good the raw scores and the calibrated ones are on queries that were not fitted.
    """

    map: ProbabilityMap
    method: str
    model: str
    fingerprints: Mapping[str, str]
    kind: ScoreKind | None
    scores: str = ""
    fitted_on: Mapping[str, object] = field(default_factory=dict)
    held_out: Mapping[str, object] = field(default_factory=dict)

    def probability(self, score: float) -> float:
        """The probability of relevance that a raw score stands for."""
        return self.map.probability(score)

    def misfit(self, fingerprints: Mapping[str, str]) -> str:
        """What of a judge is another than what this was fitted for, in words; empty where all is the same."""
        names = sorted({*self.fingerprints, *fingerprints})
        other = [name for name in names if self.fingerprints.get(name) != fingerprints.get(name)]
        here, there = fingerprints, self.fingerprints
        return "; ".join(f"{name} is {here.get(name)}, and was {there.get(name)}" for name in other)

    def to_dict(self) -> dict[str, object]:
        said = asdict(self) | {"map": self.map.to_dict(), "kind": self.kind and self.kind.value}
        return {"format": _FORMAT, "version": _VERSION, **said}


def check_calibration_out(path: Path) -> None:
    """Refuse a place where no calibration can be written, before a model is asked.

    Raises:
        DataError: see ``check_writable``.
    """
    check_writable(path, "a calibration", lambda first: first.startswith("{"))


def write_calibration(calibration: Calibration, path: Path) -> None:
    """Write it whole, or not at all.

    Raises:
        DataError: the file cannot be written.
    """
    said = calibration.to_dict()
    with replaced(path) as file:
        file.write(json.dumps(said | {"sha256": _digest(said)}, indent=1, ensure_ascii=False).encode())


def read_calibration(path: str | Path) -> Calibration:
    """Raises:
    ConfigError: the file is not there, is no calibration, was cut or changed, or is of a later version.
    """
    said = _loaded(Path(path))
    if said.get("format") != _FORMAT:
        raise ConfigError(
            f"{path} is no calibration", hint="Make one: rankkit calibrate --model M --data DIR --out FILE."
        )
    if said.get("version") != _VERSION:
        raise ConfigError(
            f"{path} is a calibration of version {said.get('version')!r}; this rankkit reads version {_VERSION}",
            hint="Fit it again: rankkit calibrate.",
        )
    if said.pop("sha256", None) != _digest(said):
        raise ConfigError(f"{path} is not as it was written: it was changed", hint="Fit it again: rankkit calibrate.")
    try:
        return _of(said)
    except (ConfigError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(f"{path} is no calibration: {error}", hint="Fit it again: rankkit calibrate.") from error


def _of(said: Mapping[str, object]) -> Calibration:
    mapped, prints = said["map"], said["fingerprints"]
    fitted, held = said["fitted_on"], said["held_out"]
    if not all(isinstance(one, Mapping) for one in (mapped, prints, fitted, held)):
        raise TypeError("map, fingerprints, fitted_on and held_out are objects")
    return Calibration(
        map=read_map(mapped),  # type: ignore[arg-type]
        method=str(said["method"]),
        model=str(said["model"]),
        fingerprints={str(name): str(value) for name, value in prints.items()},  # type: ignore[attr-defined]
        kind=ScoreKind(str(said["kind"])) if said["kind"] else None,
        scores=str(said["scores"]),
        fitted_on=fitted,  # type: ignore[arg-type]
        held_out=held,  # type: ignore[arg-type]
    )


def _loaded(path: Path) -> dict[str, object]:
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read ({error.strerror or error})",
            hint="Make it: rankkit calibrate --model M --data DIR --out FILE.",
        ) from error
    if len(text) > _MOST_BYTES:
        raise ConfigError(f"{path} is no calibration: it is larger than {_MOST_BYTES >> 20} MiB")
    try:
        said = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(
            f"{path} is no calibration, or was cut: {error}", hint="Fit it again: rankkit calibrate."
        ) from error
    return said if isinstance(said, dict) else {}


def _digest(said: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
