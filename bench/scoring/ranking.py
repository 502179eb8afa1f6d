"""Rank tests of methods over blocks (data sets and seeds), and agreement between the blocks.

Scores are an array (blocks, methods); rank 1 is the best score, ties share their mean rank.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

FEWEST_METHODS, FEWEST_BLOCKS = 3, 2
"""What Friedman's test needs."""

ALPHA = 0.05


@dataclass(frozen=True)
class RankTest:
    """Friedman's test with Nemenyi's comparisons after it (Demšar, JMLR 7, 2006).

    ranks: mean rank per method; p: of Friedman's test; nemenyi: p of every pair, corrected for
    their number; critical_difference: of two mean ranks at `alpha`.
    """

    names: tuple[str, ...]
    blocks: int
    ranks: tuple[float, ...]
    p: float
    nemenyi: tuple[tuple[float, ...], ...]
    critical_difference: float
    alpha: float


@dataclass(frozen=True)
class Agreement:
    """How far blocks agree on the order of the methods.

    kendall_w: from 0 to 1, corrected for ties, None for two methods; mean_tau: mean Kendall τ-b of
    the pairs of blocks, None where no pair has one (all scores of a block equal).
    """

    blocks: int
    methods: int
    kendall_w: float | None
    mean_tau: float | None


def ranks(scores: np.ndarray) -> np.ndarray:
    """(blocks, methods): the rank of every score in its block, 1 the best."""
    from scipy.stats import rankdata

    return rankdata(-np.asarray(scores, float), axis=1)


def rank_test(names: Sequence[str], scores: np.ndarray, alpha: float = ALPHA) -> RankTest | None:
    """The test; None for fewer than three methods or two blocks, or where all scores are equal."""
    blocks, methods = np.shape(scores)
    if methods < FEWEST_METHODS or blocks < FEWEST_BLOCKS or not np.ptp(scores, axis=1).any():
        return None
    from scikit_posthocs import posthoc_nemenyi_friedman
    from scipy.stats import friedmanchisquare

    ordered = ranks(scores)
    return RankTest(
        names=tuple(names),
        blocks=blocks,
        ranks=tuple(ordered.mean(axis=0).tolist()),
        p=float(friedmanchisquare(*ordered.T).pvalue),
        nemenyi=tuple(map(tuple, posthoc_nemenyi_friedman(ordered).to_numpy().tolist())),
        critical_difference=critical_difference(methods, blocks, alpha),
        alpha=alpha,
    )


def critical_difference(methods: int, blocks: int, alpha: float = ALPHA) -> float:
    """How far two mean ranks must lie apart to differ at `alpha` (Nemenyi)."""
    from scipy.stats import studentized_range

    quantile = studentized_range.ppf(1 - alpha, methods, np.inf) / math.sqrt(2)
    return float(quantile * math.sqrt(methods * (methods + 1) / (6 * blocks)))


def agreement(scores: np.ndarray) -> Agreement | None:
    """How far the blocks order the methods alike; None for fewer than two of either."""
    from scipy.stats import kendalltau

    blocks, methods = np.shape(scores)
    if blocks < FEWEST_BLOCKS or methods < 2:
        return None
    taus = [float(kendalltau(one, other).statistic) for one, other in combinations(scores, 2)]
    known = [tau for tau in taus if not math.isnan(tau)]
    return Agreement(blocks, methods, _kendall_w(scores), float(np.mean(known)) if known else None)


def _kendall_w(scores: np.ndarray) -> float | None:
    """W = χ² / (blocks (methods - 1)), χ² being Friedman's, which corrects for ties."""
    from scipy.stats import friedmanchisquare

    blocks, methods = np.shape(scores)
    if methods < FEWEST_METHODS or not np.ptp(scores, axis=1).any():
        return None
    return float(friedmanchisquare(*np.transpose(scores)).statistic / (blocks * (methods - 1)))
