"""Title, subtitle and notes of a figure of one run."""

from __future__ import annotations

from collections.abc import Sequence

from bench.runs.record import RunRecord
from reports.drawing.style import Words
from reports.reading.groups import RunGroup, leaks
from reports.reading.names import place


def words(record: RunRecord, title: str, subtitle: str = "", notes: Sequence[str] = ()) -> Words:
    """The text around a figure of one run, with the run's identity, marks and shortfalls."""
    group = RunGroup((record,))
    run = f"Preset {record.preset}, configuration {record.config_hash}, seed {record.seed}"
    marks = (*group.conditions, *record.marks, *leaks(record))
    shortfalls = group.shortfalls
    last = ". ".join(["; ".join((run, *marks)), *("; ".join(shortfalls),) * bool(shortfalls)])
    return Words(f"{title}: {record.variant} on {place(record)}", subtitle, (*notes, f"{last}."))
