"""The diagonals of confusion matrices that can have claimed scores, built class by class.

Beginnings are left out whose bounds on UF1 are too far off. With S_c = n_c + TP_c + FP_c, UF1 is
the mean of 2 TP_c / S_c, and Σ S_c = 2N for N clips. For any price μ > 0 the least Σ 2 TP_c / S_c
is at least that of the classes one by one, each free to choose its S_c at that price, less 2Nμ
(Lagrangian duality); so is the largest, with signs turned. The hits of the classes to come are
shared among them exactly, by dynamic programming over their sum.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from functools import partial
from typing import NamedTuple

import numpy as np

from bench.errors import UsageError
from reports.audit.claim import Claim

BLOCK = 50_000
"""Diagonals held in memory at a time."""

MOST_CLIPS = 20_000
"""Above, the tables of `_Bounds` take gigabytes, and a single step minutes."""

PRICES = 12
"""Values of μ of which the closest bound is taken; they only decide how close it is."""


class _Limits(NamedTuple):
    """Closed bounds on Σ TP_c and on Σ TP_c · unit / n_c, where unit is a multiple of all n_c."""

    unit: int
    hits: tuple[int, int]
    recalls: tuple[int, int]


def common_unit(counts: np.ndarray) -> int:
    """The least multiple of all counts; UsageError where they are too many for a search."""
    unit = math.lcm(*counts.tolist())
    if counts.sum() > MOST_CLIPS or unit * len(counts) >= 2**62:
        raise UsageError(
            f"{'/'.join(map(str, counts))} clips per class are too many for an exact search; give "
            "the accuracy alone (--acc)"
        )
    return unit


def _limits(
    counts: np.ndarray, claims: Mapping[str, Claim], reach: Callable[[str], float]
) -> _Limits:
    unit = common_unit(counts)
    wholes = {"acc": int(counts.sum()), "uar": unit * len(counts)}
    bounds = {name: (0, whole) for name, whole in wholes.items()}
    for name in wholes.keys() & claims.keys():
        claim, whole = claims[name], wholes[name]
        margin = claim.tolerance * Fraction(reach(name))
        bounds[name] = (
            max(0, math.ceil((claim.value - margin) * whole)),
            min(whole, math.floor((claim.value + margin) * whole)),
        )
    return _Limits(unit, bounds["acc"], bounds["uar"])


def diagonals(
    counts: np.ndarray,
    claims: Mapping[str, Claim],
    reach: Callable[[str], float],
    watch: Callable[[float], None],
) -> Iterator[np.ndarray]:
    """All TP that a matrix within `reach(score)` tolerances of the claims can have, in blocks.

    (D, K) each. `reach` may fall while they are taken; of a UF1 that is too far off some are left
    out. One number of right clips after the other where the accuracy is claimed with UF1: the
    bounds on UF1 are closest for a single one.
    """
    limits = _limits(counts, claims, reach)
    sums = [limits.hits]
    if claims.keys() >= {"acc", "uf1"}:
        middle = float(claims["acc"].value) * counts.sum()
        each = range(limits.hits[0], limits.hits[1] + 1)
        sums = [(right, right) for right in sorted(each, key=lambda right: abs(right - middle))]
    for index, hits in enumerate(sums):
        now = _limits(counts, claims, reach)
        if now.hits[0] <= hits[1] and hits[0] <= now.hits[1]:
            here, done = now._replace(hits=hits), index / len(sums)
            branches = _Branches(counts, here, claims.get("uf1"), reach, watch, done)
            nothing = np.zeros((1, 0), dtype=np.int64)
            yield from branches.grown(nothing, done, 1 / len(sums))


class _Branches:
    """The diagonals within limits, built class by class."""

    def __init__(
        self,
        counts: np.ndarray,
        limits: _Limits,
        uf1: Claim | None,
        reach: Callable[[str], float],
        watch: Callable[[float], None],
        done: float,
    ) -> None:
        self.counts, self.limits, self.uf1 = counts, limits, uf1
        self.reach, self.watch = reach, watch
        self.bounds = _Bounds(counts, limits.hits, partial(watch, done)) if uf1 else None

    def grown(self, hits: np.ndarray, done: float, share: float) -> Iterator[np.ndarray]:
        """The diagonals that begin with one of `hits` (P, columns), in blocks (D, K).

        done: what is searched already, share: what these are of it all.
        """
        self.watch(done)
        if hits.shape[1] == len(self.counts):
            yield hits
            return
        least, most = self._range(hits)
        ends = np.cumsum(np.maximum(most - least + 1, 0)) // BLOCK
        parts = np.split(np.arange(len(hits)), np.flatnonzero(np.diff(ends)) + 1)
        for index, part in enumerate(parts):
            owner, value = ragged(least[part], most[part])
            longer = self._near(np.column_stack([hits[part][owner], value]))
            if len(longer):
                yield from self.grown(longer, done + share * index / len(parts), share / len(parts))

    def _range(self, hits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Least and largest TP of the next class, (P,) each."""
        counts, limits, column = self.counts, self.limits, hits.shape[1]
        weights = limits.unit // counts
        found, recalls = hits.sum(axis=1), hits @ weights[:column]
        later, classes_later = counts[column + 1 :].sum(), len(counts) - column - 1
        least = np.maximum(
            limits.hits[0] - found - later,
            -((recalls + classes_later * limits.unit - limits.recalls[0]) // weights[column]),
        )
        most = np.minimum(limits.hits[1] - found, (limits.recalls[1] - recalls) // weights[column])
        return np.maximum(least, 0), np.minimum(most, counts[column])

    def _near(self, hits: np.ndarray) -> np.ndarray:
        """Those that can have a UF1 near enough, the nearest first."""
        if self.bounds is None or self.uf1 is None:
            return hits
        low, high = self.bounds.of(hits)
        value, tolerance = float(self.uf1.value), float(self.uf1.tolerance)
        gap = np.maximum(np.maximum(low - value, value - high), 0) / tolerance
        near = np.flatnonzero(gap <= self.reach("uf1"))
        return hits[near[np.argsort(gap[near], kind="stable")]]


class _Bounds:
    """Of matrices over `counts` clips per class with `hits` right answers (least, most) in all."""

    def __init__(
        self, counts: np.ndarray, hits: tuple[int, int], watch: Callable[[], None]
    ) -> None:
        self._here = list(_alone(counts, hits[0]))
        sums = np.zeros((2, PRICES, 1))  # over the sum of the hits of the classes to come
        self._later = [_by_hits_before(sums, counts, hits, watch)]
        for here in reversed(self._here):
            sums = _min_plus(sums, here, watch)
            self._later.insert(0, _by_hits_before(sums, counts, hits, watch))

    def of(self, hits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Least and largest UF1, (P,) each, of diagonals that begin with `hits` (P, columns)."""
        columns = hits.shape[1]
        sums = self._later[columns][:, :, hits.sum(axis=1)]
        for here, values in zip(self._here[:columns], hits.T, strict=True):
            sums += here[:, :, values]
        least, most = sums.max(axis=1) / len(self._here)
        return least, -most


def _alone(counts: np.ndarray, fewest: int) -> Iterator[np.ndarray]:
    """For each class and its hits h: least F1 + μ (S - 2N/K), and minus the largest, (2, M, h)."""
    total = counts.sum()
    prices = np.geomspace(0.05 / total, 0.5, PRICES)[:, None]
    for count in counts:
        hits = np.arange(count + 1)
        low = count + hits
        high = low + np.clip(total - fewest - count + hits, 0, total - count)
        best = np.clip(np.sqrt(2 * hits / prices), low, high)
        least, *ends = (
            2 * hits / size + prices * (size - 2 * total / len(counts))
            for size in (best, low, high)
        )
        yield np.stack([least, -np.maximum(*ends)])


def _by_hits_before(
    sums: np.ndarray, counts: np.ndarray, hits: tuple[int, int], watch: Callable[[], None]
) -> np.ndarray:
    """The least of `sums` that the hits of the earlier classes leave, over those (2, M, N + 1)."""
    found = np.full((*sums.shape[:2], counts.sum() + 1), np.inf)
    for before in _watched(found.shape[2], watch):
        left = sums[:, :, max(hits[0] - before, 0) : max(hits[1] - before + 1, 0)]
        if left.shape[2]:
            found[:, :, before] = left.min(axis=2)
    return found


def _min_plus(one: np.ndarray, other: np.ndarray, watch: Callable[[], None]) -> np.ndarray:
    """Over each sum of their last indices, the least sum of an element of each."""
    size = one.shape[2]
    result = np.full((*one.shape[:2], size + other.shape[2] - 1), np.inf)
    for index in _watched(other.shape[2], watch):
        part = result[:, :, index : index + size]
        np.minimum(part, one + other[:, :, index : index + 1], out=part)
    return result


def _watched(steps: int, watch: Callable[[], None]) -> Iterator[int]:
    """So many steps, with a look at the clock now and then."""
    for step in range(steps):
        if step % 256 == 255:
            watch()
        yield step


def ragged(low: np.ndarray, high: np.ndarray, step: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Every step-th integer of each closed range, in order: (index of its range, integer)."""
    lengths = np.maximum((high - low) // step + 1, 0)
    owner = np.repeat(np.arange(len(lengths)), lengths)
    begin = np.cumsum(lengths) - lengths
    return owner, (np.arange(len(owner)) - begin[owner]) * step + low[owner]
