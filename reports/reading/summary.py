"""A run in short: its score with intervals, and the marks that stand beside it everywhere."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

from bench.runs.record import read_run
from bench.scoring.report import read_scored, score_report
from reports.reading.groups import RunGroup, run_marks

if TYPE_CHECKING:
    from bench.runs.folder import RunFolder


def score_and_marks(folder: RunFolder) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Clips, subjects, each metric of a scored run with its 95 % interval; and the run's marks.

    Raises BenchError where the run is not finished or a file of it is corrupt.
    """
    record = read_run(folder)
    report = score_report(read_scored(folder.path))
    score = {
        "clips": report["clips"],
        "subjects": report["subjects"],
        "selection": report["protocol"]["selection"],
        **{
            name: {key: found[key] for key in ("estimate", "low", "high")}
            for name, found in report["intervals"].items()
            if isfinite(found["estimate"])  # not so where a class has no clip
        },
    }
    return score, run_marks(RunGroup((record,)), record)
