"""What a figure needs from a run folder beyond its record."""

from __future__ import annotations

from bench.store import RunRecord
from reports.figures.style import Words
from reports.groups import DATASETS, RunGroup


class CannotDraw(Exception):
    """A figure that a run has no material for; the message says why, in one line."""


def words(record: RunRecord, title: str, subtitle: str = "", notes: tuple[str, ...] = ()) -> Words:
    """The words around a figure of one run: whose it is, and under which conditions it was made."""
    group = RunGroup((record,))
    name = DATASETS.get(record.dataset, record.dataset)
    where = f"{name} (surrogate)" if record.surrogate else name
    run = f"preset {record.preset}, configuration {record.config_hash}, seed {record.seed}"
    marks = (*group.conditions, *record.run.get("marks", ()), *leaks(record), *group.shortfalls)
    return Words(
        f"{title}: {record.variant} on {where}", subtitle, (*notes, "; ".join((run, *marks)))
    )


def leaks(record: RunRecord) -> tuple[str, ...]:
    """Marks of what held-out subjects had a part in; from the configuration before any score."""
    if record.metrics is not None:
        return RunGroup((record,)).leaks
    scope = record.run.get("config", {}).get("protocol", {}).get("search_scope")
    return ("leaky: search_scope=all",) if scope == "all" else ()
