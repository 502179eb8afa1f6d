"""What figures and tables of searches need from a run folder beyond its record: genotypes,
histories, predictions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.runs.record import RunRecord
from bench.runs.searches import _scope, is_fixed, is_random
from reports.groups import DATASETS, RunGroup

if TYPE_CHECKING:
    from reports.figures.style import Words


def words(record: RunRecord, title: str, subtitle: str = "", notes: Sequence[str] = ()) -> Words:
    """The words around a figure of one run: whose it is, and under which conditions it was made."""
    from reports.figures.style import Words  # matplotlib, which the tables do without

    group = RunGroup((record,))
    run = f"Preset {record.preset}, configuration {record.config_hash}, seed {record.seed}"
    marks = (*group.conditions, *record.run.get("marks", ()), *leaks(record))
    shortfalls = group.shortfalls
    last = ". ".join(["; ".join((run, *marks)), *("; ".join(shortfalls),) * bool(shortfalls)])
    return Words(f"{title}: {record.variant} on {place(record)}", subtitle, (*notes, f"{last}."))


def place(record: RunRecord) -> str:
    """The clips in words: `SMIC (surrogate)`."""
    name = DATASETS.get(record.dataset, record.dataset)
    return f"{name} (surrogate)" if record.surrogate else name


def leaks(record: RunRecord) -> tuple[str, ...]:
    """Marks of what held-out subjects had a part in; from the configuration before any score."""
    if record.metrics is not None:
        return RunGroup((record,)).leaks
    searched = not (is_random(record) or is_fixed(record))
    protocol = record.run.get("config", {}).get("protocol", {})
    causes = [
        *(["search_scope=all"] if searched and _scope(record) == "all" else []),
        *(["selection=oracle"] if protocol.get("selection") == "oracle" else []),
    ]
    return (f"leaky: {', '.join(causes)}",) if causes else ()
