"""Which number of a set of predictions a published score is: the pooled one, or another.

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
from bench.protocol.metrics import STATISTICS
from bench.runs.predictions import Predictions

WORDS = {"uar": "UAR", "uf1": "UF1", "acc": "accuracy"}
SLACK = Decimal("1e-9")
"""Beside half a unit of the last digit: the error of the arithmetic."""

MOST_DIGITS = 100
"""Of a claim, after the point or as zeros before it."""

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
        part, _, number = text.rpartition("=")
        claim = cls(metric, number.strip(), part.strip().lower())
        try:
            number = Decimal(claim.text.removesuffix("%"))
            sound = number.is_finite() and 0 <= claim.value <= 1
            sound = sound and abs(number.as_tuple().exponent) <= MOST_DIGITS
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
        """Half a unit of its last digit."""
        exponent = Decimal(self.text.removesuffix("%")).as_tuple().exponent
        return Decimal(10) ** int(exponent) / 2 / self._scale

    @property
    def _scale(self) -> int:
        return 100 if self.text.endswith("%") else 1


@dataclass(frozen=True)
class Verdict:
    """What a claim is. `verdict`: `pooled` (as it should be), `other` (see `equals`) or `none`.

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
        return {**asdict(self), "equals": list(self.equals)}

    def __str__(self) -> str:
        where = f" on {self.part}" if self.part else ""
        what = f"claimed {WORDS[self.metric]}{where} {self.claimed:g}"
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
    """The verdict on a claim, given the aggregates that it may be; the first is the right one."""
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
    metric: str, matrix: np.ndarray, predictions: Predictions | None = None
) -> dict[str, float]:
    """Name -> value of everything that papers have called this metric; the pooled one first.

    matrix: pooled, rows true; predictions: for the aggregates over folds and over data sets.
    """
    named = dict(_of_matrix(metric, matrix))
    if predictions is not None and predictions.answers:
        named |= dict(_over_folds(metric, predictions.matrices))
        named |= dict(_over_sets(metric, predictions))
    return {name: value for name, value in named.items() if not np.isnan(value)}


def macro_precision(matrices: np.ndarray) -> np.ndarray:
    """Mean over classes of TP_c / (TP_c + FP_c) of matrices (..., C, C), 0 if never predicted."""
    hits = np.diagonal(matrices, axis1=-2, axis2=-1)
    return (hits / np.maximum(1, matrices.sum(axis=-2))).mean(axis=-1)


def _of_matrix(metric: str, matrix: np.ndarray) -> Iterator[tuple[str, float]]:
    pooled = {name: float(statistic(matrix)) for name, statistic in STATISTICS.items()}
    yield f"pooled {WORDS[metric]}", pooled[metric]
    precision, recall = float(macro_precision(matrix)), pooled["uar"]
    yield "macro precision", precision
    if metric == "uf1":
        share = matrix.sum(axis=1) / max(1, matrix.sum())
        yield "F1 weighted by class size", float(share @ _class_f1(matrix))
        both = precision + recall
        harmonic = 2 * precision * recall / both if both else 0.0
        yield "F1 of macro precision and UAR", harmonic
    for name, value in pooled.items():
        if name != metric:
            yield f"pooled {WORDS[name]}", value


def _over_folds(metric: str, matrices: np.ndarray) -> Iterator[tuple[str, float]]:
    """Means over subjects, by what is done with classes that a subject does not show."""
    word = WORDS[metric]
    yield f"fold mean of {word}", float(STATISTICS[metric](matrices).mean())
    if metric == "acc":
        return
    yield "fold mean of macro precision", float(macro_precision(matrices).mean())
    present = matrices.sum(axis=2) > 0
    touched = present | (matrices.sum(axis=1) > 0)
    values = _class_recall(matrices) if metric == "uar" else _class_f1(matrices)
    yield f"fold mean of {word}, absent classes as 0", float(values.mean())
    either = np.where(touched, values, 0).sum(axis=-1) / np.maximum(1, touched.sum(axis=-1))
    yield f"fold mean of {word} over true and predicted classes", float(either.mean())
    defined = present if metric == "uar" else touched
    yield f"fold mean of {word}, absent classes as 1", float(np.where(defined, values, 1).mean())


def _over_sets(metric: str, predictions: Predictions) -> Iterator[tuple[str, float]]:
    parts = {name: predictions.of(name).matrices.sum(axis=0) for name in predictions.datasets}
    if len(parts) < 2:
        return
    word = WORDS[metric]
    values = {name: float(STATISTICS[metric](matrix)) for name, matrix in parts.items()}
    yield f"mean of {word} over data sets", float(np.mean(list(values.values())))
    for name, value in values.items():
        yield f"{word} of the slice {name}", value
        yield f"macro precision of the slice {name}", float(macro_precision(parts[name]))


def _class_recall(matrices: np.ndarray) -> np.ndarray:
    hits = np.diagonal(matrices, axis1=-2, axis2=-1)
    return hits / np.maximum(1, matrices.sum(axis=-1))


def _class_f1(matrices: np.ndarray) -> np.ndarray:
    hits = np.diagonal(matrices, axis1=-2, axis2=-1)
    return 2 * hits / np.maximum(1, matrices.sum(axis=-1) + matrices.sum(axis=-2))
