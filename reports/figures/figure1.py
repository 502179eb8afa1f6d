"""Figure 1: accuracy against parameters and against FLOPs, a row of panels per data set.

The paper does not print the numbers behind its Figure 1. Its CASME II UAR (Tables 2 and 4) and its
parameters and memory (Table 5) are used instead; its FLOPs can only be read off the picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import pi, sqrt
from typing import TypedDict

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple

from bench.methods.registry import Variant
from bench.runs.record import RunRecord
from bench.system.fonts import fit_fonts
from reports.drawing.labels import Box, place_labels
from reports.drawing.style import (
    BLUE,
    DARK,
    GREEN,
    NOTE_SIZE,
    ORANGE,
    TEXT_SIZE,
    Sheet,
    Words,
    house_style,
    sheet,
    wrapped,
)
from reports.drawing.ticks import set_log_ticks
from reports.figures.figure1_points import MEASURED, PUBLISHED, RANDOM, Panel, Point, panels

NOTHING_MEASURED = "Measured: no run with scores and a profile yet."

NO_FLOPS = "The paper prints no FLOPs: they exist only as positions in its own Figure 1."

AREA_PER_MB = 8.0
"""Area of a marker in points² per MB of checkpoint."""

SMALLEST_MB = 5.0
"""A smaller checkpoint has the marker of this one, which can still be seen."""

KEY_MB = (SMALLEST_MB, 20.0, 50.0)
"""Checkpoints in the key."""

SIZE_OF_UNKNOWN = 40.0
"""Size of the cross of a method whose memory is not known."""

LABEL_SIZE = TEXT_SIZE - 0.5

LABEL_AIR = 2.5
"""Least points between two labels."""

LEADER_FROM = 5.0
"""Distance in points between marker and label from which a line joins them."""


class MarkerStyle(TypedDict):
    """Keyword arguments of `Axes.scatter`."""

    marker: str
    facecolor: str
    edgecolor: str
    linestyle: str


STYLES: dict[str, MarkerStyle] = {
    PUBLISHED: {"marker": "o", "facecolor": "#fbe3b5", "edgecolor": ORANGE, "linestyle": "-"},
    MEASURED: {"marker": "s", "facecolor": "#5aa0cf", "edgecolor": BLUE, "linestyle": "-"},
    RANDOM: {"marker": "^", "facecolor": "#bfe5d8", "edgecolor": GREEN, "linestyle": "--"},
}

SIDE = {"o": 4 / pi, "s": 1.0, "^": 2.0}
"""The size that matplotlib needs to draw a marker of area 1."""

QUANTITIES = {
    "params_m": "Parameters, millions (log)",
    "gflops": "GFLOPs of one clip, 2 × MACs (log)",
}

PANEL_WIDTH, PANEL_HEIGHT = 4.3, 3.1

LEFT, BETWEEN = 0.7, 0.3

WIDTH = LEFT + 2 * PANEL_WIDTH + BETWEEN + 0.2

BELOW, ABOVE = 0.6, 0.12
"""Inches of a row for the titles of its axes, and over its title."""

KEY_STRIP = 1.3
"""Inches for the key where no cell of the grid is free for it."""

LINE = 1.3 / 72
"""Inches from one line of text to the next, per point of its size."""


def draw_tradeoff(
    records: Iterable[RunRecord], variants: Mapping[str, Variant], dataset: str | None
) -> Figure:
    """The figure; only published points where nothing was measured."""
    rows, notes = panels(list(records), variants, dataset)
    with house_style():
        return _draw(rows, notes)


def _words(rows: Sequence[Panel], notes: Sequence[str]) -> Words:
    points = [point for row in rows for point in row.points]
    bars = ["Bars: 95 % interval over subjects, of the mean over seeds."]
    dots = ["Small dots: single seeds."]
    return Words(
        "Figure 1. Accuracy against size and computation",
        "A row of panels per data set: scores on different clips are not compared on one axis",
        (
            NO_FLOPS if len(rows) > 1 else f"{NO_FLOPS} {NOTHING_MEASURED}",
            *bars * any(point.interval for point in points),
            *dots * any(point.seeds for point in points),
            *notes,
        ),
    )


def _draw(rows: Sequence[Panel], notes: Sequence[str]) -> Figure:
    heads = [[row.title, *wrapped(row.marks, WIDTH - LEFT, NOTE_SIZE)] for row in rows]
    tall = [
        ABOVE + LINE * (TEXT_SIZE + NOTE_SIZE * len(head)) + PANEL_HEIGHT + BELOW for head in heads
    ]
    free = not _has(rows[0], "gflops")
    top = sum(tall) + KEY_STRIP * (not free)
    page = sheet(WIDTH, top, _words(rows, notes))
    right = LEFT + PANEL_WIDTH + BETWEEN
    for row, head, height in zip(rows, heads, tall, strict=True):
        _head(page, top - ABOVE, head)
        top -= height
        ylim = _limits(row.points)
        for left, quantity in zip((LEFT, right), QUANTITIES, strict=True):
            if _has(row, quantity):
                axes = page.axes(left, top + BELOW, PANEL_WIDTH, PANEL_HEIGHT)
                _panel(axes, row.points, quantity, ylim)
                axes.set_ylabel("UAR" if left == LEFT else "")
                axes.tick_params(labelleft=left == LEFT)
    points = [point for row in rows for point in row.points]
    if free:
        cell = page.axes(right, sum(tall) - tall[0] + BELOW, PANEL_WIDTH, PANEL_HEIGHT)
        _key(cell, points, 1)
    else:
        _key(page.axes(LEFT, 0, WIDTH - LEFT, KEY_STRIP), points, 3)
    return page.figure


def _has(row: Panel, quantity: str) -> bool:
    return any(getattr(point, quantity) for point in row.points)


def _head(page: Sheet, top: float, lines: Sequence[str]) -> None:
    """The title of a row and the marks of its points."""
    axes = page.canvas()
    title, *marks = lines
    axes.text(LEFT, top, title, size=TEXT_SIZE + 0.5, weight="bold", va="top")
    below = top - LINE * (TEXT_SIZE + 0.5)
    axes.text(LEFT, below, "\n".join(marks), size=NOTE_SIZE, color=DARK, va="top")


def _limits(points: Sequence[Point]) -> tuple[float, float]:
    ends = [value for point in points for value in _extent(point)]
    low, high = min(ends), max(ends)
    return max(-0.03, low - 0.06 - 0.05 * (high - low)), min(1.06, high + 0.06)


def _extent(point: Point) -> list[float]:
    """Every UAR that is drawn of a point."""
    return [point.uar, *(point.interval or ()), *(seed["uar"] or 0.0 for seed in point.seeds)]


def _panel(axes: Axes, points: Sequence[Point], quantity: str, ylim: tuple[float, float]) -> None:
    axes.set_xscale("log")
    axes.set_ylim(ylim)
    axes.grid(zorder=0)
    axes.set_axisbelow(True)
    axes.set_xlabel(QUANTITIES[quantity])
    known = [point for point in points if getattr(point, quantity)]
    known.sort(key=lambda point: -(point.memory_mb or 0))  # small ones in front
    across = [getattr(point, quantity) for point in known]
    seeds = [seed[quantity] for point in known for seed in point.seeds if seed[quantity]]
    axes.set_xlim(min((*across, *seeds)) / 1.8, max((*across, *seeds)) * 1.8)
    set_log_ticks(axes, PANEL_WIDTH, "{:g}".format)
    bars = []
    for point, value in zip(known, across, strict=True):
        _marker(axes, point, value)
        bars += _spread(axes, point, value, quantity)
    _labels(axes, known, across, bars)


def _marker(axes: Axes, point: Point, across: float) -> None:
    style = STYLES[point.kind]
    if point.memory_mb is None:
        axes.scatter(
            across, point.uar, s=SIZE_OF_UNKNOWN, marker="x", color=style["edgecolor"], zorder=4
        )
        return
    size = _size(point.memory_mb, style["marker"])
    axes.scatter(across, point.uar, s=size, alpha=0.85, linewidth=1.2, zorder=3, **style)


def _spread(axes: Axes, point: Point, across: float, quantity: str) -> list[Box]:
    """The interval of a point as a bar and its seeds as dots; returns the bar's box in points."""
    colour = STYLES[point.kind]["edgecolor"]
    dots = [(seed[quantity], seed["uar"]) for seed in point.seeds if seed[quantity]]
    if dots:
        x, y = zip(*dots, strict=True)
        axes.scatter(x, y, s=7, color=colour, linewidth=0, zorder=2)
    if point.interval is None:
        return []
    axes.vlines(across, *point.interval, color=DARK, linewidth=1.0, zorder=4)
    ends = [(across, end) for end in point.interval]
    (x0, y0), (x1, y1) = axes.transData.transform(ends) * _points(axes)
    return [Box(x0 - 1, y0, x1 + 1, y1)]


