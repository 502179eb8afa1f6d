"""Intervals of runs' scores over subjects: those that `bench compare` and the leaderboards show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.runs.predictions import Predictions
    from bench.runs.record import RunRecord

Ends = tuple[float, float]
"""Where a 95 % interval begins and ends."""


def read_answers(records: Iterable[RunRecord]) -> list[Predictions]:
    """The answers that runs are scored by; none where folds of one cannot be read."""
    from bench.runs.predictions import run_predictions

    try:
        return [run_predictions(record.files) for record in records]
    except BenchError:
        return []


def mean_intervals(
    answers: Sequence[Predictions], names: Iterable[str] | None = None
) -> Mapping[str, Ends]:
    """Metric -> the interval of its mean over seeds, of the answers of each.

    names: the metrics, None for all. Without those of one subject or of no score; empty where the
    seeds have other subjects.
    """
    import numpy as np  # late: listings import this file, too

    from bench.scoring.statistics import score_intervals

    if len({frozenset(predictions.people) for predictions in answers}) != 1:
        return {}
    matrices = np.stack([predictions.matrices for predictions in answers])
    return {
        name: (found.low, found.high)
        for name, found in score_intervals(matrices, names).items()
        if found.low is not None and found.high is not None
    }
