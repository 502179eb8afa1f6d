"""Runs beside the classical baselines on the same clips, whatever the settings of either."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from bench.methods.classical import Estimated
from reports.reading.groups import gather

if TYPE_CHECKING:
    from bench.runs.record import DataRecord, RunRecord


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
    chosen: dict[object, list[DataRecord]] = {}
    for record in among:
        chosen.setdefault(_choice(record), []).append(record.data)
    differ = {choice for choice, clips in chosen.items() if _differ(clips)}
    best: dict[tuple[str | None, str], float] = {}
    for group in gather(record for record in among if issubclass(record.method, Estimated)):
        place, uar = _place(group.records[0]), group.uar
        if place[0] and uar is not None and not group.shuffled:
            best[place] = max(uar, best.get(place, uar))
    return [
        replace(
            each,
            baseline_uar=best.get(_place(each)),
            clips_differ=_choice(each) in differ,
        )
        for each in records
    ]


def _differ(clips: Sequence[DataRecord]) -> bool:
    prints, apexes = {each.fingerprint for each in clips}, {each.apexes for each in clips}
    return len(prints - {None}) > 1 or len(apexes - {None}) > 1


def _choice(record: RunRecord) -> tuple[object, ...]:
    choice = (record.setting("data", name) for name in CHOICE)
    return (record.dataset, record.surrogate, *choice)


def _place(record: RunRecord) -> tuple[str | None, str]:
    """Scores on the same clips in the same split can be compared."""
    return record.data.fingerprint, record.split
