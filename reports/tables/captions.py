"""Captions: the published table, and the clips, presets and protocol of the measured side."""

from __future__ import annotations

from collections.abc import Sequence

from reports.published import paper, published_table
from reports.reading.groups import RunGroup, dataset_order
from reports.reading.marks import distinct


def caption(number: int, groups: Sequence[RunGroup]) -> str:
    """Our title, where the published side stands, and data sets, presets and protocol of ours."""
    source = f"{paper()['venue']} {paper()['year']}"
    head = f"{published_table(number).title}. Published: {source}"
    if number == 3:
        return f"{head}. Registered: the variants of this package."
    head += "." if number == 5 else ", leave-one-subject-out (LOSO)."
    if not groups:
        return f"{head} Measured: no finished run."
    ordered = sorted(groups, key=dataset_order)
    sets = distinct(f"{group.clips} (preset {group.key.preset})" for group in ordered)
    protocol = "" if number == 5 else f"; LOSO, {_aggregation(groups)}"
    return f"{head} Measured: {', '.join(sets)}{protocol}."


def _aggregation(groups: Sequence[RunGroup]) -> str:
    ways = distinct(
        str(record.metrics["protocol"].get("aggregation", "pooled"))
        for group in groups
        for record in group.scored
    )
    return " and ".join(f"{way} over folds" for way in ways)
