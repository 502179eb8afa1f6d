"""The critical-difference diagram: mean ranks, and which of them may be chance (Demšar 2006)."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import offset_copy

from bench.errors import BenchError
from bench.protocol.metrics import metrics
from bench.runs.folder import SURROGATE_SUFFIX
from reports.compare.render import told_p
from reports.drawing.style import BLACK, TEXT_SIZE, Words, house_style, sheet, text_width
from reports.reading.marks import distinct

if TYPE_CHECKING:
    from bench.scoring.ranking import RankTest
    from reports.compare.report import Report

AXIS = 3.6
"""Inches of the axis of ranks."""

LINE = 0.26
"""Inches from one method's label to the next."""

GAP = 3.0
"""Points between a label and the line that leads to it."""

RULER = 0.36
"""Inches from the axis up to the ruler."""

TICK = 0.3
"""Least inches from one number on the axis to the next."""


def draw_ranks(report: Report) -> Figure:
    """The diagram of a report. A bar joins methods that cannot be told apart.

    BenchError where there are too few methods or blocks to rank.
    """
    import pandas as pd
    from scikit_posthocs import critical_difference_diagram

    found = report.ranks
    if found is None:
        raise BenchError(
            "no critical-difference diagram: it takes three methods or more on two blocks or more "
            "(data sets, seeds)"
        )
    names = [f"{name} ({rank:.2f})" for name, rank in zip(found.names, found.ranks, strict=True)]
    side = max(text_width(name, TEXT_SIZE) for name in names) + 0.4
    rows = (len(names) + 1) // 2 + _bars_at_most(len(names))
    with house_style():
        tall = LINE * (rows + 1) + 0.1
        page = sheet(AXIS + 2 * side, tall + RULER + 0.3, _words(report, found))
        axes = page.axes(side, 0.1, AXIS, tall)
        drawn = critical_difference_diagram(
            pd.Series(found.ranks, index=names),
            pd.DataFrame(found.nemenyi, index=names, columns=names),
            alpha=found.alpha,
            ax=axes,
            label_fmt_left="{label}",
            label_fmt_right="{label}",
            label_props={"size": TEXT_SIZE},
            color_palette=dict.fromkeys(names, BLACK),
            elbow_props={"linewidth": 0.9, "clip_on": False},
            marker_props={"s": 14, "clip_on": False},
            crossbar_props={"color": BLACK, "linewidth": 2.4, "clip_on": False},
            text_h_margin=0.03 * len(names) / AXIS,
        )
        for label in drawn["labels"]:
            away = GAP if label.get_ha() == "left" else -GAP
            label.set_transform(
                offset_copy(label.get_transform(), page.figure, away, units="points")
            )
        _number(axes, len(names))
        _ruler(axes, found.critical_difference, len(names), 1 + RULER / tall)
        return page.figure


def _number(axes: Axes, methods: int) -> None:
    """The axis, from rank 1 to the number of methods, with as many numbers as have room."""
    axes.spines["top"].set_visible(True)
    step = math.ceil(TICK * (methods - 1) / AXIS)
    axes.set_xticks(range(1, methods + 1, step))
    axes.set_xlim(1, methods)
    axes.annotate(
        "mean rank",
        (0, 1),
        (-4 * GAP, 0),
        xycoords="axes fraction",
        textcoords="offset points",
        ha="right",
        va="center",
        size=TEXT_SIZE,
    )


def _ruler(axes: Axes, difference: float, methods: int, up: float) -> None:
    """The critical difference to scale; up: its height over the axis, in heights of the axes."""
    whole = difference <= methods - 1
    ends = (1, 1 + difference if whole else methods)
    place = axes.get_xaxis_transform()
    axes.plot(ends, (up, up), color=BLACK, transform=place, clip_on=False, linewidth=1.4)
    marks = ("|", "|" if whole else ">")
    for end, mark in zip(ends, marks, strict=True):
        axes.plot(end, up, mark, color=BLACK, transform=place, clip_on=False, markersize=7)
    text = f"CD = {difference:.2f}{'' if whole else ', longer than the axis'}"
    axes.annotate(
        text,
        (sum(ends) / 2, up),
        (0, 3),
        xycoords=place,
        textcoords="offset points",
        ha="center",
        va="bottom",
        size=TEXT_SIZE,
        annotation_clip=False,
    )


def _bars_at_most(methods: int) -> int:
    """Lines that the bars of indistinguishable methods may take."""
    return max(1, methods // 2)


def _words(report: Report, found: RankTest) -> Words:
    metric = metrics()[report.plan.metric].words
    sets = distinct(comparison.dataset for comparison in report.comparisons)
    generated = all(name.endswith(SURROGATE_SUFFIX) for name in sets)
    return Words(
        title=f"Ranks by {metric}{' on surrogates' * generated}",
        subtitle=(
            f"Mean rank over {found.blocks} blocks ({', '.join(sets)}; seeds), 1 is best; Friedman "
            f"{told_p(found.p)}, critical difference {found.critical_difference:.2f}"
        ),
        notes=(
            "A bar joins methods that Nemenyi's test cannot tell apart: mean ranks closer than the "
            f"critical difference at {found.alpha:g}.",
            *report.notes,
            *_marks(report, found.names),
        ),
    )


def _marks(report: Report, ranked: Collection[str]) -> list[str]:
    """A line per mark with the methods that bear it, and the data sets where not on all."""
    bearers: dict[str, dict[str, list[str]]] = {}
    for comparison in report.comparisons:
        shown = [entry for entry in comparison.entries if entry.name in ranked]
        for mark in distinct(mark for entry in shown for mark in entry.marks):
            names = [entry.name for entry in shown if mark in entry.marks]
            who = "all methods" if len(names) == len(shown) else ", ".join(names)
            bearers.setdefault(mark, {}).setdefault(who, []).append(comparison.dataset)
    return [f"{mark}: {_where(who, len(report.comparisons))}" for mark, who in bearers.items()]


def _where(bearers: Mapping[str, Sequence[str]], sets: int) -> str:
    return "; ".join(
        who if len(names) == sets else f"{who} on {', '.join(names)}"
        for who, names in bearers.items()
    )
