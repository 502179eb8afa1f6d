"""Curves of a search over its epochs: losses, entropies, weight on none and skip."""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from statistics import fmean
from typing import NamedTuple, TypedDict

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.runs.record import RunRecord
from bench.runs.searches import (
    History,
    histories,
    space_of,
)
from reports.drawing.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    PURPLE,
    SKY,
    VERMILION,
    sheet,
)
from reports.figures.words import words
from rnas.space import SearchSpace, incoming


class LineStyle(TypedDict):
    """Keyword arguments of `Axes.plot`."""

    color: str
    marker: str
    linestyle: str | tuple[float, tuple[float, ...]]


LINES: tuple[LineStyle, ...] = (
    {"color": BLUE, "marker": "o", "linestyle": "-"},
    {"color": VERMILION, "marker": "s", "linestyle": "--"},
    {"color": GREEN, "marker": "^", "linestyle": "-."},
    {"color": PURPLE, "marker": "D", "linestyle": ":"},
    {"color": BLACK, "marker": "v", "linestyle": (0, (5, 1, 1, 1, 1, 1))},
    {"color": SKY, "marker": "P", "linestyle": (0, (1, 1))},
)
"""Distinguished by marker and dashes as well as by colour."""

LEAST_RANGE = 0.1
"""Axes extend at least this far to either side of the uniform weight, as a share of it."""


class Curve(NamedTuple):
    """A column of `history.csv`, its values divided by `largest`."""

    label: str
    column: str
    largest: float = 1.0


LOSSES = (
    Curve("w, Train A", "weight_loss"),
    Curve("α, η, β, Train B", "architecture_loss"),
)
MASSES = (Curve("none", "none_mass"), Curve("skip", "skip_mass"))


def search_curves(record: RunRecord) -> Figure:
    """Losses, entropies of α, η and β, and mean weight on none and skip, over the epochs."""
    space = space_of(record)
    found = histories(record)
    frozen = frozen_epochs(record)
    notes = ["Entropies: 1 is the entropy of a uniform choice, that is, nothing is decided."]
    if frozen:
        notes.append("Shaded: epochs in which α, η and β are frozen.")
    if record.searches.per_fold:
        notes.append(f"Thick: mean over the searches of {len(found)} folds; thin: each of them.")
    page = sheet(9.9, 2.95, words(record, "Search", _progress(record, found), notes))
    uniform = 1 / len(space.operations)
    panels = (
        ("Loss (cross-entropy)", LOSSES, None, ()),
        ("Entropy, share of the largest", _entropies(space), 1.0, (0.99, 1.0)),
        ("Mean weight on an edge", MASSES, uniform, least_range(uniform)),
    )
    for index, (title, curves, level, least) in enumerate(panels):
        axes = page.axes(0.55 + 3.2 * index, 0.9, 2.7, 1.75)
        axes.set_title(title)
        _shade(axes, frozen)
        _draw(axes, found, curves)
        if level is not None:
            uniform_line(axes, level, least)
        _epoch_axis(axes, max(history.epochs[-1] for history in found), record)
        axes.legend(
            loc="upper center", bbox_to_anchor=(0.45, -0.24), ncols=len(curves), columnspacing=1.2
        )
    return page.figure


def _entropies(space: SearchSpace) -> list[Curve]:
    """Entropies as shares of that of a uniform choice; none where there is nothing to choose."""
    nodes = list(incoming(space.edges, space.nodes))
    rows = [len(space.outer.out_of(state)) for state in space.outer.choices]
    curves = (
        Curve("α", "operation_entropy", log(len(space.operations))),
        Curve("η", "edge_entropy", fmean(log(len(node)) for node in nodes)),
        Curve("β", "path_entropy", fmean(map(log, rows)) if rows else 0.0),
    )
    return [each for each in curves if each.largest and (space.edge_norm or each.label != "η")]


def _draw(axes: Axes, found: Sequence[History], curves: Sequence[Curve]) -> None:
    for style, curve in zip(LINES, curves, strict=False):
        drawn = [(history.epochs, _values(history, curve)) for history in found]
        if len(drawn) > 1:
            for epochs, values in drawn:
                axes.plot(epochs, values, color=style["color"], alpha=0.25, linewidth=0.7)
            drawn = [_mean_curve(drawn)]
        (epochs, values), *_ = drawn
        marks = max(1, len(epochs) // 8)
        axes.plot(epochs, values, label=curve.label, markersize=4.5, markevery=marks, **style)


def _values(history: History, curve: Curve) -> np.ndarray:
    values = history.columns[curve.column]
    return np.array([np.nan if value is None else value / curve.largest for value in values])


def _mean_curve(drawn: Sequence[tuple[list[int], np.ndarray]]) -> tuple[list[int], np.ndarray]:
    """Mean over the searches, for the epochs that all of them have."""
    shortest = min(drawn, key=lambda pair: len(pair[0]))[0]
    values = np.array([values[: len(shortest)] for _, values in drawn])
    return shortest, values.mean(axis=0)


def uniform_line(axes: Axes, level: float, span: Sequence[float]) -> None:
    """Marks the value of a uniform choice; the axis includes `span`.

    So the curve of a search that decided nothing looks flat instead of being magnified to noise.
    """
    axes.axhline(level, color=GREY, linewidth=0.9, linestyle=(0, (1, 2)), zorder=1)
    axes.update_datalim([(1, value) for value in span])


def least_range(uniform: float) -> tuple[float, float]:
    """The least extent of an axis around a uniform weight."""
    return uniform * (1 - LEAST_RANGE), uniform * (1 + LEAST_RANGE)


def _shade(axes: Axes, frozen: int) -> None:
    if frozen:
        axes.axvspan(0.5, frozen + 0.5, color="#ececec", zorder=0)


def _epoch_axis(axes: Axes, last: int, record: RunRecord) -> None:
    planned = max(last, _planned_epochs(record))
    axes.set_xlim(0.5, planned + 0.5)
    axes.set_xticks(_epoch_ticks(planned))
    axes.set_xlabel("epoch")
    axes.grid(axis="y")
    axes.ticklabel_format(axis="y", useOffset=False)
    axes.margins(y=0.12)


def _epoch_ticks(last: int) -> list[int]:
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 500, 10**9) if last / step <= 8)
    return sorted({1, *range(step, last + 1, step)}) if step > 1 else list(range(1, last + 1))


def _planned_epochs(record: RunRecord) -> int:
    return int(record.setting("search", "epochs", 0))


def frozen_epochs(record: RunRecord) -> int:
    """Number of warm-up epochs, as `SearchSettings.learns_architecture` counts them."""
    warmup = record.setting("search", "warmup", 0.0)
    return round(warmup * _planned_epochs(record))


def _progress(record: RunRecord, found: Sequence[History]) -> str:
    planned = _planned_epochs(record)
    done = [history.epochs[-1] for history in found]
    if len(done) == 1:
        return f"{done[0]} of {planned} epochs"
    return f"searches of {len(done)} folds, {min(done)} to {max(done)} of {planned} epochs"
