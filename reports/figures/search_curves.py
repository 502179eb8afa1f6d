"""How a search went: losses, entropies and masses; α and η over the epochs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import log
from statistics import fmean

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

LINES = (
    {"color": BLUE, "marker": "o", "linestyle": "-"},
    {"color": VERMILION, "marker": "s", "linestyle": "--"},
    {"color": GREEN, "marker": "^", "linestyle": "-."},
    {"color": PURPLE, "marker": "D", "linestyle": ":"},
    {"color": BLACK, "marker": "v", "linestyle": (0, (5, 1, 1, 1, 1, 1))},
    {"color": SKY, "marker": "P", "linestyle": (0, (1, 1))},
)
"""Told apart by marker and dashes as much as by colour."""

LEAST_RANGE = 0.1
"""Scales span at least this share of the uniform weight on either side of it."""


def search_curves(record: RunRecord) -> Figure:
    """Losses, entropies of α, η and β, mass of none and skip, over the epochs."""
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
        ("Loss (cross-entropy)", _loss_lines(), None, ()),
        ("Entropy, share of the largest", _entropy_lines(space), 1.0, (0.99, 1.0)),
        ("Mean weight on an edge", _mass_lines(), uniform, least_range(uniform)),
    )
    for index, (title, lines, even, least) in enumerate(panels):
        axes = page.axes(0.55 + 3.2 * index, 0.9, 2.7, 1.75)
        axes.set_title(title)
        _shade(axes, frozen)
        _curves(axes, found, lines)
        if even is not None:
            even_line(axes, even, least)
        _epoch_axis(axes, max(history.epochs[-1] for history in found), record)
        axes.legend(
            loc="upper center", bbox_to_anchor=(0.45, -0.24), ncols=len(lines), columnspacing=1.2
        )
    return page.figure


Column = Callable[[History], "list[float | None] | None"]


def _loss_lines() -> list[tuple[str, Column]]:
    return [
        ("w, Train A", lambda history: history.columns["weight_loss"]),
        ("α, η, β, Train B", lambda history: history.columns["architecture_loss"]),
    ]


def _entropy_lines(space: SearchSpace) -> list[tuple[str, Column]]:
    """Entropies divided by those of uniform choices; none where there is nothing to choose."""
    nodes = list(incoming(space.edges, space.nodes))
    rows = [len(space.outer.out_of(state)) for state in space.outer.choices]
    largest = {
        "α": ("operation_entropy", log(len(space.operations))),
        "η": ("edge_entropy", fmean(log(len(node)) for node in nodes)),
        "β": ("path_entropy", fmean(map(log, rows)) if rows else 0.0),
    }
    return [
        (symbol, lambda history, name=name, most=most: _divided(history.columns[name], most))
        for symbol, (name, most) in largest.items()
        if most and (symbol != "η" or space.edge_norm)
    ]


def _mass_lines() -> list[tuple[str, Column]]:
    return [
        ("none", lambda history: history.columns["none_mass"]),
        ("skip", lambda history: history.columns["skip_mass"]),
    ]


def _divided(values: Sequence[float | None] | None, by: float) -> list[float | None] | None:
    return None if values is None else [None if v is None else v / by for v in values]


def _curves(axes: Axes, found: Sequence[History], lines: Sequence[tuple[str, Column]]) -> None:
    for style, (name, column) in zip(LINES, lines, strict=False):
        series = [(history.epochs, column(history)) for history in found]
        drawn = [(epochs, _numbers(values)) for epochs, values in series if values is not None]
        if not drawn:
            continue
        if len(drawn) > 1:
            for epochs, values in drawn:
                axes.plot(epochs, values, color=style["color"], alpha=0.25, linewidth=0.7)
            drawn = [_mean_curve(drawn)]
        (epochs, values), *_ = drawn
        marks = max(1, len(epochs) // 8)
        axes.plot(epochs, values, label=name, markersize=4.5, markevery=marks, **style)


def _numbers(values: Sequence[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values])


def _mean_curve(drawn: Sequence[tuple[list[int], np.ndarray]]) -> tuple[list[int], np.ndarray]:
    """Mean over the searches of the epochs that all of them have."""
    shortest = min(drawn, key=lambda pair: len(pair[0]))[0]
    values = np.array([values[: len(shortest)] for _, values in drawn])
    return shortest, values.mean(axis=0)


def even_line(axes: Axes, even: float, span: Sequence[float]) -> None:
    """The value of a uniform choice; the axis holds `span` at least.

    So a search that decided nothing looks flat, and is not magnified to noise.
    """
    axes.axhline(even, color=GREY, linewidth=0.9, linestyle=(0, (1, 2)), zorder=1)
    axes.update_datalim([(1, value) for value in span])


def least_range(uniform: float) -> tuple[float, float]:
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
    """Epochs of the warm-up, as `SearchSettings.learns_architecture` counts them."""
    warmup = record.setting("search", "warmup", 0.0)
    return round(warmup * _planned_epochs(record))


def _progress(record: RunRecord, found: Sequence[History]) -> str:
    planned = _planned_epochs(record)
    done = [history.epochs[-1] for history in found]
    if len(done) == 1:
        return f"{done[0]} of {planned} epochs"
    return f"searches of {len(done)} folds, {min(done)} to {max(done)} of {planned} epochs"
