"""What a sweep found, as a value: every output is made from it and from nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from rankkit.comparison.choosing import CHOICE_RESAMPLES, Choice
from rankkit.comparison.result import Cost
from rankkit.comparison.statistics import Difference, Interval
from rankkit.config.kinds import Spec
from rankkit.config.writing import as_table, as_toml

CostUnit = Literal["seconds", "calls", "tokens", "cost"]
#: What the config is called as it was, before anything is changed in it.
AS_IT_IS = "as it is"


@dataclass(frozen=True, slots=True)
class Tried:
    """A combination of the sweep, measured; or the config as it is (``values`` is empty).

    ``cost`` is the mean a query in the unit of the tuning, ``None`` where it is not known. ``on_front`` says that
    nothing else is as good and as cheap; ``best_share`` is the share of resamples in which it would be chosen (0 for
    what was too dear, or no part of the sweep), and ``folds`` counts the folds that chose it. ``late`` counts rankings
    that a limit of time ended, ``stored`` those that were taken from the run store.
    """

    name: str
    values: Mapping[str, object]
    quality: Interval
    cost: float | None
    on_front: bool = False
    chosen: bool = False
    best_share: float = 0.0
    folds: int = 0
    failures: int = 0
    late: int = 0
    stored: int = 0
    bill: Cost | None = None

    def to_dict(self) -> dict[str, object]:
        return {
            "name": self.name,
            "values": dict(self.values),
            "mean": self.quality.mean,
            "low": self.quality.low,
            "high": self.quality.high,
            "cost_a_query": self.cost,
            "on_front": self.on_front,
            "chosen": self.chosen,
            "best_share": self.best_share,
            "folds": self.folds,
            "failures": self.failures,
            "late": self.late,
            "bill": None if self.bill is None else self.bill.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class Tuning:
    """What a sweep found. ``tried`` has the combinations in the order of the grid, ``as_it_is`` the config unchanged.

    ``gain`` is what choosing in this way brings, measured on queries that had no part in the choice, less the config as
    it is.
    """

    config: str
    data: str
    queries: int
    measure: str
    unit: CostUnit
    tried: tuple[Tried, ...]
    as_it_is: Tried
    choice: Choice
    gain: Difference
    spec: Spec = field(repr=False)
    seed: int = 0
    max_cost: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def chosen(self) -> Tried:
        return next(one for one in self.tried if one.chosen)

    @property
    def troubled(self) -> bool:
        """Whether a call failed or time ran out somewhere: figures are then lower than they need be."""
        return any(one.failures or one.late for one in (*self.tried, self.as_it_is))

    def to_toml(self) -> str:
        """The chosen config as a file; read again, it is an equal spec.

        Raises:
            ConfigError: TOML has no word for a value in it.
        """
        return as_toml(self.spec)

    def to_dict(self) -> dict[str, Any]:
        """Plain Python for JSON: ``tuning.json``. Values are not rounded."""
        choice, gain = self.choice, self.gain
        return {
            "config": self.config,
            "data": self.data,
            "queries": self.queries,
            "measure": self.measure,
            "cost_unit": self.unit,
            "max_cost": self.max_cost,
            "seed": self.seed,
            "resamples": CHOICE_RESAMPLES,
            "chosen": {
                "name": choice.chosen,
                "values": dict(self.chosen.values),
                "in_sample": choice.in_sample,
                "held_out": choice.held_out.mean,
                "low": choice.held_out.low,
                "high": choice.held_out.high,
                "optimism": choice.optimism,
                "best_share": choice.certainty,
                "fold_choices": list(choice.fold_choices),
                "spec": as_table(self.spec),
            },
            "gain": {
                "difference": gain.difference,
                "low": gain.low,
                "high": gain.high,
                "p": gain.p,
                "wins": gain.wins,
                "ties": gain.ties,
                "losses": gain.losses,
                "effect_size": gain.effect_size,
                "queries_needed": gain.queries_needed,
            },
            "as_it_is": self.as_it_is.to_dict(),
            "tried": [one.to_dict() for one in self.tried],
            "notes": list(self.notes),
        }
