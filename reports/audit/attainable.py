"""Can any confusion matrix have these scores? An exact search over all matrices of a data set.

Acc, UAR and UF1 of a confusion matrix with row sums n_c (clips of class c) depend only on its
diagonal TP_c and on the false positives FP_c of each column: F1_c = 2 TP_c / (n_c + TP_c + FP_c).
With errors e_c = n_c - TP_c and E = Σ e_c, a matrix with given TP and FP exists if and only if
FP_c >= 0, Σ FP_c = E and FP_c <= E - e_c: a class's own errors are predicted as other classes
(`arrange` builds the matrix). For a fixed diagonal, UF1 is convex in FP. So its maximum is at a
vertex, where all errors of the other classes are predicted as one class a and the errors of a as
one class b; and Lagrangian duality bounds it from below. The search enumerates in integers the
diagonals within the claimed Acc and UAR, discards those whose bounds on UF1 are too far off, and
tries every FP of the rest ("splits" of the errors over the columns). Of many classes a diagonal may
have more than MOST_SPLITS: then evenly spaced ones are tried. Their UF1 lie densely between the
bounds, so that one within the tolerance is found nearly always, and is proof; where none is, and
the bounds do not rule it out, `nearest` raises UsageError.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from bench.errors import UsageError

SCORES = ("acc", "uar", "uf1")

SLACK = 1e-6
"""Relative distance to a tolerance below which exact fractions decide in place of floats."""

FINEST = Fraction(1, 2_000_000)
"""The smallest tolerance, half a unit of the sixth decimal; floats resolve SLACK × FINEST."""

MOST_DIAGONALS = 300_000_000
"""The largest number of diagonals that is searched: seconds, or minutes at worst."""

SEARCHED_FULLY = 3
"""Classes up to which every split is tried within MOST_DIAGONALS."""

MOST_SPLITS = 100_000
"""Splits of a diagonal that are tried of more classes."""

BLOCK = 200_000
"""Diagonals, or splits, held in memory at a time."""


@dataclass(frozen=True)
class Claim:
    """A claimed score, and how far the true one may be from it (inclusive)."""

    value: Fraction
    tolerance: Fraction

    @classmethod
    def typed(cls, text: str) -> Claim:
        """A number with the rounding of its digits as tolerance: ".90" is 0.90 ± 0.005.

        So is "90%". The tolerance is at least FINEST. Raises decimal.InvalidOperation where the
        text is no number.
        """
        number = typed_number(text)
        half = Fraction(10) ** exponent(number) / 2
        return cls(Fraction(number), max(half, FINEST))

    def within(self, tolerance: Fraction) -> Claim:
        """The same value with another tolerance."""
        return Claim(self.value, tolerance)

    def holds(self, score: Fraction) -> bool:
        """Whether a score is within the tolerance."""
        return abs(score - self.value) <= self.tolerance


def typed_number(text: str) -> Decimal:
    """A fraction, or per cent with the sign as a fraction, with the digits typed.

    Raises decimal.InvalidOperation where the text is no number.
    """
    number = Decimal(text.removesuffix("%").strip())
    return number.scaleb(-2) if text.endswith("%") and number.is_finite() else number


def exponent(number: Decimal) -> int:
    """Power of ten of a number's last digit; ValueError for NaN and infinity."""
    return int(number.as_tuple().exponent)


@dataclass(frozen=True)
class Nearest:
    """A confusion matrix (rows true), its scores, and whether they are within all tolerances.

    `misfit` is the largest difference from a claim in units of that claim's tolerance: 1 or less
    where the claims are attained.
    """

    confusion: tuple[tuple[int, ...], ...]
    scores: Mapping[str, Fraction]
    misfit: float
    attained: bool


def nearest(counts: Sequence[int], claims: Mapping[str, Claim]) -> Nearest:
    """A matrix over `counts` clips per class with the claimed scores, or the nearest to them.

    claims: one or more of SCORES, with tolerances of at least FINEST. Where no matrix is within the
    tolerances, the result has the least possible misfit, so misfit × tolerance is the smallest
    tolerance that would do. Where one is, the result is an example; others may fit more closely.
    Raises UsageError where there are too many matrices to tell.
    """
    if claims.keys() == {"acc"}:
        return _accuracy_alone(np.asarray(counts), claims)
    check_searchable(counts, claims)
    reach = 1  # tolerances are multiplied by it until a matrix is within them
    while True:
        if found := _best_within(np.asarray(counts), claims, reach):
            return found
        reach *= 2


def check_searchable(counts: Sequence[int], claims: Mapping[str, Claim]) -> None:
    """UsageError where there are more diagonals than can be searched for these claims.

    A claimed UAR leaves hardly a choice of the last class.
    """
    free = sorted(counts)[:-1] if "uar" in claims else counts
    if claims.keys() != {"acc"} and math.prod(count + 1 for count in free) > MOST_DIAGONALS:
        raise UsageError(
            f"{'/'.join(map(str, counts))} clips per class leave too many confusion matrices to "
            "search; up to about 600 clips in each of 3 classes are possible. Give the accuracy "
            "alone (--acc), of any number of classes"
        )


