"""Runs beside the classical baselines on the same clips, whatever the settings of either."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from bench.methods.variants import Estimated
from reports.reading.groups import gather

if TYPE_CHECKING:
    from bench.runs.record import RunRecord


CHOICE = (
    "subjects",
    "subject_count",
    "difficulty",
    "surrogate_version",
    "surrogate_seed",
    "fresh_seed",
    "class_map",
    "skip_bad_clips",
)
"""Settings that choose clips of a data set; runs that agree in them have the same clips."""


def beside_baselines(records: Iterable[RunRecord], among: Iterable[RunRecord]) -> list[RunRecord]:
    """The records, each with the best UAR of the baselines `among` these runs on its own clips.

    Baselines of the same split alone. A baseline's UAR is its mean over seeds. Those with shuffled
    labels do not count. Each record also says whether a run among these made the same choice of
    clips and found others.
    """
    among = list(among)
    found: dict[object, set[str | None]] = {}
    for record in among:
        found.setdefault(_choice(record), set()).add(record.data.fingerprint)
    best: dict[tuple[str | None, str], float] = {}
    for group in gather(record for record in among if issubclass(record.method, Estimated)):
        place, uar = _place(group.records[0]), group.uar
        if place[0] and uar is not None and not group.shuffled:
            best[place] = max(uar, best.get(place, uar))
    return [
        replace(
            each,
            baseline_uar=best.get(_place(each)),
            clips_differ=len(found.get(_choice(each), set()) - {None}) > 1,
        )
        for each in records
    ]


def _choice(record: RunRecord) -> tuple[object, ...]:
    choice = (record.setting("data", name) for name in CHOICE)
    return (record.dataset, record.surrogate, *choice)


def _place(record: RunRecord) -> tuple[str | None, str]:
    """Scores on the same clips in the same split can be compared."""
    return record.data.fingerprint, record.split
