"""How a stage of a ranking came about, and what it cost, also as plain Python for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rankkit.core.usage import Usage

#: A note on a request that a model of English is asked about.
OTHER_SCRIPT = "text in a script that the model was not trained on"
#: A note where scores of the last stage were asked for and it has none.
THRESHOLD_LEFT_OUT = "threshold left out: the scores are an earlier stage's"
#: A note of a strategy that knows how sure it is, where it is not.
TOO_CLOSE = "too close to call: the top places are not settled"
#: And where the stage that would have given some failed or was skipped.
THRESHOLD_WITHOUT_SCORES = "threshold left out: the stage that gives scores failed or was skipped"
#: How the note of a filter ends whose scores no judged data stands behind.
NOT_CALIBRATED = " (never calibrated)"
#: How the notes on gates and cuts end that could not decide.
HAD_NO_SCORES = " had no scores"


@dataclass(frozen=True, slots=True)
class Step:
    """How one stage of a ranking came about. Nothing is repaired, shortened or given up without a word here.

    ``stopped`` names the limit that ended a stage early, ``skipped`` the reason why it was not run at all. ``seconds``
    are this request's own, from its first call. ``order`` has the ids of the candidates as they stood behind the step,
    best first, and ``scores``, along it, those that the step itself gave. Where these are calibrated, ``raw_scores``
    has the model's own by id, and ``raw_kind`` what they mean.
    """

    stage: str
    usage: Usage = field(default_factory=Usage)
    seconds: float = 0.0
    questions: int = 0
    cached_answers: int = 0
    sequential_rounds: int = 0
    fingerprints: Mapping[str, str] = field(default_factory=dict, hash=False)
    outcomes: Mapping[str, int] = field(default_factory=dict, hash=False)
    defects: Mapping[str, int] = field(default_factory=dict, hash=False)
    notes: Mapping[str, int] = field(default_factory=dict, hash=False)
    failures: tuple[str, ...] = ()
    stopped: str = ""
    diagnostics: Mapping[str, float] = field(default_factory=dict, hash=False)
    skipped: str = ""
    order: tuple[str, ...] = field(default=(), repr=False)
    scores: tuple[float | None, ...] | None = field(default=None, repr=False)
    raw_scores: Mapping[str, float] = field(default_factory=dict, hash=False, repr=False)
    raw_kind: str = ""

    @property
    def trouble(self) -> str:
        """In our own words, without anything that a server or a model said: the limit that stopped it, or the kinds of
        errors that occurred; ``""`` where all went well.
        """
        return self.stopped or ", ".join(dict.fromkeys(failure.partition(":")[0] for failure in self.failures))

    @property
    def warnings(self) -> tuple[str, ...]:
        """The notes that whoever reads the result should see: the model does not know the text's script, the top is too
        close to call, a cut, a gate or a threshold was left out for want of scores, or a filter went by a number that
        was never calibrated.
        """
        seen = (OTHER_SCRIPT, THRESHOLD_LEFT_OUT, THRESHOLD_WITHOUT_SCORES, TOO_CLOSE)
        return tuple(note for note in self.notes if note in seen or note.endswith((HAD_NO_SCORES, NOT_CALIBRATED)))

    @property
    def late(self) -> bool:
        """Whether the limit that ended it is one of time: nobody chooses that, as one may choose a number of calls."""
        return self.stopped.endswith((" seconds", "out of time"))


def usage_to_dict(usage: Usage) -> dict[str, float | int | None]:
    return {
        "calls": usage.calls,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cached_tokens": usage.cached_tokens,
        "seconds": round(usage.seconds, 4),
        "cost": usage.cost,
        **({} if usage.billed_units is None else {"billed_units": usage.billed_units}),
    }


def step_to_dict(step: Step) -> dict[str, object]:
    return {
        "stage": step.stage,
        "seconds": round(step.seconds, 4),
        "questions": step.questions,
        "cached_answers": step.cached_answers,
        "sequential_rounds": step.sequential_rounds,
        "usage": usage_to_dict(step.usage),
        "fingerprints": dict(step.fingerprints),
        "outcomes": dict(step.outcomes),
        "defects": dict(step.defects),
        "notes": dict(step.notes),
        "failures": list(step.failures),
        "stopped": step.stopped,
        "skipped": step.skipped,
        "diagnostics": dict(step.diagnostics),
    }
