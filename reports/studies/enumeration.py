"""Figure of the enumeration study: UAR of each path against its probability under β."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.drawing.style import BLUE, DARK, GREEN, TEXT_SIZE, VERMILION, Words, house_style, sheet
from reports.drawing.ticks import set_log_ticks
from reports.studies.record import clips_of, made_with, with_interval

PANEL, HEIGHT = 3.1, 2.7
"""Width and height of a panel, inches."""

LEFT, GAP = 0.7, 0.45
TITLES = {"beta": "β of the search", "uniform": "uniform β (nothing learnt)"}
STARS = (
    ("uniform", "path of uniform β", GREEN, "s", 10),
    ("decoded", "decoded path", VERMILION, "*", 13),
)


def draw_enumeration(record: Mapping[str, Any]) -> Figure:
    """UAR over path probability: a panel for β, where there is one, and one for uniform β."""
    with house_style():
        names = [name for name in TITLES if name in record["paths"][0]]
        width = max(6.4, LEFT + len(names) * (PANEL + GAP))
        page = sheet(width, HEIGHT + 1.45, _words(record))
        drawn: list[Axes] = []
        for place, name in enumerate(names):
            axes = page.axes(LEFT + place * (PANEL + GAP), 0.95, PANEL, HEIGHT)
            _panel(axes, record, name)
            drawn.append(axes)
        drawn[0].set_ylabel("UAR, trained on its own")
        for axes in drawn[1:]:
            axes.sharey(drawn[0])
            axes.tick_params(labelleft=False)
        keys, labels = drawn[0].get_legend_handles_labels()
        bottom = page.axes(LEFT, 0, width - LEFT, 0.35)
        bottom.set_axis_off()
        bottom.legend(keys, labels, loc="center left", ncols=len(keys))
        return page.figure


def _words(record: Mapping[str, Any]) -> Words:
    made = made_with(record, f"seed {record['seed']}")
    return Words(
        f"Paths: {record['variant']} on {clips_of(record)}",
        f"{len(record['paths'])} paths with the same cell, {record['subjects']} subjects left out "
        "in turn",
        (
            "Kendall's τ-b between path probability and UAR, with its 95 % interval over subjects. "
            "Uniform β is what a search starts with.",
            f"{made} Cell: {', '.join(record['cell']['operations'])}.",
        ),
    )


def _panel(axes: Axes, record: Mapping[str, Any], name: str) -> None:
    paths: Sequence[Mapping[str, Any]] = record["paths"]
    axes.plot(
        [path[name] for path in paths],
        [path["uar"] for path in paths],
        "o",
        color=BLUE,
        markerfacecolor="none",
        markersize=5,
        label="a path",
    )
    for key, label, colour, marker, size in STARS:
        if record[key]:
            path = next(each for each in paths if each["path"] == record[key]["path"])
            axes.plot(
                path[name],
                path["uar"],
                marker,
                color=colour,
                markersize=size,
                markeredgecolor="white",
                linestyle="none",
                label=label,
            )
    tau = with_interval(record["tau"]["uar"][name])
    axes.set_title(TITLES[name], pad=22)
    axes.text(
        0,
        1.03,
        f"τ = {tau}",
        transform=axes.transAxes,
        color=DARK,
        size=TEXT_SIZE,
    )
    set_log_ticks(axes, PANEL, _percent)
    axes.ticklabel_format(axis="y", useOffset=False)
    axes.set_xlabel("probability of the path")
    axes.grid(axis="y")
    axes.set_axisbelow(True)


def _percent(probability: float) -> str:
    return f"{100 * probability:.4g} %"
