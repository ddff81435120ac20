"""Which of several systems to take, and how far to trust that: cross-validation over queries, and the Pareto front.

The best of many figures is partly the best by luck, so its own mean promises too much. Here the choice is made on some
queries and measured on the others, in turn, so that no query's figure comes from a system that it helped to choose.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rankkit.comparison.statistics import Interval, interval
from rankkit.errors import ConfigError, DataError

#: Resamples of the queries that tell how sure a choice is.
CHOICE_RESAMPLES = 1_000
#: Means that differ by less are equal: the same figures in another order give them by another sum.
_EQUAL = 1e-9


@dataclass(frozen=True, slots=True)
class Choice:
    """The best system, and what can be expected of choosing in this way.

    ``held_out`` is the mean over queries, each measured with what the *other* folds chose; ``held_out_per_query`` has
    its figures. ``optimism`` is the chosen system's own mean (``in_sample``) less that. ``fold_choices`` says what each
    fold chose, ``best_shares`` in which share of bootstrap resamples of the queries each system would be the best.
    """

    chosen: str
    in_sample: float
    held_out: Interval
    held_out_per_query: Mapping[str, float]
    fold_choices: tuple[str, ...]
    best_shares: Mapping[str, float]

    @property
    def optimism(self) -> float:
        return self.in_sample - self.held_out.mean

    @property
    def certainty(self) -> float:
        """The share of resamples in which the chosen system is the best."""
        return self.best_shares[self.chosen]


def cross_validated(
    per_query: Mapping[str, Mapping[str, float]],
    costs: Mapping[str, float | None],
    folds: int = 5,
    seed: int = 0,
    max_cost: float | None = None,
) -> Choice:
    """Choose the system with the best mean among those that cost at most ``max_cost``; of equal ones the cheapest, then
    the first. ``per_query`` is system -> query id -> value, of the same queries for each; ``costs`` are means a query.

    Raises:
        ConfigError: fewer than 2 folds, or no system is cheap enough.
        DataError: there are fewer queries than folds.
    """
    allowed = _affordable(costs, list(per_query), max_cost)
    queries = list(per_query[allowed[0]])
    parts = _folds(queries, folds, seed)
    values = np.array([[per_query[name][query] for query in queries] for name in allowed])
    # By cost, the unknown last: the first of equal means is then the one to take.
    order = sorted(range(len(allowed)), key=lambda at: (_known(costs.get(allowed[at])), at))
    place = {query: at for at, query in enumerate(queries)}
    held_out: dict[str, float] = {}
    fold_choices: list[str] = []
    for part in parts:
        inside = np.ones(len(queries), bool)
        inside[[place[query] for query in part]] = False
        best = _best(values[:, inside].mean(axis=1)[None, :], order)[0]
        fold_choices.append(allowed[best])
        held_out |= {query: float(values[best, place[query]]) for query in part}
    chosen = int(_best(values.mean(axis=1)[None, :], order)[0])
    measured = {query: held_out[query] for query in queries}
    return Choice(
        chosen=allowed[chosen],
        in_sample=float(values[chosen].mean()),
        held_out=interval(list(measured.values()), seed=seed),
        held_out_per_query=measured,
        fold_choices=tuple(fold_choices),
        best_shares=dict(zip(allowed, _best_shares(values, order, seed), strict=True)),
    )


def pareto_front(quality: Mapping[str, float], costs: Mapping[str, float | None]) -> tuple[str, ...]:
    """Those that no other one dominates: none is at least as good and as cheap, and better in one of both. The
    cheapest comes first; one whose cost is not known stands aside.
    """
    known = {name: cost for name in quality if (cost := costs.get(name)) is not None}
    front = [
        name
        for name, cost in known.items()
        if not any(
            quality[other] >= quality[name] and paid <= cost and (quality[other], paid) != (quality[name], cost)
            for other, paid in known.items()
        )
    ]
    return tuple(sorted(front, key=known.__getitem__))


def _affordable(costs: Mapping[str, float | None], names: Sequence[str], max_cost: float | None) -> list[str]:
    if max_cost is None:
        return list(names)
    allowed = [name for name in names if _known(costs.get(name)) <= max_cost]
    if not allowed:
        cheapest = min(names, key=lambda name: _known(costs.get(name)))
        cost = costs.get(cheapest)
        words = "what they cost is not known" if cost is None else f"the cheapest, {cheapest}, costs {cost:.4g} a query"
        raise ConfigError(f"nothing costs at most {max_cost:g} a query: {words}", hint="Allow more, or sweep further.")
    return allowed


def _known(cost: float | None) -> float:
    return float("inf") if cost is None else cost


def check_folds(queries: int, folds: int) -> None:
    """Raises:
    ConfigError: fewer than 2 folds.
    DataError: there are fewer queries than folds.
    """
    if folds < 2:
        raise ConfigError(f"folds is {folds}", hint="Give 2 or more: what one part chooses is measured on another.")
    if queries < folds:
        raise DataError(
            f"{queries} judged queries cannot be cut into {folds} folds",
            hint="Give fewer folds, or data with more queries.",
        )


def _folds(queries: Sequence[str], folds: int, seed: int) -> Iterator[list[str]]:
    check_folds(len(queries), folds)
    shuffled = sorted(queries)  # so that the order of a file is no part of the result
    random.Random(seed).shuffle(shuffled)
    return iter([shuffled[start::folds] for start in range(folds)])


def _best(means: np.ndarray, order: Sequence[int]) -> np.ndarray:
    """For each row of means, the first in ``order`` of those that are the highest."""
    ordered = means[:, order]
    best: np.ndarray = np.asarray(order)[(ordered >= ordered.max(axis=1, keepdims=True) - _EQUAL).argmax(axis=1)]
    return best


def _best_shares(values: np.ndarray, order: Sequence[int], seed: int) -> list[float]:
    queries = values.shape[1]
    draws = np.random.default_rng(seed).multinomial(queries, [1 / queries] * queries, size=CHOICE_RESAMPLES)
    best = _best(draws @ values.T / queries, order)
    shares: list[float] = (np.bincount(best, minlength=len(values)) / CHOICE_RESAMPLES).tolist()
    return shares
