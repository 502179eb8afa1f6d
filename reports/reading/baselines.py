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

    A baseline's UAR is its mean over seeds. Those with shuffled labels do not count.
    """
    best: dict[str, float] = {}
    for group in gather(record for record in among if issubclass(record.method, Estimated)):
        clips, uar = group.records[0].data.fingerprint, group.uar
        if clips and uar is not None and not group.shuffled:
            best[clips] = max(uar, best.get(clips, uar))
    return [replace(each, baseline_uar=best.get(each.data.fingerprint or "")) for each in records]