def _size(memory_mb: float, marker: str) -> float:
    return AREA_PER_MB * max(memory_mb, SMALLEST_MB) * SIDE[marker]


def _points(axes: Axes) -> float:
    """Points (1/72 inch) per pixel."""
    return 72 / axes.figure.dpi


def _labels(
    axes: Axes, points: Sequence[Point], across: Sequence[float], avoid: Sequence[Box]
) -> None:
    """Names beside the markers, joined to them by a thin line where they are not close."""
    scale = _points(axes)
    spots = [(x, point.uar) for x, point in zip(across, points, strict=True)]
    centres = axes.transData.transform(spots) * scale
    texts = [
        axes.annotate(
            point.label,
            spot,
            xytext=(0, 0),
            textcoords="offset points",
            ha="center",
            va="center",
            size=LABEL_SIZE,
            zorder=6,
        )
        for point, spot in zip(points, spots, strict=True)
    ]
    fit_fonts(axes.figure)
    boxes = [text.get_window_extent() for text in texts]
    sizes = np.array([(box.width, box.height) for box in boxes]) * scale
    radii = np.array([_radius(point) for point in points])
    window = axes.get_window_extent().padded(-LEADER_FROM)
    bounds = Box(*(np.array((window.x0, window.y0, window.x1, window.y1)) * scale))
    places = place_labels(centres, radii, sizes, bounds, LABEL_AIR, avoid)
    for i, text in enumerate(texts):
        text.set_position(tuple(places[i] - centres[i]))
        gaps = np.maximum(np.abs(places[i] - centres) - sizes[i] / 2, 0)
        distances = np.hypot(*gaps.T)
        if distances[i] > radii[i] + LEADER_FROM or distances.min() < distances[i]:
            _leader(axes, spots[i], places[i] - centres[i], sizes[i])


