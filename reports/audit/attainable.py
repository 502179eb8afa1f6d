"""Can any confusion matrix have these scores? An exact search over all matrices of a data set.

Acc, UAR and UF1 of a confusion matrix with row sums n_c (clips of class c) depend only on its
diagonal TP_c and on the false positives FP_c of each column: F1_c = 2 TP_c / (n_c + TP_c + FP_c).
With errors e_c = n_c - TP_c and E = Σ e_c, a matrix with given TP and FP exists if and only if
FP_c >= 0, Σ FP_c = E and FP_c <= E - e_c: a class's own errors are predicted as other classes
(`arrange` builds the matrix). For a fixed diagonal, UF1 is convex and separable in FP. So its
maximum is at a vertex, where all errors of the other classes are predicted as one class a and the
errors of a as one class b; and its minimum is found by giving each error to the column where it
costs most. The search builds the diagonals within the claimed Acc and UAR class by class, leaves
out beginnings whose bounds on UF1 are too far off (`reports.audit.diagonals`), and tries every FP
("splits" of the errors over the columns) of a diagonal whose UF1 can lie on either side of the
claim. Of many classes or errors a diagonal may have more than MOST_SPLITS: then evenly spaced ones
are tried. Their UF1 lie densely between the bounds, so that one within the tolerance is found
nearly always, and is proof; where none is, and the bounds do not rule it out, the claim stays
undecided.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import NamedTuple

import numpy as np

from reports.audit.claim import SLACK, Claim
from reports.audit.diagonals import common_unit, diagonals, ragged
from reports.audit.matrices import arrange, confusion_scores, exact_scores

MOST_SPLITS = 100_000
"""Splits of a diagonal that are tried, of more than three classes."""

MOST_OF_THREE = 10_000_000
"""Likewise of up to three classes: all, but of diagonals with more than four thousand errors."""

TOO_MANY = "with the splits tried of too many; give fewer scores, or a larger --tolerance"
"""Why a search that MOST_SPLITS bounds has no answer."""

BLOCK = 50_000
"""Splits held in memory at a time."""


class TimeUp(Exception):
    """Raised by a watch to end the search; the text follows "not decided"."""


Watch = Callable[[str, float], None]
"""Is told what is searched and the share of it that is done, 0 to 1; may raise TimeUp."""


@dataclass(frozen=True)
class Nearest:
    """A confusion matrix (rows true), its scores, and whether they are within all tolerances.

    `misfit` is the largest difference from a claim in units of that claim's tolerance: 1 or less
    where the claims are attained. `ended` says why the search ended before all was searched, and is
    empty after a complete one; no matrix has a misfit below `least`.
    """

    confusion: tuple[tuple[int, ...], ...]
    scores: Mapping[str, Fraction]
    misfit: float
    attained: bool
    least: float
    ended: str = ""

    @property
    def verdict(self) -> str:
        """Whether the claims are attainable, unattainable or undecided."""
        if self.attained:
            return "attainable"
        return "undecided" if self.ended and self.least < 1 else "unattainable"


def unwatched(what: str, share: float) -> None:
    """A watch that lets the search end by itself."""


def nearest(
    counts: Sequence[int], claims: Mapping[str, Claim], watch: Watch = unwatched
) -> Nearest:
    """A matrix over `counts` clips per class with the claimed scores, or the nearest to them.

    claims: one or more of SCORES, with tolerances of at least FINEST. Where no matrix is within the
    tolerances, the result has the least possible misfit, so misfit × tolerance is the smallest
    tolerance that would do. Where one is, the result is an example; others may fit more closely.
    Where `watch` ended the search, or a diagonal has too many splits to tell, the result is the
    nearest matrix found so far and `ended` says so. Raises UsageError where the clips per class are
    too many for whole numbers of 64 bits.
    """
    clips = np.asarray(counts)
    if claims.keys() == {"acc"}:
        return _accuracy_alone(clips, claims)
    common_unit(clips)
    search = _Search(clips, claims, watch)
    reach = 1  # tolerances are multiplied by it until a matrix is within them
    try:
        while not search.ends_within(reach):
            reach *= 2
    except TimeUp as end:
        return _nearest(clips, claims, search.best, 0 if reach == 1 else reach / 2, str(end))
    ended = TOO_MANY if search.thinned else ""
    return _nearest(clips, claims, search.best, 0 if ended else search.best.misfit, ended)


def _accuracy_alone(counts: np.ndarray, claims: Mapping[str, Claim]) -> Nearest:
    """A matrix with the nearest number of right clips, whose accuracy every split of them has."""
    total = int(counts.sum())
    below = math.floor(claims["acc"].value * total)
    right = min((below, min(below + 1, total)), key=lambda n: abs(n / total - claims["acc"].value))
    before = np.cumsum(counts) - counts
    hits = np.clip(right - before, 0, counts)
    best = _candidates(counts, claims, hits[None]).best()
    return _nearest(counts, claims, best, best.misfit)


def uf1_range(
    counts: Sequence[int], claims: Mapping[str, Claim], watch: Watch = unwatched
) -> tuple[float, float] | None:
    """Least and largest UF1 of all matrices with the claimed Acc and UAR; None if none has them."""
    ends = [_nearest_uf1(np.asarray(counts), claims, end, watch) for end in (0, 1)]
    low, high = ends
    return None if low is None or high is None else (low, high)


def _nearest_uf1(
    counts: np.ndarray, claims: Mapping[str, Claim], end: int, watch: Watch
) -> float | None:
    """The UF1 nearest to 0 or 1 of all matrices with the claimed Acc and UAR."""
    found: float | None = None

    def reach(name: str) -> float:
        return 1 if name != "uf1" or found is None else abs(found - end) + SLACK

    claims = {**claims, "uf1": Claim(Fraction(end), Fraction(1))}
    said = partial(watch, f"matrices with a UF1 towards {end}")
    for hits in diagonals(counts, claims, reach, said):
        near = hits[_uf1_floor(counts, hits) <= reach("uf1")] if end == 0 else hits
        splits = [_least_split(counts, near)] if end == 0 else _vertices(counts, near)
        values = [value for wrong in splits for value in _uf1(counts, near, wrong)]
        if values:
            nearest_value = float(min(values) if end == 0 else max(values))
            if found is None or abs(nearest_value - end) < abs(found - end):
                found = nearest_value
    return found


class _Candidate(NamedTuple):
    """TP and FP of a matrix; `distance`, the sum over the claims, breaks ties of the misfit."""

    hits: list[int]
    wrong: list[int]
    misfit: float
    distance: float

    def beats(self, other: _Candidate) -> bool:
        if abs(self.misfit - other.misfit) <= SLACK:
            return self.distance < other.distance
        return self.misfit < other.misfit


class _Candidates(NamedTuple):
    """D candidates: `hits` and `wrong` (D, K), `misfit` and `distance` (D,)."""

    hits: np.ndarray
    wrong: np.ndarray
    misfit: np.ndarray
    distance: np.ndarray

    def best(self) -> _Candidate:
        """The one of least distance among those of least misfit."""
        least = np.flatnonzero(self.misfit <= self.misfit.min() + SLACK)
        chosen = least[self.distance[least].argmin()]
        return _Candidate(*(each[chosen].tolist() for each in self))


class _Search:
    """The nearest matrix found so far; it begins with one of about the claimed level."""

    def __init__(self, counts: np.ndarray, claims: Mapping[str, Claim], watch: Watch) -> None:
        self.counts, self.claims, self.watch = counts, claims, watch
        level = min(max(float(next(iter(claims.values())).value), 0), 1)
        some = np.round(counts * level).astype(np.int64)[None]
        self.best = _candidates(counts, claims, some).best()
        self.thinned = False

    def ends_within(self, reach: float) -> bool:
        """Whether a matrix is within `reach` tolerances: `best` then; ends early at a misfit of 1.

        Also where one may be, and there were too many splits to try each.
        """

        def allowed(name: str) -> float:
            return min(reach, self.best.misfit) + SLACK

        said = partial(self.watch, f"matrices within {reach} tolerances")
        for hits in diagonals(self.counts, self.claims, allowed, said):
            self._try(hits, reach)
            if self.best.misfit <= 1:
                return True
        return self.thinned or self.best.misfit <= reach

    def _try(self, hits: np.ndarray, reach: float) -> None:
        counts, claims = self.counts, self.claims
        bound = _misfit_bound(counts, claims, hits)
        for part in _portions(counts, hits, bound, min(reach, self.best.misfit) + SLACK):
            if bound[part[0]] > self.best.misfit + SLACK or self.best.misfit <= 1:
                return
            found = _candidates(counts, claims, hits[part]).best()
            if found.beats(self.best):
                self.best = found
            close = "uf1" in claims and bound[part[0]] <= 1 < self.best.misfit
            self.thinned |= close and _stride(counts, hits[part]) > 1


def _nearest(
    counts: np.ndarray,
    claims: Mapping[str, Claim],
    best: _Candidate,
    least: float,
    ended: str = "",
) -> Nearest:
    confusion = arrange(counts.tolist(), best.hits, best.wrong)
    scores = confusion_scores(confusion)
    return Nearest(confusion, scores, best.misfit, _hold(claims, scores), least, ended)


def _candidates(counts: np.ndarray, claims: Mapping[str, Claim], hits: np.ndarray) -> _Candidates:
    """Splits of each diagonal; one of each where UF1, which alone depends on it, is not claimed.

    Else those of largest and least UF1, and all others where the claim is between the two.
    """
    ends = [next(_vertices(counts, hits))]
    owner = np.arange(len(hits))
    if claim := claims.get("uf1"):
        value = float(claim.value)
        between = np.flatnonzero(
            (_uf1_floor(counts, hits) < value) & (value < _uf1_ceiling(counts, hits))
        )
        pick, splits = _splits(counts, hits[between])
        ends = [*_vertices(counts, hits), _least_split(counts, hits)]
        owner = np.concatenate([*(owner for _ in ends), between[pick]])
        ends.append(splits)
    wrong, hits = np.concatenate(ends), hits[owner]
    distances = _linear_distances(counts, claims, hits)
    if claim:
        distances.append(_distance(_uf1(counts, hits, wrong), claim))
    misfit = np.max(distances, axis=0)
    for index in np.flatnonzero(np.abs(misfit - 1) <= SLACK):
        matrix = (each.tolist() for each in (counts, hits[index], wrong[index]))
        misfit[index] = 1 if _hold(claims, exact_scores(*matrix)) else 1 + 2 * SLACK
    return _Candidates(hits, wrong, misfit, np.sum(distances, axis=0))


def _hold(claims: Mapping[str, Claim], scores: Mapping[str, Fraction]) -> bool:
    return all(claim.holds(scores[name]) for name, claim in claims.items())


def _least_split(counts: np.ndarray, hits: np.ndarray) -> np.ndarray:
    """FP of the least UF1 of each diagonal: each error goes where it costs most."""
    errors = counts - hits
    total = errors.sum(axis=1)
    room = total[:, None] - errors
    wrong = np.zeros_like(hits)
    for given in range(int(total.max(initial=0))):
        size = counts + hits + wrong
        cost = np.where(wrong < room, 2 * hits / (size * (size + 1)), -1)
        open_rows = np.flatnonzero(given < total)
        wrong[open_rows, cost[open_rows].argmax(axis=1)] += 1
    return wrong


def _splits(counts: np.ndarray, hits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """FP that a matrix with one of these diagonals can have: (index of the diagonal, FP).

    Every one, unless a diagonal has more than MOST_SPLITS.
    """
    errors = counts - hits
    stride = _stride(counts, hits)
    left = errors.sum(axis=1)
    most = left[:, None] - errors
    owner, wrong = np.arange(len(hits)), np.zeros((len(hits), 0), dtype=np.int64)
    for column in range(len(counts) - 1):
        later = most[owner, column + 1 :].sum(axis=1)
        step = stride if column < len(counts) - 2 else 1
        low, high = np.maximum(left - later, 0), np.minimum(left, most[owner, column])
        pick, value = ragged(low, high, step)
        owner, left = owner[pick], left[pick] - value
        wrong = np.column_stack([wrong[pick], value])
    return owner, np.column_stack([wrong, left])


def _stride(counts: np.ndarray, hits: np.ndarray) -> int:
    """The step of the columns that are free to vary, beside the last two, of evenly spaced FP."""
    errors, columns = int((counts - hits).sum(axis=1).max(initial=0)), len(counts)
    splits = math.comb(errors + columns - 1, columns - 1)
    if splits <= (MOST_SPLITS if columns > 3 else MOST_OF_THREE):
        return 1
    return math.ceil((splits / MOST_SPLITS) ** (1 / (columns - 2)))


def _vertices(counts: np.ndarray, hits: np.ndarray) -> Iterator[np.ndarray]:
    """FP with all errors of other classes in column a and those of a in column b, for all a, b."""
    errors = counts - hits
    total = errors.sum(axis=1)
    for a in range(len(counts)):
        for b in range(len(counts)):
            if a != b:
                wrong = np.zeros_like(hits)
                wrong[:, a] = total - errors[:, a]
                wrong[:, b] = errors[:, a]
                yield wrong


def _portions(
    counts: np.ndarray, hits: np.ndarray, bound: np.ndarray, most: float
) -> Iterator[np.ndarray]:
    """Indices of diagonals with a bound up to `most`, ascending, in parts of about BLOCK splits."""
    near = np.flatnonzero(bound <= most)
    if not len(near):
        return
    order = near[np.argsort(bound[near], kind="stable")]
    errors = (counts - hits)[order]
    free = errors.sum(axis=1)[:, None] - errors[:, :-1]
    ends = np.cumsum(np.prod(free + 1, axis=1)) // BLOCK
    yield from np.split(order, np.flatnonzero(np.diff(ends)) + 1)


# Scores and misfits: floats, and fractions near a tolerance


def _uf1(counts: np.ndarray, hits: np.ndarray, wrong: np.ndarray) -> np.ndarray:
    return (2 * hits / (counts + hits + wrong)).mean(axis=1)


def _uf1_floor(counts: np.ndarray, hits: np.ndarray) -> np.ndarray:
    """A lower bound on UF1 over the splits of each diagonal, by Lagrangian duality.

    Σ TP_c / S_c with S_c = n_c + TP_c + FP_c and Σ S_c = 2N is at least
    Σ TP_c / S_c + μ (Σ S_c - 2N) at S_c = √(TP_c / μ), kept within 0 <= FP_c <= E - e_c, for any
    μ = 1 / scale² > 0. The choice of μ only decides how close the bound is: here the errors are
    shared among the classes so that Σ S_c = 2N, leaving out those that would need FP_c < 0.
    """
    least = counts + hits
    errors = counts - hits
    most = least + errors.sum(axis=1)[:, None] - errors
    roots = np.sqrt(hits)
    shares = np.ones(hits.shape, dtype=bool)
    for _ in counts:
        left = 2 * counts.sum() - np.where(shares, 0, least).sum(axis=1)
        scale = np.maximum(left, 1) / np.maximum(np.where(shares, roots, 0).sum(axis=1), 1)
        shares &= roots * scale[:, None] >= least
    sizes = np.clip(roots * scale[:, None], least, most)
    surplus = (sizes.sum(axis=1) - 2 * counts.sum()) / scale**2
    return 2 * ((hits / sizes).sum(axis=1) + surplus) / len(counts)


def _uf1_ceiling(counts: np.ndarray, hits: np.ndarray) -> np.ndarray:
    """The largest UF1 over the splits of each diagonal."""
    return np.max([_uf1(counts, hits, wrong) for wrong in _vertices(counts, hits)], axis=0)


def _misfit_bound(counts: np.ndarray, claims: Mapping[str, Claim], hits: np.ndarray) -> np.ndarray:
    """A lower bound on the misfit of each diagonal; the misfit itself where UF1 is not claimed."""
    bounds = _linear_distances(counts, claims, hits)
    if claim := claims.get("uf1"):
        value, tolerance = float(claim.value), float(claim.tolerance)
        bounds.append((_uf1_floor(counts, hits) - value) / tolerance)
        bounds.append((value - _uf1_ceiling(counts, hits)) / tolerance)
        bounds.append(np.zeros(len(hits)))
    return np.max(bounds, axis=0)


def _linear_distances(
    counts: np.ndarray, claims: Mapping[str, Claim], hits: np.ndarray
) -> list[np.ndarray]:
    """The distances of Acc and UAR, as far as they are claimed."""
    linear = {"acc": hits.sum(axis=1) / counts.sum(), "uar": (hits / counts).mean(axis=1)}
    return [_distance(score, claims[name]) for name, score in linear.items() if name in claims]


def _distance(scores: np.ndarray, claim: Claim) -> np.ndarray:
    """|score - claim| in units of the tolerance."""
    return np.abs(scores - float(claim.value)) / float(claim.tolerance)
