"""Confidence intervals and tests of scores, with subjects as units, not clips.

Clips of one person are alike, so resampling and permuting go over subjects. Everything is computed
from one confusion matrix per subject: an array (..., S, C, C), S subjects, C classes, rows true,
columns predicted. Axes before S are repeated runs (seeds) of one configuration, whose scores are
averaged; a resample takes the same subjects in each of them. The tests are SciPy's and
statsmodels'.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from bench.errors import DataError
from bench.protocol.metrics import AT_ONCE, Statistic, metrics, uar
from bench.seeds import derive_seed

DRAWS = 10_000
"""Resamples of an interval and permutations of a test."""

LEVEL = 0.95

ROUNDING = 1e-9
"""By how much equal scores may differ in the last digits."""


@dataclass(frozen=True)
class Interval:
    """A percentile bootstrap interval over subjects, expanded for few of them.

    Where other units are resampled too, it is expanded for the fewest. `low` and `high` are None
    where there are fewer than two of any, or there is no score.
    """

    estimate: float
    low: float | None
    high: float | None
    level: float
    draws: int
    subjects: int

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)


@dataclass(frozen=True)
class Difference:
    """A difference and the two-sided p value under the hypothesis that there is none."""

    estimate: float
    p: float
    method: str

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)


@dataclass(frozen=True)
class Chance:
    """A score beside those of permuted predictions (`against_chance`).

    expected: the mean of the latter; p: the share of them that is at least as high (one-sided).
    """

    estimate: float
    expected: float
    p: float
    draws: int

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)


def bootstrap(
    matrices: np.ndarray,
    statistic: Statistic = uar,
    *,
    draws: int = DRAWS,
    generator: np.random.Generator,
) -> Interval:
    """The interval of the score pooled over subjects, averaged over the axes before them.

    matrices: (..., S, C, C).
    """

    def score(chosen: np.ndarray) -> np.ndarray:
        return _averaged(matrices, statistic, chosen)

    return resampled(score, matrices.shape[-3:-2], draws, generator)


def score_intervals(
    matrices: np.ndarray, names: Iterable[str] | None = None, draws: int = DRAWS, seed: int = 0
) -> dict[str, Interval]:
    """Metric -> its interval as every command and page shows it; names: None for all metrics.

    matrices: (..., S, C, C). The same seed draws the same subjects for each metric.
    """
    known = metrics()
    return {
        name: bootstrap(
            matrices,
            known[name].function,
            draws=draws,
            generator=np.random.default_rng(derive_seed(seed, "bootstrap")),
        )
        for name in (known if names is None else names)
    }


def paired_bootstrap(
    first: np.ndarray,
    second: np.ndarray,
    statistic: Statistic = uar,
    *,
    draws: int = DRAWS,
    generator: np.random.Generator,
) -> Interval:
    """The interval of score(first) - score(second), the same subjects drawn in both.

    first, second: (..., S, C, C) of the same S subjects in the same order.
    """

    def difference(chosen: np.ndarray) -> np.ndarray:
        return _averaged(first, statistic, chosen) - _averaged(second, statistic, chosen)

    return resampled(difference, (_paired_subjects(first, second),), draws, generator)


def paired_replicates_bootstrap(
    first: np.ndarray,
    second: np.ndarray,
    statistic: Statistic = uar,
    *,
    draws: int = DRAWS,
    generator: np.random.Generator,
) -> Interval:
    """The interval of the mean of score(first) - score(second) over R pairs.

    Pairs and subjects are resampled independently of each other, the same subjects in every pair.
    It errs towards wide intervals. first, second: (R, ..., S, C, C), seeds in between are averaged.
    (Owen, The pigeonhole bootstrap, Annals of Applied Statistics 1, 2007)
    """

    def difference(pairs: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        apart = _by_replicate(first, statistic, chosen) - _by_replicate(second, statistic, chosen)
        return np.take_along_axis(apart, pairs, axis=-1).mean(axis=-1)

    sizes = (len(first), _paired_subjects(first, second))
    return resampled(difference, sizes, draws, generator)


def replicates_bootstrap(
    first: np.ndarray,
    second: np.ndarray,
    statistic: Statistic = uar,
    *,
    draws: int = DRAWS,
    generator: np.random.Generator,
) -> Interval:
    """The interval of the mean score of `first` minus that of `second`.

    Their replicates (searches, say) have nothing to do with each other and are resampled apart, the
    subjects together. first: (R, ..., S, C, C), second: (R', ..., S, C, C).
    """

    def difference(one: np.ndarray, other: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        means = [
            np.take_along_axis(_by_replicate(each, statistic, chosen), drawn, axis=-1).mean(axis=-1)
            for each, drawn in ((first, one), (second, other))
        ]
        return means[0] - means[1]

    sizes = (len(first), len(second), _paired_subjects(first, second))
    return resampled(difference, sizes, draws, generator)


def exchange_test(
    first: Sequence[float] | np.ndarray,
    second: Sequence[float] | np.ndarray,
    exchanged: Literal["samples", "independent"],
    *,
    draws: int = DRAWS,
    generator: np.random.Generator,
) -> Difference:
    """Permutation test of whether two groups of scores have the same mean.

    exchanged: the two scores of a pair (`samples`: the signs of their differences are flipped), or
    all scores among both groups (`independent`). Each group has two scores or more. Every
    assignment is tried where there are no more than `draws`.
    """
    from scipy.stats import permutation_test as scipy_test

    found = scipy_test(
        (np.asarray(first, float), np.asarray(second, float)),
        lambda one, other, axis: one.mean(axis=axis) - other.mean(axis=axis),
        permutation_type=exchanged,
        vectorized=True,
        n_resamples=draws,
        rng=generator,
    )
    return Difference(float(found.statistic), float(found.pvalue), f"permutation, {exchanged}")


def permutation_test(
    first: np.ndarray,
    second: np.ndarray,
    statistic: Statistic = uar,
    *,
    draws: int = DRAWS,
    generator: np.random.Generator,
) -> Difference:
    """Paired permutation test of whether two methods score differently.

    Under the null hypothesis the two methods may be exchanged; all predictions of a subject are
    exchanged together. Every assignment is tried where there are no more than `draws`, else that
    many are drawn. first, second: (..., S, C, C), the same shape. Raises DataError for one subject.
    """
    from scipy.stats import permutation_test as scipy_test

    count = _paired_subjects(first, second)
    if count < 2:
        raise DataError("all clips are of one subject: to test a difference takes at least two")
    both = np.concatenate([first, second], axis=-3)

    def difference(one: np.ndarray, other: np.ndarray, axis: int) -> np.ndarray:
        return _averaged(both, statistic, one) - _averaged(both, statistic, other)

    found = scipy_test(
        (np.arange(count), np.arange(count, 2 * count)),
        difference,
        permutation_type="samples",
        vectorized=True,
        axis=-1,
        n_resamples=draws,
        batch=AT_ONCE,
        rng=generator,
    )
    way = "every assignment" if 2**count <= draws else f"{draws} assignments drawn"
    return Difference(
        float(found.statistic), float(found.pvalue), f"permutation over subjects, {way}"
    )


def against_chance(
    matrices: np.ndarray,
    statistic: Statistic = uar,
    *,
    draws: int = DRAWS,
    generator: np.random.Generator,
) -> Chance:
    """Permutation test of whether predictions depend on the labels at all.

    The predictions are permuted among each subject's clips. That keeps how often each class is
    predicted for a subject, so that a network that prefers a class gains nothing by it. Scores are
    averaged over the axes before the subjects. matrices: (..., S, C, C), some clip in each
    (..., C, C).
    """
    from scipy.stats import random_table

    estimate = float(statistic(matrices.sum(axis=-3)).mean())
    pooled = (draws, *matrices.shape[:-3], *matrices.shape[-2:])
    permuted = np.zeros(pooled)
    for place in np.ndindex(matrices.shape[:-2]):
        table = random_table(matrices[place].sum(1), matrices[place].sum(0))
        permuted[:, *place[:-1]] += table.rvs(draws, random_state=generator)
    scores = statistic(permuted).reshape(draws, -1).mean(axis=1)
    as_high = int((scores >= estimate - ROUNDING).sum())
    return Chance(estimate, float(scores.mean()), (1 + as_high) / (1 + draws), draws)


def mcnemar(
    first_right: Sequence[bool] | np.ndarray, second_right: Sequence[bool] | np.ndarray
) -> Difference:
    """McNemar's exact test on the clips that only one of the two has right.

    The estimate is their difference in accuracy. The test takes clips as independent, which clips
    of one person are not: `permutation_test` does not. (McNemar 1947)
    """
    from scipy.stats import binomtest

    first, second = np.asarray(first_right, bool), np.asarray(second_right, bool)
    ahead, behind = int((first & ~second).sum()), int((second & ~first).sum())
    p = binomtest(ahead, ahead + behind).pvalue if ahead + behind else 1.0
    estimate = (ahead - behind) / max(1, len(first))
    return Difference(estimate, float(p), f"McNemar, exact, {ahead} against {behind} clips")


def combined_p(p_values: Sequence[float]) -> float:
    """One p value of several on the same data (one per seed), whatever their dependence.

    With k the middle rank of n, n/k times the k-th smallest: the p value itself for n = 1, twice
    the smaller for 2. (Rüger, Metrika 25, 1978)
    """
    ordered = sorted(p_values)
    rank = (len(ordered) + 1) // 2
    return min(1.0, ordered[rank - 1] * len(ordered) / rank)


def holm(p_values: Sequence[float]) -> list[float]:
    """The p values corrected for their number (Holm 1979): below α with error α over all."""
    if len(p_values) < 2:
        return [float(p) for p in p_values]
    from statsmodels.stats.multitest import multipletests

    return multipletests(p_values, method="holm")[1].tolist()


def resampled(
    statistic: Callable[..., np.ndarray],
    sizes: Sequence[int],
    draws: int,
    generator: np.random.Generator,
    level: float = LEVEL,
) -> Interval:
    """The interval of any statistic of units drawn with replacement, each kind on its own.

    sizes: how many of each kind, subjects last; statistic: for each kind indices (..., size) ->
    values (...).
    """
    from scipy.stats import bootstrap as scipy_bootstrap

    everyone = tuple(map(np.arange, sizes))
    estimate = float(statistic(*everyone))
    if min(sizes) < 2 or math.isnan(estimate):
        return Interval(estimate, None, None, level, draws, sizes[-1])
    found = scipy_bootstrap(
        everyone,
        lambda *chosen, axis: statistic(*chosen),
        vectorized=True,
        n_resamples=draws,
        batch=AT_ONCE,
        confidence_level=_expanded(level, min(sizes)),
        method="percentile",
        rng=generator,
    )
    low, high = map(float, found.confidence_interval)
    return Interval(estimate, low, high, level, draws, sizes[-1])


def _expanded(level: float, count: int) -> float:
    """The level whose percentiles cover `level` for few units: t instead of normal quantiles.

    Plain percentiles of 16 subjects are 3 to 4 % short. (Hesterberg, The American Statistician 69,
    2015)
    """
    from scipy.stats import norm, t

    quantile = t.ppf((1 + level) / 2, count - 1) * math.sqrt(count / (count - 1))
    return float(2 * norm.cdf(quantile) - 1)


def _averaged(matrices: np.ndarray, statistic: Statistic, chosen: np.ndarray) -> np.ndarray:
    """Scores of the subjects in `chosen` (..., S), averaged over the runs (axes before S)."""
    return _by_replicate(matrices[None], statistic, chosen)[..., 0]


def _by_replicate(matrices: np.ndarray, statistic: Statistic, chosen: np.ndarray) -> np.ndarray:
    """Scores (..., R) of the subjects in `chosen` (..., S); those of a replicate are averaged.

    matrices: (R, ..., S, C, C).
    """
    count = (chosen[..., None] == np.arange(matrices.shape[-3])).sum(axis=-2)
    pooled = np.tensordot(count, matrices, axes=(-1, -3))  # (..., R, runs, C, C)
    scores = statistic(pooled)
    return scores.mean(axis=tuple(range(count.ndim, scores.ndim)))


def _paired_subjects(first: np.ndarray, second: np.ndarray) -> int:
    if first.shape[-3:] != second.shape[-3:]:
        raise ValueError(
            f"paired matrices (..., S, C, C) are of shapes {first.shape} and {second.shape}; "
            "expected the same subjects and classes"
        )
    return first.shape[-3]
