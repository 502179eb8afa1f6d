"""What figures and tables of searches need from a run folder beyond its record: genotypes,
histories, predictions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.runs.record import RunRecord
from reports.reading.groups import RunGroup, leaks
from reports.reading.names import place

if TYPE_CHECKING:
    from reports.drawing.style import Words


def words(record: RunRecord, title: str, subtitle: str = "", notes: Sequence[str] = ()) -> Words:
    """The words around a figure of one run: whose it is, and under which conditions it was made."""
    from reports.drawing.style import Words  # matplotlib, which the tables do without

    group = RunGroup((record,))
    run = f"Preset {record.preset}, configuration {record.config_hash}, seed {record.seed}"
    marks = (*group.conditions, *record.marks, *leaks(record))
    shortfalls = group.shortfalls
    last = ". ".join(["; ".join((run, *marks)), *("; ".join(shortfalls),) * bool(shortfalls)])
    return Words(f"{title}: {record.variant} on {place(record)}", subtitle, (*notes, f"{last}."))
