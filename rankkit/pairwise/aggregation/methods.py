"""From the outcome of comparisons to a score for each item: higher is better, equal scores keep the first-stage order.

All take complete and partial outcomes. A pair that was not asked counts as an even comparison, so that nobody gains or
loses by being asked more often; items that met nobody stay in the middle. ``AGGREGATIONS`` says what the names are.

The first six are those of Pradeep, Nogueira and Lin, "The Expando-Mono-Duo Design Pattern for Text Ranking with
Pretrained Sequence-to-Sequence Models", arXiv 2101.05667, section 3.3.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rankkit.core.ranking import ScoreKind
from rankkit.errors import ConfigError
from rankkit.pairwise.aggregation.bradley_terry import bradley_terry
from rankkit.pairwise.aggregation.kemeny import kemeny_order
from rankkit.pairwise.aggregation.matrix import WinMatrix

#: Answers of exactly 0 or 1 are as if they were this far from it: log-odds must stay finite.
CERTAIN = 1e-6


def sum_wins(matrix: WinMatrix) -> list[float]:
    """SUM: add up P(i beats j) as answered with i shown first. One order only, so a model's favour stays in."""
    return [_total(matrix.n, values) for values in _shown_first(matrix)]


def sym_sum(matrix: WinMatrix) -> list[float]:
    """SYM-SUM, the paper's best: add up P(i beats j) + (1 - P(j beats i)), so that both orders of a pair count."""
    return [2.0 * _total(matrix.n, values) for values in _beats(matrix)]


def copeland(matrix: WinMatrix) -> list[float]:
    """BINARY: count the opponents beaten, a half for a draw (Copeland 1951)."""
    return [_total(matrix.n, [_decided(value) for value in values]) for values in _beats(matrix)]


def worst_comparison(matrix: WinMatrix) -> list[float]:
    """MIN: an item is worth what it achieved against its hardest opponent."""
    return [min(values, default=0.5) for values in _beats(matrix)]


def best_comparison(matrix: WinMatrix) -> list[float]:
    """MAX: an item is worth its clearest win."""
    return [max(values, default=0.5) for values in _beats(matrix)]


def sample_wins(matrix: WinMatrix, *, opponents: int = 10, seed: int = 0) -> list[float]:
    """SAMPLE: SUM over a random choice of each item's opponents, the same ones for the same seed."""
    if opponents < 1:
        raise ConfigError(f"SAMPLE with {opponents} opponents", hint="Give 1 or more.")
    generator = random.Random(seed)
    drawn = [generator.sample(values, min(opponents, len(values))) for values in _beats(matrix)]
    return [sum(value - 0.5 for value in values) for values in drawn]


def log_odds(matrix: WinMatrix) -> list[float]:
    """Add up log(P / (1 - P)): a sure win counts for more than a narrow one. Independent comparisons, naive Bayes."""
    return [sum(map(_log_odds, values)) for values in _beats(matrix)]


def kemeny(matrix: WinMatrix) -> list[float]:
    """The order that contradicts the outcome least (see ``kemeny_order``); a score is how many are placed below."""
    scores = [0.0] * matrix.n
    for place, item in enumerate(kemeny_order(matrix)):
        scores[item] = float(matrix.n - 1 - place)
    return scores


@dataclass(frozen=True, slots=True)
class Aggregation:
    """A named way to score, and what its numbers mean."""

    name: str
    kind: ScoreKind
    scores: Callable[[WinMatrix], Sequence[float]]

    def order(self, matrix: WinMatrix) -> list[int]:
        """The items, best first; equal scores keep the first-stage order."""
        scores = self.scores(matrix)
        return sorted(range(matrix.n), key=lambda item: -scores[item])


@dataclass(frozen=True, slots=True)
class _Sample:
    """``sample_wins`` with its numbers; unlike a partial function it is equal to one with the same."""

    opponents: int
    seed: int

    def __call__(self, matrix: WinMatrix) -> Sequence[float]:
        return sample_wins(matrix, opponents=self.opponents, seed=self.seed)


def sampling(*, opponents: int = 10, seed: int = 0) -> Aggregation:
    """SAMPLE with numbers of your own."""
    return Aggregation("sample", ScoreKind.WINS, _Sample(opponents, seed))


SYM_SUM = Aggregation("sym-sum", ScoreKind.WINS, sym_sum)
BRADLEY_TERRY = Aggregation("bradley-terry", ScoreKind.LOG_ODDS, bradley_terry)

#: Each by the name that configuration and command line know it by.
AGGREGATIONS: Mapping[str, Aggregation] = {
    aggregation.name: aggregation
    for aggregation in (
        Aggregation("sum", ScoreKind.WINS, sum_wins),
        SYM_SUM,
        Aggregation("binary", ScoreKind.WINS, copeland),
        Aggregation("min", ScoreKind.PROBABILITY, worst_comparison),
        Aggregation("max", ScoreKind.PROBABILITY, best_comparison),
        sampling(),
        Aggregation("log-odds", ScoreKind.LOG_ODDS, log_odds),
        BRADLEY_TERRY,
        Aggregation("kemeny", ScoreKind.WINS, kemeny),
    )
}


def _beats(matrix: WinMatrix) -> list[list[float]]:
    rows = ((i, others) for i, others in enumerate(matrix.opponents()))
    return [[value for j in others if (value := matrix.beats(i, j)) is not None] for i, others in rows]


def _shown_first(matrix: WinMatrix) -> list[list[float]]:
    rows = ((i, others) for i, others in enumerate(matrix.opponents()))
    return [[value for j in others if (value := matrix.shown_first(i, j)) is not None] for i, others in rows]


def _total(n: int, values: Sequence[float]) -> float:
    """Add up; those not met count as even comparisons."""
    return math.fsum(values) + 0.5 * (n - 1 - len(values))


def _decided(value: float) -> float:
    return 0.5 if value == 0.5 else float(value > 0.5)


def _log_odds(value: float) -> float:
    kept = min(max(value, CERTAIN), 1.0 - CERTAIN)
    return math.log(kept / (1.0 - kept))
