"""Figure of the leakage study: scores on true and on shuffled labels under each protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.drawing.style import (
    BLUE,
    DARK,
    GREY,
    PALE,
    TEXT_SIZE,
    VERMILION,
    Sheet,
    Words,
    house_style,
    sheet,
)
from reports.studies.record import SCORES, clips_of, made_with

COLUMN = 0.92
"""Width of a cell of the study, inches."""

PANEL_HEIGHT = 2.2
BAND_WIDTH = 0.62
APART = 0.13
"""Distance between the true score and the permutations' mean, as a share of COLUMN."""

SCOPES = {
    "fold": "searched in each fold",
    "all": "searched on all subjects (leaky)",
    "none": "not searched",
}
RULES = {"last": "last\nepoch", "inner_val": "inner\nvalidation", "oracle": "oracle\n(leaky)"}


def draw_leakage(record: Mapping[str, Any]) -> Figure:
    """UAR and UF1 under every protocol, on true and on shuffled labels."""
    with house_style():
        cells = record["cells"]
        width = max(6.4, len(cells) * COLUMN + 0.9)
        page = sheet(width, 2 * (PANEL_HEIGHT + 0.9) + 0.35, _words(record))
        for place, (name, title) in enumerate(SCORES.items()):
            bottom = (1 - place) * (PANEL_HEIGHT + 0.9) + 0.65
            axes = page.axes(0.65, bottom, width - 0.9, PANEL_HEIGHT)
            _panel(axes, cells, name, title, _clean(record, name))
        _key(page)
        return page.figure


def _words(record: Mapping[str, Any]) -> Words:
    made = made_with(record, f"seeds {', '.join(map(str, record['seeds']))}")
    return Words(
        f"Leaks: {record['variant']} on {clips_of(record)}",
        f"{record['subjects']} subjects left out in turn, {record['permutations']} permutations "
        "of the labels",
        (
            "All selection rules of a column group come from the same training runs. search_scope="
            "all and selection=oracle are leaky: test subjects have a part in the score.",
            f"{made} Intervals: 95 %, over subjects and over permutations.",
        ),
    )


def _clean(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The scores of the clean cell on shuffled labels."""
    clean = record["clean"].items()
    cell = next(cell for cell in record["cells"] if clean <= cell.items())
    return cell[name]["shuffled"]


def _panel(
    axes: Axes,
    cells: Sequence[Mapping[str, Any]],
    name: str,
    title: str,
    clean: Mapping[str, Any],
) -> None:
    if clean["mean"] is not None:
        axes.axhline(clean["mean"], color=DARK, linewidth=1, linestyle="--", zorder=1)
    for place, cell in enumerate(cells):
        true, shuffled = cell[name]["true"], cell[name]["shuffled"]
        if shuffled["mean"] is not None:
            height = shuffled["band_high"] - shuffled["band_low"]
            axes.bar(place, height, BAND_WIDTH, bottom=shuffled["band_low"], color=PALE, zorder=0)
            _point(axes, place + APART, shuffled, "mean", VERMILION, "D")
        _point(axes, place - APART, true, "estimate", BLUE, "o")
    axes.set_xticks(range(len(cells)), [RULES[cell["selection"]] for cell in cells])
    axes.set(xlim=(-0.6, len(cells) - 0.4), ylim=(0, 1), ylabel=title)
    axes.grid(axis="y")
    axes.set_axisbelow(True)
    axes.tick_params(axis="x", length=0)
    _scopes(axes, cells)


def _point(
    axes: Axes, place: float, score: Mapping[str, Any], key: str, colour: str, marker: str
) -> None:
    if score["low"] is not None:
        axes.plot([place, place], [score["low"], score["high"]], color=colour, linewidth=1.6)
    face = "white" if key == "mean" else colour
    axes.plot(place, score[key], marker, color=colour, markerfacecolor=face, markersize=5.5)


def _scopes(axes: Axes, cells: Sequence[Mapping[str, Any]]) -> None:
    """The search scope above its three columns, a line between two of them."""
    scopes = list(dict.fromkeys(cell["search_scope"] for cell in cells))
    for place, scope in enumerate(scopes):
        columns = [index for index, cell in enumerate(cells) if cell["search_scope"] == scope]
        middle = sum(columns) / len(columns)
        axes.text(middle, 1.03, SCOPES[scope], ha="center", va="bottom", size=TEXT_SIZE - 0.5)
        if place:
            axes.axvline(columns[0] - 0.5, color=GREY, linewidth=0.8)


def _key(page: Sheet) -> None:
    """The legend, along the lower edge."""
    axes = page.axes(0.1, 0, page.width - 0.2, 0.3)
    axes.set_axis_off()
    axes.set(xlim=(0, 1), ylim=(0, 1))
    marks = (
        axes.plot([], [], "o-", color=BLUE)[0],
        axes.plot([], [], "D-", color=VERMILION, markerfacecolor="white")[0],
        axes.bar([0], [0], color=PALE),
        axes.plot([], [], "--", color=DARK)[0],
    )
    names = ("true labels", "shuffled: mean", "shuffled: 95 %", "clean, shuffled")
    axes.legend(marks, names, loc="center", ncols=4, columnspacing=1.2, handlelength=1.6)
