"""The critical-difference diagram: mean ranks, and which of them may be chance (Demšar 2006)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from bench.claims import WORDS
from reports.figures.style import BLACK, TEXT_SIZE, Words, sheet, text_width
from reports.groups import distinct

if TYPE_CHECKING:
    from reports.compare.report import Report

AXIS = 3.6
"""Inches of the axis of ranks."""

LINE = 0.26
"""Inches from one method's label to the next."""


def draw_ranks(report: Report) -> Figure:
    """The diagram of a report that has ranks. A bar joins methods that cannot be told apart."""
    import pandas as pd
    from scikit_posthocs import critical_difference_diagram

    found = report.ranks
    names = [f"{name} ({rank:.2f})" for name, rank in zip(found.names, found.ranks, strict=True)]
    side = max(text_width(name, TEXT_SIZE) for name in names) + 0.35
    rows = (len(names) + 1) // 2 + _bars_at_most(len(names))
    page = sheet(AXIS + 2 * side, LINE * (rows + 2) + 0.15, _words(report))
    axes = page.axes(side, 0.1, AXIS, LINE * (rows + 1) + 0.1)
    critical_difference_diagram(
        pd.Series(found.ranks, index=names),
        pd.DataFrame(found.nemenyi, index=names, columns=names),
        alpha=found.alpha,
        ax=axes,
        label_fmt_left="{label}",
        label_fmt_right="{label}",
        label_props={"size": TEXT_SIZE},
        color_palette=dict.fromkeys(names, BLACK),
        elbow_props={"linewidth": 0.9},
        marker_props={"s": 14},
        crossbar_props={"color": BLACK, "linewidth": 2.4},
        text_h_margin=0.03 * len(names) / AXIS,
    )
    axes.set_xticks(range(1, len(names) + 1))
    return page.figure


def _bars_at_most(methods: int) -> int:
    """Lines that the bars of indistinguishable methods may take."""
    return max(1, methods // 2)


def _words(report: Report) -> Words:
    found, metric = report.ranks, WORDS[report.plan.metric]
    sets = distinct(comparison.dataset for comparison in report.comparisons)
    return Words(
        title=f"Ranks by {metric}",
        subtitle=(
            f"Mean rank over {found.blocks} blocks ({', '.join(sets)}; seeds), 1 is best; Friedman "
            f"p = {found.p:.4f}, critical difference {found.critical_difference:.2f}"
        ),
        notes=(
            "A bar joins methods that Nemenyi's test cannot tell apart: mean ranks closer than the "
            f"critical difference at {found.alpha:g}.",
            *report.notes,
            *_marks(report),
        ),
    )


def _marks(report: Report) -> list[str]:
    """A line per mark with the methods and data sets that bear it."""
    bearers: dict[str, list[str]] = {}
    for comparison in report.comparisons:
        shown = [entry for entry in comparison.entries if entry.name in report.ranks.names]
        for mark in distinct(mark for entry in shown for mark in entry.marks):
            names = [entry.name for entry in shown if mark in entry.marks]
            who = "all" if len(names) == len(shown) else ", ".join(names)
            bearers.setdefault(mark, []).append(f"{who} on {comparison.dataset}")
    return [f"{mark}: {'; '.join(where)}" for mark, where in bearers.items()]
