"""Figure 1: accuracy against parameters and against FLOPs, published and measured.

The paper does not print the numbers behind its Figure 1. Its CASME II UAR (Tables 2 and 4) and its
parameters and memory (Table 5) are used instead; its FLOPs can only be read off the picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import pi, sqrt
from typing import TypedDict

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.methods.registry import Variant
from bench.runs.record import RunRecord
from reports.drawing.labels import Box, place_labels
from reports.drawing.style import (
    BLUE,
    DARK,
    GREEN,
    GREY,
    ORANGE,
    TEXT_SIZE,
    Sheet,
    Words,
    house_style,
    sheet,
    text_width,
)
from reports.drawing.ticks import set_log_ticks
from reports.figures.figure1_points import (
    MEASURED,
    PUBLISHED,
    RANDOM,
    Point,
    measured_groups,
    measured_point,
    published_points,
    seeds_of,
)
from reports.published import paper
from reports.reading.groups import RunGroup
from reports.reading.marks import distinct

NOTHING_MEASURED = "no run with scores and a profile yet"

NO_FLOPS = "The paper prints no FLOPs: they exist only as positions in its own Figure 1."

AREA_PER_MB = 14.0
"""Area of a marker in points² per MB of checkpoint."""

SIZE_OF_UNKNOWN = 26.0
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


def draw_tradeoff(
    records: Iterable[RunRecord], variants: Mapping[str, Variant], dataset: str | None
) -> Figure:
    """The figure; only published points where nothing was measured."""
    groups, notes = measured_groups(list(records), dataset)
    points = [*published_points(), *(measured_point(group, variants) for group in groups)]
    with house_style():
        return _draw(points, groups, variants, notes)


def _words(
    groups: Sequence[RunGroup], variants: Mapping[str, Variant], notes: Sequence[str]
) -> Words:
    source = f"{paper()['venue']} {paper()['year']}"
    published = f"Published: CASME II, {source}, Tables 2, 4, 5"
    if not groups:
        return Words(
            "Figure 1. Accuracy against size: published",
            f"{published}. Measured: {NOTHING_MEASURED}",
            (NO_FLOPS,),
        )
    splits = " and ".join(distinct(group.records[0].split for group in groups))
    clips = distinct(f"{group.clips} (preset {group.key.preset})" for group in groups)
    return Words(
        "Figure 1. Accuracy against size and computation: published and measured",
        f"{published}. Measured: {', '.join(clips)}; {splits}, pooled over folds",
        (
            "Published and measured are different clips: compare the order of methods, not the "
            f"heights. {NO_FLOPS}",
            *_marks(groups, variants),
            *notes,
        ),
    )


def _marks(groups: Sequence[RunGroup], variants: Mapping[str, Variant]) -> list[str]:
    """Notes on the marks of the measured points: those of all, then those of some with names."""
    bearers: dict[str, list[str]] = {}
    for group in groups:
        variant = variants.get(group.key.variant)
        own = variant.marks if variant else ()
        for mark in distinct(
            (*group.conditions, *group.leaks, *own, *group.shortfalls, *group.size_marks)
        ):
            bearers.setdefault(mark, []).append(group.name)
    everyone = [mark for mark, names in bearers.items() if len(names) == len(groups)]
    some = [
        f"{mark}: {', '.join(names)}" for mark, names in bearers.items() if len(names) < len(groups)
    ]
    lines = [f"All measured: {'; '.join(everyone)}."] if everyone else []
    counts = sorted({len(seeds_of(group)) for group in groups})
    spread = "; bars: sample standard deviation" if counts[-1] > 1 else ""
    seeds = f"{'-'.join(map(str, counts))} seed{'s' if counts[-1] > 1 else ''} each{spread}"
    return [*lines, *([f"{'. '.join(some)}."] if some else []), f"Measured: {seeds}."]


PANEL_WIDTH, PANEL_HEIGHT = 5.0, 4.3

LEFT, BETWEEN, BELOW, ABOVE = 0.7, 0.35, 1.25, 0.25

KEY_HEIGHT = 0.36
"""Inches from the lower edge of the drawing to the middle of its legend."""


def _draw(
    points: Sequence[Point],
    groups: Sequence[RunGroup],
    variants: Mapping[str, Variant],
    notes: Sequence[str],
) -> Figure:
    page = sheet(
        LEFT + 2 * PANEL_WIDTH + BETWEEN + 0.2,
        BELOW + PANEL_HEIGHT + ABOVE,
        _words(groups, variants, notes),
    )
    first = page.axes(LEFT, BELOW, PANEL_WIDTH, PANEL_HEIGHT)
    second = page.axes(LEFT + PANEL_WIDTH + BETWEEN, BELOW, PANEL_WIDTH, PANEL_HEIGHT)
    low = min(point.uar - (point.uar_sd or 0) for point in points)
    high = max(point.uar + (point.uar_sd or 0) for point in points)
    ylim = (max(-0.03, low - 0.06 - 0.05 * (high - low)), min(1.06, high + 0.06))
    for axes, quantity, title in (
        (first, "params_m", "Parameters, millions (log)"),
        (second, "gflops", "GFLOPs of one clip, 2 × MACs (log)"),
    ):
        _panel(axes, [p for p in points if getattr(p, quantity)], quantity, ylim)
        axes.set_xlabel(title)
    first.set_ylabel("UAR")
    second.tick_params(labelleft=False)
    _empty_flops(second, any(point.gflops for point in points))
    _key(page, points)
    return page.figure


def _panel(axes: Axes, points: Sequence[Point], quantity: str, ylim: tuple[float, float]) -> None:
    axes.set_xscale("log")
    axes.set_ylim(ylim)
    axes.grid(zorder=0)
    axes.set_axisbelow(True)
    if not points:
        axes.set_xlim(0.1, 10)
        axes.grid(False, axis="x")
        axes.tick_params(axis="x", which="both", bottom=False, labelbottom=False)
        return
    points = sorted(points, key=lambda point: -(point.memory_mb or 0))  # small ones in front
    across = [getattr(point, quantity) for point in points]
    spread = [getattr(point, f"{quantity.split('_')[0]}_sd") or 0.0 for point in points]
    axes.set_xlim(min(across) / 1.8, max(map(sum, zip(across, spread, strict=True))) * 1.8)
    set_log_ticks(axes, PANEL_WIDTH, "{:g}".format)
    bars = []
    for point, value, sd in zip(points, across, spread, strict=True):
        _marker(axes, point, value)
        bars += _error_bars(axes, point, value, sd)
    _labels(axes, points, across, bars)


def _marker(axes: Axes, point: Point, across: float) -> None:
    style = STYLES[point.kind]
    if point.memory_mb is None:
        axes.scatter(
            across, point.uar, s=SIZE_OF_UNKNOWN, marker="x", color=style["edgecolor"], zorder=4
        )
        return
    size = _size(point.memory_mb, style["marker"])
    axes.scatter(across, point.uar, s=size, alpha=0.85, linewidth=1.2, zorder=3, **style)
    axes.scatter(across, point.uar, s=4, color=DARK, linewidth=0, zorder=5)


def _error_bars(axes: Axes, point: Point, across: float, sd: float) -> list[Box]:
    """Bars of one standard deviation where there are several seeds; returns their boxes."""
    if not (point.uar_sd or sd):
        return []
    axes.errorbar(
        across,
        point.uar,
        xerr=sd or None,
        yerr=point.uar_sd or None,
        fmt="none",
        ecolor=DARK,
        elinewidth=1.0,
        capsize=2.5,
        zorder=4,
    )
    up = point.uar_sd or 0.0
    ends = [(across, point.uar - up), (across, point.uar + up)]
    ends += [(max(across - sd, across / 10), point.uar), (across + sd, point.uar)]
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = axes.transData.transform(ends) * _points(axes)
    return [Box(x0 - 2, y0, x1 + 2, y1), Box(x2, y2 - 2, x3, y3 + 2)]


def _size(memory_mb: float, marker: str) -> float:
    return AREA_PER_MB * memory_mb * SIDE[marker]


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
            style="normal" if point.kind == PUBLISHED else "italic",
            zorder=6,
        )
        for point, spot in zip(points, spots, strict=True)
    ]
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


def _empty_flops(axes: Axes, measured: bool) -> None:
    """Says in the panel why it has no published points."""
    if measured:
        axes.set_title("no published points: the paper prints no FLOPs", weight="normal")
        return
    published = "no published points:\nthe paper prints no FLOPs"
    text = f"{published}\n\nno measured points:\n{NOTHING_MEASURED}"
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=DARK)


def _key(page: Sheet, points: Sequence[Point]) -> None:
    """The legend: kinds of marker, then their area."""
    axes = page.canvas()
    across = LEFT
    for kind, style in STYLES.items():
        if any(point.kind == kind for point in points):
            axes.scatter(across, KEY_HEIGHT, s=80, linewidth=1.2, **style)
            across = _key_text(axes, across + 0.14, kind)
    if any(point.memory_mb is None for point in points):
        axes.scatter(across, KEY_HEIGHT, s=SIZE_OF_UNKNOWN, marker="x", color=ORANGE)
        across = _key_text(axes, across + 0.14, "published, memory not printed")
    largest = max((point.memory_mb or 0.0 for point in points), default=0.0)
    across = _key_text(axes, across, "area: training checkpoint", pause=0.2)
    for memory in (1, 10, 50):
        if memory <= largest:
            size = _size(memory, "o")
            radius = sqrt(size) / 2 / 72
            across += radius
            axes.scatter(across, KEY_HEIGHT, s=size, facecolor="none", edgecolor=GREY)
            across = _key_text(axes, across + radius + 0.06, f"{memory} MB", pause=0.2)


def _key_text(axes: Axes, across: float, text: str, pause: float = 0.35) -> float:
    """Writes an entry of the legend; returns where the next one begins."""
    axes.text(across, KEY_HEIGHT, text, va="center", size=TEXT_SIZE)
    return across + text_width(text, TEXT_SIZE) + pause