def _accuracy_alone(counts: np.ndarray, claims: Mapping[str, Claim]) -> Nearest:
    """A matrix with the nearest number of right clips, whose accuracy every split of them has."""
    total = int(counts.sum())
    below = math.floor(claims["acc"].value * total)
    right = min((below, min(below + 1, total)), key=lambda n: abs(n / total - claims["acc"].value))
    before = np.cumsum(counts) - counts
    hits = np.clip(right - before, 0, counts)
    return _nearest(counts, claims, _candidates(counts, claims, hits[None]).best())


def uf1_range(counts: Sequence[int], claims: Mapping[str, Claim]) -> tuple[float, float] | None:
    """Least and largest UF1 of all matrices with the claimed Acc and UAR; None if none has them.

    Of more than three classes the least is a lower bound.
    """
    clips = np.asarray(counts)
    given = {name: claim for name, claim in claims.items() if name != "uf1"}
    low, high = math.inf, -math.inf
    for hits in _diagonals(clips, given, 1):
        high = max(high, float(_uf1_ceiling(clips, hits).max()))
        floor = _uf1_floor(clips, hits)
        if len(clips) > SEARCHED_FULLY:
            low = min(low, float(floor.min()))
            continue
        for part in _portions(clips, hits, floor, low):
            if floor[part[0]] >= low:
                break
            owner, wrong = _splits(clips, hits[part])
            low = min(low, float(_uf1(clips, hits[part][owner], wrong).min()))
    return (low, high) if low <= high else None


def confusion_scores(confusion: Sequence[Sequence[int]]) -> dict[str, Fraction]:
    """Exact Acc, UAR and UF1 of a confusion matrix with clips in every row."""
    counts = [sum(row) for row in confusion]
    hits = [row[index] for index, row in enumerate(confusion)]
    predicted = [sum(column) for column in zip(*confusion, strict=True)]
    return _exact_scores(counts, hits, [p - h for p, h in zip(predicted, hits, strict=True)])


def can_arrange(errors: Sequence[int], wrong: Sequence[int]) -> bool:
    """Whether a matrix with these errors per row and false positives per column exists (K >= 2)."""
    total = sum(errors)
    pairs = zip(errors, wrong, strict=True)
    return sum(wrong) == total and all(min(e, f) >= 0 and e + f <= total for e, f in pairs)


