"""Intervals of runs' scores over subjects: those that `bench compare` and the leaderboards show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.runs.record import RunRecord

Ends = tuple[float, float]
"""Where a 95 % interval begins and ends."""


def run_intervals(
    records: Sequence[RunRecord], names: Iterable[str] | None = None, part: str = ""
) -> Mapping[str, Ends]:
    """Metric -> the interval of the mean over seeds, which share a configuration.

    names: the metrics, None for all; part: of one data set's clips alone. Without those of one
    subject or of no score; empty where folds cannot be read, or the seeds have other subjects.
    """
    import numpy as np  # late: listings import this file, too

    from bench.runs.predictions import run_predictions
    from bench.scoring.statistics import score_intervals

    try:
        answers = [run_predictions(record.files) for record in records]
        chosen = [each.of(part) for each in answers] if part else answers
        matrices = np.stack([each.matrices for each in chosen])
    except (BenchError, ValueError):
        return {}
    return {
        name: (found.low, found.high)
        for name, found in score_intervals(matrices, names).items()
        if found.low is not None and found.high is not None
    }
