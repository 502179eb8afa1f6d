"""Finished runs with their provenance: `python -m reports.docs.results RUNS OUT.csv`.

The sheets below `results/`, which the pictures and tables of docs/ show, are made so.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import DataError
from bench.protocol.metrics import UAR, UF1, metrics
from bench.scoring.report import read_scored, score_report
from bench.system.files import csv_of_records, write_text
from reports.docs.script import script
from reports.reading.finished import set_name, sound_runs
from reports.reading.groups import RunGroup

if TYPE_CHECKING:
    from bench.runs.record import RunRecord

COUNTS = ("clips", "subjects")
OTHER_WAYS = (("selections", "inner_val"), ("selections", "oracle"), ("aggregations", "fold_mean"))
"""Alternative scores of the same weights: section and key in `metrics.json`."""

COSTS = (
    "params",
    "live_parameters",
    "macs",
    "weights_mb",
    "checkpoint_mb",
    "peak_train_mb",
    "peak_infer_mb",
)


def results_sheet(records: Iterable[RunRecord]) -> str:
    """A line per scored run: settings, scores, costs, leaks and provenance, as CSV."""
    rows = [_row(record, record.metrics) for record in records if record.metrics]
    if not rows:
        raise DataError("no finished run to list; make one with `bench run`")
    return csv_of_records(rows)


def _row(record: RunRecord, scores: Mapping[str, Any]) -> dict[str, Any]:
    made, profile = record.provenance, record.profile or {}
    return {
        "variant": record.variant,
        "data": set_name(record),
        "difficulty": record.setting("data", "difficulty") if record.surrogate else "",
        "surrogate_version": record.setting("data", "surrogate_version")
        if record.surrogate
        else "",
        "magnify": record.setting("data", "magnify"),
        "preset": record.preset,
        "config": record.config_hash,
        "seed": record.seed,
        "recipe": record.setting("train", "recipe") if record.network else "",
        "epochs": record.training["epochs"] if record.method.has_epochs else None,
        **{name: scores.get(name) for name in (*metrics(), *COUNTS)},
        **_certainty(record),
        **{
            f"{score}_{way}": scores.get(part, {}).get(way, {}).get(score)
            for part, way in OTHER_WAYS
            for score in (UAR.name, UF1.name)
        },
        "trained": record.trained,
        "leaks": "; ".join(scores["protocol"]["leaks"]),
        "conditions": "; ".join(RunGroup((record,)).conditions),
        "marks": "; ".join(record.marks),
        **{name: profile.get(name) for name in COSTS},
        "started": record.started,
        "git_commit": made.git_commit,
        "git_dirty": made.git_dirty,
        "device": made.gpu or made.cpu,
        "threads": made.threads,
        "python": made.python,
        "torch": made.packages["torch"],
        "argv": " ".join(made.argv or ()),
    }


def _certainty(record: RunRecord) -> dict[str, float | None]:
    """The 95 % interval of the UAR over subjects, and the permutation test against chance."""
    report = score_report(read_scored(record.folder))
    interval, chance = report["intervals"][UAR.name], report["chance"][UAR.name]
    return {
        "uar_low": interval["low"],
        "uar_high": interval["high"],
        "uar_chance": chance["expected"],
        "p_chance": chance["p"],
    }


def main(runs: Path, out: Path) -> None:
    """Writes the sheet of all runs below a folder; reports those that cannot be read."""
    records, unreadable = sound_runs(runs)
    for line in unreadable:
        print(f"skipped: {line}", file=sys.stderr)
    write_text(out, results_sheet(records))


if __name__ == "__main__":
    script(main, "RUNS", "CSV")