def arrange(
    counts: Sequence[int], hits: Sequence[int], wrong: Sequence[int]
) -> tuple[tuple[int, ...], ...]:
    """A confusion matrix with these row sums, diagonal and false positives of each column.

    Raises ValueError where there is none.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_flow

    errors = [n - h for n, h in zip(counts, hits, strict=True)]
    if not can_arrange(errors, wrong):
        raise ValueError(f"errors {errors} cannot be the false positives {list(wrong)}")
    size = len(errors)
    rows, columns = 1 + np.arange(size), 1 + size + np.arange(size)  # between source and sink
    capacity = np.zeros((2 * size + 2, 2 * size + 2), dtype=np.int32)
    capacity[0, rows] = errors
    capacity[np.ix_(rows, columns)] = sum(errors) * (1 - np.eye(size, dtype=np.int32))
    capacity[columns, -1] = wrong
    flow = maximum_flow(csr_array(capacity), 0, 2 * size + 1).flow.toarray()
    matrix = flow[np.ix_(rows, columns)] + np.diag(np.asarray(hits, dtype=np.int32))
    return tuple(tuple(map(int, row)) for row in matrix)


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


def _best_within(counts: np.ndarray, claims: Mapping[str, Claim], reach: int) -> Nearest | None:
    """The matrix of least misfit, if that is at most `reach`; ends early at a misfit of 1."""
    best: _Candidate | None = None
    thinned = False
    for hits in _diagonals(counts, claims, reach):
        bound = _misfit_bound(counts, claims, hits)
        for part in _portions(counts, hits, bound, (best.misfit if best else reach) + SLACK):
            if best and bound[part[0]] > best.misfit + SLACK:
                break
            thinned |= "uf1" in claims and bound[part[0]] <= 1 and _stride(counts, hits[part]) > 1
            found = _candidates(counts, claims, hits[part]).best()
            if found.misfit <= reach and (best is None or found.beats(best)):
                best = found
            if best and best.misfit <= 1:
                return _nearest(counts, claims, best)
    if thinned:
        raise UsageError(
            f"{len(counts)} classes have too many confusion matrices to tell whether one has this "
            "UF1: give fewer scores, or a larger --tolerance"
        )
    return _nearest(counts, claims, best) if best else None


def _nearest(counts: np.ndarray, claims: Mapping[str, Claim], best: _Candidate) -> Nearest:
    confusion = arrange(counts.tolist(), best.hits, best.wrong)
    scores = confusion_scores(confusion)
    return Nearest(confusion, scores, best.misfit, _hold(claims, scores))


def _candidates(counts: np.ndarray, claims: Mapping[str, Claim], hits: np.ndarray) -> _Candidates:
    """Every split of each diagonal; one split of each where UF1 is not claimed.

    Only UF1 depends on the split.
    """
    if "uf1" in claims:
        owner, wrong = _splits(counts, hits)
        hits = hits[owner]
        distances = _linear_distances(counts, claims, hits)
        distances.append(_distance(_uf1(counts, hits, wrong), claims["uf1"]))
    else:
        wrong = next(_vertices(counts, hits))
        distances = _linear_distances(counts, claims, hits)
    misfit = np.max(distances, axis=0)
    for index in np.flatnonzero(np.abs(misfit - 1) <= SLACK):
        matrix = (each.tolist() for each in (counts, hits[index], wrong[index]))
        misfit[index] = 1 if _hold(claims, _exact_scores(*matrix)) else 1 + 2 * SLACK
    return _Candidates(hits, wrong, misfit, np.sum(distances, axis=0))


def _hold(claims: Mapping[str, Claim], scores: Mapping[str, Fraction]) -> bool:
    return all(claim.holds(scores[name]) for name, claim in claims.items())


# Diagonals and splits: integers, one per row


class _Limits(NamedTuple):
    """Closed bounds on Σ TP_c and on Σ TP_c · unit / n_c, where unit is a multiple of all n_c."""

    unit: int
    hits: tuple[int, int]
    recalls: tuple[int, int]


def _limits(counts: np.ndarray, claims: Mapping[str, Claim], reach: int) -> _Limits:
    unit = math.lcm(*counts.tolist())
    wholes = {"acc": int(counts.sum()), "uar": unit * len(counts)}
    bounds = {name: (0, whole) for name, whole in wholes.items()}
    for name in wholes.keys() & claims.keys():
        claim, whole = claims[name], wholes[name]
        margin = claim.tolerance * reach
        bounds[name] = (
            math.ceil((claim.value - margin) * whole),
            math.floor((claim.value + margin) * whole),
        )
    return _Limits(unit, bounds["acc"], bounds["uar"])


def _diagonals(counts: np.ndarray, claims: Mapping[str, Claim], reach: int) -> Iterator[np.ndarray]:
    """All TP with Acc and UAR within `reach` tolerances of the claims, in blocks (D, K)."""
    limits = _limits(counts, claims, reach)
    step = max(1, BLOCK // math.prod(n + 1 for n in counts[1:].tolist()))
    for start in range(0, int(counts[0]) + 1, step):
        stop = min(start + step - 1, int(counts[0]))
        if len(block := _diagonal_block(counts, limits, start, stop)):
            yield block


def _diagonal_block(counts: np.ndarray, limits: _Limits, start: int, stop: int) -> np.ndarray:
    """The diagonals whose first entry is in start..stop: (D, K)."""
    hits = np.zeros((1, 0), dtype=np.int64)
    weights = limits.unit // counts
    for column, (count, weight) in enumerate(zip(counts, weights, strict=True)):
        found = hits.sum(axis=1)
        recalls = hits @ weights[:column]
        later, classes_later = counts[column + 1 :].sum(), len(counts) - column - 1
        least = np.maximum(
            limits.hits[0] - found - later,
            -((recalls + classes_later * limits.unit - limits.recalls[0]) // weight),
        )
        most = np.minimum(limits.hits[1] - found, (limits.recalls[1] - recalls) // weight)
        first, last = (start, stop) if column == 0 else (0, count)
        owner, value = _ragged(np.maximum(least, first), np.minimum(most, last))
        hits = np.column_stack([hits[owner], value])
    return hits


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
        pick, value = _ragged(low, high, step)
        owner, left = owner[pick], left[pick] - value
        wrong = np.column_stack([wrong[pick], value])
    return owner, np.column_stack([wrong, left])


def _stride(counts: np.ndarray, hits: np.ndarray) -> int:
    """The step of the columns that are free to vary, beside the last two, of evenly spaced FP."""
    errors, columns = int((counts - hits).sum(axis=1).max()), len(counts)
    splits = math.comb(errors + columns - 1, columns - 1)
    if columns <= SEARCHED_FULLY or splits <= MOST_SPLITS:
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


def _ragged(low: np.ndarray, high: np.ndarray, step: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Every step-th integer of each closed range, in order: (index of its range, integer)."""
    lengths = np.maximum((high - low) // step + 1, 0)
    owner = np.repeat(np.arange(len(lengths)), lengths)
    begin = np.cumsum(lengths) - lengths
    return owner, (np.arange(len(owner)) - begin[owner]) * step + low[owner]


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


def _exact_scores(
    counts: Sequence[int], hits: Sequence[int], wrong: Sequence[int]
) -> dict[str, Fraction]:
    triples = list(zip(counts, hits, wrong, strict=True))
    return {
        "acc": Fraction(sum(hits), sum(counts)),
        "uar": sum((Fraction(h, n) for n, h, _ in triples), Fraction()) / len(triples),
        "uf1": sum((Fraction(2 * h, n + h + f) for n, h, f in triples), Fraction()) / len(triples),
    }