def _radius(point: Point) -> float:
    """Points from a marker's centre to its farthest edge, without error bars."""
    if point.memory_mb is None:
        return sqrt(SIZE_OF_UNKNOWN) / 2
    reach = sqrt(_size(point.memory_mb, STYLES[point.kind]["marker"])) / 2
    return reach if point.kind == PUBLISHED else 1.25 * reach


def _leader(axes: Axes, spot: tuple[float, float], away: np.ndarray, size: np.ndarray) -> None:
    """A thin line from the marker's centre to the nearest point of its label."""
    nearest = np.sign(away) * np.maximum(np.abs(away) - size / 2, 0)
    line = {"arrowstyle": "-", "color": DARK, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 0}
    axes.annotate(
        "", spot, xytext=tuple(nearest), textcoords="offset points", arrowprops=line, zorder=5
    )


def _key(axes: Axes, points: Sequence[Point], columns: int) -> None:
    """The legend: kinds of marker, then their area, in the shapes that are in use."""
    axes.set_axis_off()
    sized = [point for point in points if point.memory_mb is not None]
    kinds = [kind for kind in STYLES if any(point.kind == kind for point in sized)]
    entries: list[tuple[PathCollection | tuple[PathCollection, ...], str]] = [
        (_key_marker(axes, kind, KEY_MB[1]), kind) for kind in kinds
    ]
    if len(sized) < len(points):
        cross = axes.scatter([], [], s=SIZE_OF_UNKNOWN, marker="x", color=ORANGE)
        entries.append((cross, "published, memory not printed"))
    largest = max((point.memory_mb or 0.0 for point in sized), default=0.0)
    for memory in (SMALLEST_MB, *(each for each in KEY_MB[1:] if each <= largest)):
        shapes = tuple(_key_marker(axes, kind, memory) for kind in kinds)
        least = " or less" * (memory == SMALLEST_MB)
        entries.append((shapes, f"checkpoint of {memory:g} MB{least}"))
    axes.legend(
        *zip(*entries, strict=True),
        loc="center left",
        bbox_to_anchor=(0.05 if columns == 1 else 0.0, 0.5),
        ncols=columns,
        handlelength=3.4 * len(kinds),
        handleheight=2.7,
        handler_map={tuple: HandlerTuple(ndivide=None, pad=0.5)},
    )


def _key_marker(axes: Axes, kind: str, memory: float) -> PathCollection:
    style = STYLES[kind]
    return axes.scatter([], [], s=_size(memory, style["marker"]), linewidth=1.2, **style)
