"""What comparisons say about strengths, where any of them may be wrong: a normal distribution over all strengths.

Before anything is asked, strengths are normal with the means of the first stage's ranks. An answer is right with an
unknown rate; if it is, the stronger one won, by Thurstone's model (1927, "A Law of Comparative Judgment"). What all
answers together say is approximated by expectation propagation (Minka 2001, "Expectation Propagation for Approximate
Bayesian Inference"; for contests, Herbrich, Minka and Graepel 2006, "TrueSkill"), which stays exact in the mean and
spread of every single difference, where Laplace's approximation goes by the peak; the rate of wrong answers is
fitted along with it. A wrong answer that the others contradict costs a candidate little, whoever it lost to.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from rankkit.pairwise.comparisons import Pair

Array = npt.NDArray[np.float64]

#: How far strengths of equal use may seem apart to the judge, in standard deviations of all strengths.
SPREAD = 0.1
#: What is believed of the judge beforehand, as answers seen: so many wrong ones among so many.
WRONG, SEEN = 6.0, 20.0
#: Draws of all strengths together from which probabilities are counted.
DRAWS = 512
#: Steps of expectation propagation after each round, which goes on from where the last one ended.
STEPS = 6
#: How much of each step is taken: whole ones, of all answers at once, can swing.
DAMPING = 0.6
#: An answer never says less than this, so that what they say together stays a distribution.
LEAST = 1e-4


class Posterior:
    """What is known of the strengths of ``n`` candidates, of which the best ``k`` are wanted.

    ``correlation`` is that of the first stage's order with the strengths, at least 0 and less than 1.
    """

    def __init__(self, n: int, k: int, correlation: float) -> None:
        ranks = [NormalDist().inv_cdf(1.0 - (item + 0.5) / n) for item in range(n)]
        self._k = k
        self._precision = 1.0 / (1.0 - correlation**2)
        self._shift = correlation * np.array(ranks) * self._precision
        self._first = self._second = np.zeros(0, dtype=np.intp)
        self._says = self._weight = self._pull = np.zeros(0)
        self._normals = np.random.default_rng(0).standard_normal((DRAWS, n))
        self.error_rate = WRONG / SEEN
        self._settle()

    def update(self, answers: Mapping[Pair, float]) -> None:
        """Take in all answers so far: P(first beats second) by the pair as it was shown. Those that were there before
        come first, as a ``dict`` that grows has them.
        """
        known = len(self._says)
        new = list(answers)[known:]
        self._first = np.append(self._first, [pair[0] for pair in new]).astype(np.intp)
        self._second = np.append(self._second, [pair[1] for pair in new]).astype(np.intp)
        self._says = np.append(self._says, [answers[pair] for pair in new])
        self._weight = np.append(self._weight, np.zeros(len(new)))
        self._pull = np.append(self._pull, np.zeros(len(new)))
        if len(self._says):
            for _ in range(STEPS):
                self._step()
        self._settle()

    def _step(self) -> None:
        """Ask of each answer what it adds to all others: the mean and variance of the difference that it is about."""
        i, j = self._first, self._second
        variance = self._covariance[i, i] + self._covariance[j, j] - 2.0 * self._covariance[i, j]
        without = np.maximum(1.0 / variance - self._weight, LEAST)
        mean = ((self.means[i] - self.means[j]) / variance - self._pull) / without
        variance = 1.0 / without
        spread = np.sqrt(variance + SPREAD**2)
        place = mean / spread
        first_wins = normal_cdf(place)
        # The answer's own doubt and the rate of wrong ones make one: how likely it speaks for the first.
        slope = (1.0 - 2.0 * self.error_rate) * (2.0 * self._says - 1.0)
        evidence = (1.0 - slope) / 2.0 + slope * first_wins
        gradient = slope * np.exp(-(place**2) / 2.0) / math.sqrt(2.0 * math.pi) / evidence / spread
        curvature = gradient * place / spread + gradient**2
        shrunk = 1.0 - curvature * variance
        weight, pull = curvature / shrunk, (gradient + curvature * mean) / shrunk
        # An unlikely answer makes the difference less certain, not more: only its direction is kept.
        odd = weight < LEAST
        weight, pull = np.where(odd, LEAST, weight), np.where(odd, gradient + LEAST * mean, pull)
        self._weight = self._weight + DAMPING * (weight - self._weight)
        self._pull = self._pull + DAMPING * (pull - self._pull)
        self._fit_error_rate(first_wins)
        self._combine()

    def _fit_error_rate(self, first_wins: Array) -> None:
        """The mean of what was believed and of what the answers, each judged by the others, look like."""
        right = np.where(self._says > 0.5, first_wins, 1.0 - first_wins)
        wrong = self.error_rate * (1.0 - right)
        sure = np.abs(2.0 * self._says - 1.0)
        share = sure * wrong / (wrong + (1.0 - self.error_rate) * right)
        self.error_rate = min(0.45, (WRONG + float(share.sum())) / (SEEN + float(sure.sum())))

    def _combine(self) -> None:
        i, j, n = self._first, self._second, len(self._shift)
        precision = np.diag(np.full(n, self._precision))
        np.add.at(precision, (np.r_[i, j], np.r_[i, j]), np.r_[self._weight, self._weight])
        np.add.at(precision, (np.r_[i, j], np.r_[j, i]), -np.r_[self._weight, self._weight])
        shift = self._shift.copy()
        np.add.at(shift, np.r_[i, j], np.r_[self._pull, -self._pull])
        self._covariance: Array = np.linalg.inv(precision)
        self.means: Array = self._covariance @ shift

    def _settle(self) -> None:
        """Draw strengths, and count places."""
        self._combine()
        root = np.linalg.cholesky(self._covariance + 1e-9 * np.eye(len(self.means)))
        order = np.argsort(-(self.means + self._normals @ root.T), axis=1, kind="stable")
        self._places = np.empty_like(order)
        np.put_along_axis(self._places, order, np.arange(len(self.means))[None, :], axis=1)

    @property
    def in_top(self) -> Array:
        """For each candidate the probability that it belongs to the best ``k``."""
        share: Array = (self._places < self._k).mean(axis=0)
        return share

    def settled(self, top: list[int]) -> float:
        """The probability that these are the best ``k``, in whichever order."""
        return float((self._places[:, top] < self._k).all(axis=1).mean())

    def misplaced(self, among: int) -> list[tuple[float, Pair]]:
        """The pairs of the ``among`` likeliest to be on top, each with what an answer about it is worth: the
        probability that it now stands the wrong way round, times what the places of the two differ by in discounted
        gain (nothing below place ``k``), in the mean over the draws. Those worth most come first.
        """
        of_place = np.where(np.arange(len(self.means)) < self._k, 1.0 / np.log2(np.arange(len(self.means)) + 2.0), 0.0)
        gains = of_place[self._places.T]
        chosen = np.sort(np.argsort(-(gains.mean(axis=1) + 1e-6 * self.means), kind="stable")[:among])
        one, other = np.triu_indices(len(chosen), 1)
        kept = gains[chosen]
        differ = np.concatenate([np.abs(kept[at + 1 :] - kept[at]).mean(axis=1) for at in range(len(chosen))])
        i, j = chosen[one], chosen[other]
        variance = self._covariance[i, i] + self._covariance[j, j] - 2.0 * self._covariance[i, j]
        wins = normal_cdf((self.means[i] - self.means[j]) / np.sqrt(variance + SPREAD**2))
        worth = np.minimum(wins, 1.0 - wins) * differ
        order = np.argsort(-worth, kind="stable")
        return [(float(worth[place]), (int(i[place]), int(j[place]))) for place in order]


def normal_cdf(values: Array) -> Array:
    """The standard normal distribution's, to the last digit (numpy has none)."""
    flat = [math.erfc(-value / math.sqrt(2.0)) / 2.0 for value in values.ravel().tolist()]
    return np.array(flat).reshape(values.shape)
