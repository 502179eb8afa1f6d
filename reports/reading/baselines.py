"""Runs beside the classical baselines on the same clips, whatever the settings of either."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from bench.methods.variants import Estimated
from reports.reading.groups import gather

if TYPE_CHECKING:
    from bench.runs.record import RunRecord


def beside_baselines(records: Iterable[RunRecord], among: Iterable[RunRecord]) -> list[RunRecord]:
    """The records, each with the best UAR of the baselines `among` these runs on its own clips.

    Baselines of the same split alone. A baseline's UAR is its mean over seeds. Those with shuffled
    labels do not count.
    """
    best: dict[tuple[str | None, str], float] = {}
    for group in gather(record for record in among if issubclass(record.method, Estimated)):
        place, uar = _place(group.records[0]), group.uar
        if place[0] and uar is not None and not group.shuffled:
            best[place] = max(uar, best.get(place, uar))
    return [replace(each, baseline_uar=best.get(_place(each))) for each in records]


def _place(record: RunRecord) -> tuple[str | None, str]:
    """Scores on the same clips in the same split can be compared."""
    return record.data.fingerprint, record.split
