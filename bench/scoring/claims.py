"""Which aggregate of a set of predictions a published score is: the pooled one, or another.

Papers report macro precision as UAR, the mean over folds as the score, the mean over data sets, or
one set's slice as the composite's. Each of these is computed here and compared at the claim's own
rounding.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np

from bench.errors import UsageError
from bench.protocol.metrics import UAR, UF1, Metric, class_f1, metrics
from bench.runs.predictions import Predictions

SLACK = Decimal("1e-9")
"""Rounding error of the arithmetic, allowed beside half a unit of the last digit."""

MOST_DIGITS = 100
"""Digits that a claim may have after the point, or zeros before it."""

POOLED, OTHER, NONE = "pooled", "other", "none"


@dataclass(frozen=True)
class Claim:
    """A published score: which metric, of all clips (`part` empty) or of a data set's slice."""

    metric: str
    text: str
    part: str = ""

    @classmethod
    def parse(cls, metric: str, text: str) -> Claim:
        """From `0.7605`, `76.05%` or `smic=0.7013`; UsageError where it is no score."""
        part, _, stated = text.rpartition("=")
        claim = cls(metric, stated.strip(), part.strip())
        try:
            number = Decimal(claim.text.removesuffix("%"))
            sound = number.is_finite() and 0 <= claim.value <= 1
            sound = sound and abs(int(number.as_tuple().exponent)) <= MOST_DIGITS
        except InvalidOperation:
            sound = False
        if not sound:
            raise UsageError(
                f"--claimed-{metric} {text}: expected a score such as 0.7605 or 76.05%, of a data "
                "set's slice as in smic=0.7013"
            )
        return claim

    @property
    def value(self) -> Decimal:
        """The claim as a fraction."""
        return Decimal(self.text.removesuffix("%")) / self._scale

    @property
    def tolerance(self) -> Decimal:
        """Half a unit of its last digit; `1` is read as 1.00."""
        exponent = int(Decimal(self.text.removesuffix("%")).as_tuple().exponent)
        if self._scale == 1 and exponent >= 0:
            exponent = -2
        return Decimal(10) ** exponent / 2 / self._scale

    @property
    def _scale(self) -> int:
        return 100 if self.text.endswith("%") else 1


def per_cent_hint(text: str) -> str:
    """What to write where a fraction may have a per cent sign, as in `.7605%`; else empty."""
    number = text.removesuffix("%").strip()
    if number == text or not 0 < Decimal(number) < 1:
        return ""
    return f"{text} is {Decimal(number).scaleb(-2)}; leave out the % if {number} is meant"


@dataclass(frozen=True)
class Verdict:
    """Which aggregate a claim equals: `pooled` (as it should be), `other` (see `equals`), `none`.

    equals: every aggregate that rounds to the claim; nearest: the closest one and its value.
    """

    metric: str
    part: str
    claimed: float
    pooled: float
    verdict: str
    equals: tuple[str, ...]
    nearest: str
    nearest_value: float

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {**asdict(self), "equals": list(self.equals)}

    def __str__(self) -> str:
        where = f" on {self.part}" if self.part else ""
        what = f"claimed {metrics()[self.metric].words}{where} {self.claimed:g}"
        if self.verdict == POOLED:
            return f"{what}: the pooled score"
        is_not = f"not the pooled score, which is {self.pooled:.4f}"
        if self.verdict == OTHER:
            return f"{what}: equals {' and '.join(self.equals)}; {is_not}"
        return (
            f"{what}: none of the known aggregates, {is_not}; nearest is {self.nearest} "
            f"({self.nearest_value:.4f})"
        )


def judge(claim: Claim, values: Mapping[str, float]) -> Verdict:
    """The verdict on a claim, given the aggregates that it may be, the pooled score first."""
    pooled = next(iter(values))
    distance = {name: abs(Decimal(value) - claim.value) for name, value in values.items()}
    equals = tuple(name for name, d in distance.items() if d <= claim.tolerance + SLACK)
    nearest = min(distance, key=lambda name: distance[name])
    verdict = POOLED if pooled in equals else OTHER if equals else NONE
    return Verdict(
        metric=claim.metric,
        part=claim.part,
        claimed=float(claim.value),
        pooled=values[pooled],
        verdict=verdict,
        equals=equals,
        nearest=nearest,
        nearest_value=values[nearest],
    )


def aggregates(
    name: str, matrix: np.ndarray, predictions: Predictions | None = None
) -> dict[str, float]:
    """Name -> value of everything that papers have called this metric; the pooled one first.

    matrix: pooled, rows true; predictions: for the aggregates over folds and over data sets.
    """
    metric = metrics()[name]
    named = dict(_of_matrix(metric, matrix))
    if predictions is not None and predictions.answers:
        named |= dict(_over_folds(metric, predictions.matrices))
        named |= dict(_over_sets(metric, predictions))
    return {name: value for name, value in named.items() if not np.isnan(value)}


def macro_precision(matrices: np.ndarray) -> np.ndarray:
    """Mean over classes of TP_c / (TP_c + FP_c) of matrices (..., C, C), 0 if never predicted."""
    hits = np.diagonal(matrices, axis1=-2, axis2=-1)
    return (hits / np.maximum(1, matrices.sum(axis=-2))).mean(axis=-1)


def _of_matrix(metric: Metric, matrix: np.ndarray) -> Iterator[tuple[str, float]]:
    yield f"pooled {metric.words}", float(metric.function(matrix))
    precision, recall = float(macro_precision(matrix)), float(UAR.function(matrix))
    yield "macro precision", precision
    if metric == UF1:
        share = matrix.sum(axis=1) / max(1, matrix.sum())
        yield "F1 weighted by class size", float(share @ np.nan_to_num(class_f1(matrix)))
        both = precision + recall
        harmonic = 2 * precision * recall / both if both else 0.0
        yield "F1 of macro precision and UAR", harmonic
    for other in metrics().values():
        if other != metric:
            yield f"pooled {other.words}", float(other.function(matrix))


def _over_folds(metric: Metric, matrices: np.ndarray) -> Iterator[tuple[str, float]]:
    """Means over subjects, one per treatment of the classes that a subject does not show."""
    yield f"fold mean of {metric.words}", float(metric.function(matrices).mean())
    if metric.per_class is None:
        return
    yield "fold mean of macro precision", float(macro_precision(matrices).mean())
    values = metric.per_class(matrices)  # NaN where a class has none
    name = f"fold mean of {metric.words}"
    yield f"{name}, absent classes as 0", float(np.nan_to_num(values).mean())
    touched = (matrices.sum(axis=2) > 0) | (matrices.sum(axis=1) > 0)
    sums = np.where(touched, np.nan_to_num(values), 0).sum(axis=-1)
    either = sums / np.maximum(1, touched.sum(axis=-1))
    yield f"{name} over true and predicted classes", float(either.mean())
    yield f"{name}, absent classes as 1", float(np.nan_to_num(values, nan=1.0).mean())


def _over_sets(metric: Metric, predictions: Predictions) -> Iterator[tuple[str, float]]:
    parts = {name: predictions.of(name).matrices.sum(axis=0) for name in predictions.datasets}
    if len(parts) < 2:
        return
    values = {name: float(metric.function(matrix)) for name, matrix in parts.items()}
    yield f"mean of {metric.words} over data sets", float(np.mean(list(values.values())))
    for name, value in values.items():
        yield f"{metric.words} of the slice {name}", value
        yield f"macro precision of the slice {name}", float(macro_precision(parts[name]))
