"""How a search went: losses, entropies and masses; α and η over the epochs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log
from statistics import fmean

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bench.runs.record import RunRecord
from bench.runs.searches import (
    CannotDraw,
    History,
    Weights,
    decoded,
    histories,
    searched_by_fold,
    space_of,
    weights,
)
from reports.figures.cell import edge_name, source_name
from reports.figures.folder import words
from reports.figures.style import (
    BLACK,
    BLUE,
    DARK,
    GREEN,
    GREY,
    HEAT,
    PURPLE,
    SKY,
    TEXT_SIZE,
    VERMILION,
    Sheet,
    sheet,
    text_width,
)
from rnas.space import Edge, SearchSpace, incoming

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


# Search curves


def search_curves(record: RunRecord) -> Figure:
    """Losses, entropies of α, η and β, mass of none and skip, over the epochs."""
    space = space_of(record)
    found = histories(record)
    frozen = _frozen_epochs(record)
    notes = ["Entropies: 1 is the entropy of a uniform choice, that is, nothing is decided."]
    if frozen:
        notes.append("Shaded: epochs in which α, η and β are frozen.")
    if searched_by_fold(record):
        notes.append(f"Thick: mean over the searches of {len(found)} folds; thin: each of them.")
    page = sheet(9.9, 2.95, words(record, "Search", _progress(record, found), notes))
    uniform = 1 / len(space.operations)
    panels = (
        ("Loss (cross-entropy)", _loss_lines(), None, ()),
        ("Entropy, share of the largest", _entropy_lines(space), 1.0, (0.99, 1.0)),
        ("Mean weight on an edge", _mass_lines(), uniform, _least_range(uniform)),
    )
    for index, (title, lines, even, least) in enumerate(panels):
        axes = page.axes(0.55 + 3.2 * index, 0.9, 2.7, 1.75)
        axes.set_title(title)
        _shade(axes, frozen)
        _curves(axes, found, lines)
        if even is not None:
            _even_line(axes, even, least)
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


def _even_line(axes: Axes, even: float, span: Sequence[float]) -> None:
    """The value of a uniform choice; the axis holds `span` at least.

    So a search that decided nothing looks flat, and is not magnified to noise.
    """
    axes.axhline(even, color=GREY, linewidth=0.9, linestyle=(0, (1, 2)), zorder=1)
    axes.update_datalim([(1, value) for value in span])


def _least_range(uniform: float) -> tuple[float, float]:
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
    return int(record.run.get("config", {}).get("search", {}).get("epochs", 0))


def _frozen_epochs(record: RunRecord) -> int:
    """Epochs of the warm-up, as `SearchSettings.learns_architecture` counts them."""
    warmup = record.run.get("config", {}).get("search", {}).get("warmup", 0.0)
    return round(warmup * _planned_epochs(record))


def _progress(record: RunRecord, found: Sequence[History]) -> str:
    planned = _planned_epochs(record)
    done = [history.epochs[-1] for history in found]
    if len(done) == 1:
        return f"{done[0]} of {planned} epochs"
    return f"searches of {len(done)} folds, {min(done)} to {max(done)} of {planned} epochs"


# α and η over the epochs

ROW = 0.15
"""Inches of an operation's row in a heat map."""

HEAT_WIDTH, ACROSS, UP = 1.3, 0.24, 0.34
FOOT, ETA = 0.45, 1.75
"""Inches below the heat maps for their epochs, and for η."""

SMALL = TEXT_SIZE - 1.5


@dataclass(frozen=True)
class Grid:
    """Where the heat map of each edge stands: a row per node, a column per source."""

    space: SearchSpace
    left: float
    bottom: float
    epochs: int

    @property
    def tall(self) -> float:
        return ROW * len(self.space.operations)

    def corner(self, edge: Edge) -> tuple[float, float]:
        """Lower left corner of an edge's heat map."""
        below = self.space.nodes - 1 - edge.node
        return (
            self.left + edge.source * (HEAT_WIDTH + ACROSS),
            self.bottom + below * (self.tall + UP),
        )

    def row(self, edge: Edge, operation: int) -> float:
        """Height of the middle of an operation's row."""
        return self.corner(edge)[1] + self.tall - (operation + 0.5) * ROW


def architecture(record: RunRecord) -> Figure:
    """softmax(α) of every edge, a heat map of operation and epoch each; η of every node."""
    space = space_of(record)
    found = weights(record, space)
    operations, edges = _means(found)
    names = max(text_width(name, SMALL) for name in space.operations) + 0.25
    bottom = FOOT + (ETA if space.edge_norm else 0.0)
    grid = Grid(space, names, bottom, len(operations))
    page = sheet(
        max(names + (space.nodes + 1) * (HEAT_WIDTH + ACROSS), 6.4),
        bottom + space.nodes * (grid.tall + UP),
        words(record, "Architecture weights", _sentence(found, operations), _notes(record, space)),
    )
    axes = page.canvas()
    norm = _colour_range(operations, 1 / len(space.operations))
    _heat_maps(axes, grid, operations, norm)
    _warmup_line(axes, grid, _frozen_epochs(record))
    _kept_marks(axes, grid, _kept(record, space))
    _colour_bar(axes, grid, norm)
    axes.set(xlim=(0, page.width), ylim=(0, page.height), aspect="auto")
    if space.edge_norm:
        _eta(page, names, space, edges)
    return page.figure


def _means(found: Sequence[Weights]) -> tuple[np.ndarray, np.ndarray]:
    """α (epochs, E, |operations|) and η (epochs, E), means over the searches."""
    shortest = min(len(each.operations) for each in found)
    if not shortest:
        raise CannotDraw("no epoch in search/architecture.json yet")
    operations = np.array([each.operations[:shortest] for each in found]).mean(axis=0)
    return operations, np.array([each.edges[:shortest] for each in found]).mean(axis=0)


def _kept(record: RunRecord, space: SearchSpace) -> list[tuple[Edge, str]]:
    """Edges and operations of the decoded cell; none over folds or before decoding."""
    if searched_by_fold(record):
        return []
    try:
        (one,) = decoded(record, space)
    except CannotDraw:
        return []
    return list(zip(one.genotype.edges, one.genotype.operations, strict=True))


def _colour_range(operations: np.ndarray, uniform: float) -> Normalize:
    """From the least weight to the largest: one scale for all heat maps."""
    low, high = _least_range(uniform)
    return Normalize(min(float(operations.min()), low), max(float(operations.max()), high))


def _heat_maps(axes: Axes, grid: Grid, operations: np.ndarray, norm: Normalize) -> None:
    """operations: softmax(α), (epochs, E, |operations|)."""
    space = grid.space
    for index, edge in enumerate(space.edges):
        left, bottom = grid.corner(edge)
        right, top = left + HEAT_WIDTH, bottom + grid.tall
        axes.imshow(
            operations[:, index].T,
            cmap=HEAT,
            norm=norm,
            interpolation="nearest",
            extent=(left, right, bottom, top),
        )
        axes.text(left, top + 0.05, edge_name(edge), size=TEXT_SIZE, weight="bold")
        if edge.source == 0:
            for row, name in enumerate(space.operations):
                up = grid.row(edge, row)
                axes.text(left - 0.06, up, name, ha="right", va="center", size=SMALL)
        if edge.node == space.nodes - 1:
            half = HEAT_WIDTH / grid.epochs / 2
            places = {1: left + half, grid.epochs: right - half}
            for epoch, across in places.items():
                axes.text(across, bottom - 0.05, str(epoch), ha="center", va="top", size=SMALL)
            middle = (left + right) / 2
            axes.text(middle, bottom - 0.2, "epoch", ha="center", va="top", size=SMALL)


def _warmup_line(axes: Axes, grid: Grid, frozen: int) -> None:
    if not 0 < frozen < grid.epochs:
        return
    corners = [grid.corner(edge) for edge in grid.space.edges]
    across = [left + HEAT_WIDTH * frozen / grid.epochs for left, _ in corners]
    lower = np.array([bottom for _, bottom in corners])
    axes.vlines(across, lower, lower + grid.tall, colors="white", linewidths=1.0, linestyles="--")


def _kept_marks(axes: Axes, grid: Grid, kept: Sequence[tuple[Edge, str]]) -> None:
    if not kept:
        return
    across = [grid.corner(edge)[0] + HEAT_WIDTH + 0.07 for edge, _ in kept]
    up = [grid.row(edge, grid.space.operations.index(name)) for edge, name in kept]
    axes.scatter(across, up, marker="<", s=28, color=BLACK, zorder=4)


def _colour_bar(axes: Axes, grid: Grid, norm: Normalize) -> None:
    """In the corner that the triangle of heat maps leaves free, right of the first row."""
    left, bottom = grid.corner(Edge(2, 0))
    top = bottom + grid.tall - 0.1
    ramp = np.linspace(norm.vmin, norm.vmax, 64)[None]
    right = left + HEAT_WIDTH
    axes.imshow(ramp, cmap=HEAT, norm=norm, extent=(left, right, top - 0.14, top))
    uniform = 1 / len(grid.space.operations)
    at = left + HEAT_WIDTH * float(norm(uniform))
    axes.plot([at, at], [top - 0.2, top + 0.04], color=BLACK, linewidth=1.2)
    axes.text(left, top + 0.07, "weight, softmax(α)", size=TEXT_SIZE)
    axes.text(left, top - 0.2, f"{norm.vmin:.3f}", va="top", size=SMALL)
    axes.text(right, top - 0.2, f"{norm.vmax:.3f}", ha="right", va="top", size=SMALL)
    axes.text(
        left, top - 0.36, f"black line: uniform, {uniform:.3f}", va="top", size=SMALL, color=DARK
    )


def _eta(page: Sheet, names: float, space: SearchSpace, edges: np.ndarray) -> None:
    """softmax(η) over the incoming edges of every node, a panel each, one legend for all."""
    epochs = np.arange(1, len(edges) + 1)
    step = (page.width - names) / space.nodes
    for node, indices in enumerate(incoming(space.edges, space.nodes)):
        axes = page.axes(names + node * step, 0.62, step - 0.55, 0.8)
        for index in indices:
            source = space.edges[index].source
            style = LINES[source % len(LINES)]
            axes.plot(
                epochs,
                edges[:, index],
                label=source_name(source),
                markersize=4,
                markevery=max(1, len(epochs) // 4),
                **style,
            )
        _even_line(axes, 1 / len(indices), _least_range(1 / len(indices)))
        axes.set_title(f"η into node {node + 1}", size=TEXT_SIZE)
        axes.set_xlim(0.5, len(edges) + 0.5)
        axes.set_xticks(ends := sorted({1, len(edges)}), [f"epoch {epoch}" for epoch in ends])
        axes.yaxis.set_major_locator(MaxNLocator(3))
        axes.ticklabel_format(axis="y", useOffset=False)
        axes.tick_params(labelsize=SMALL)
    handles, labels = axes.get_legend_handles_labels()  # the last node has every source
    page.figure.legend(
        handles,
        [f"from {label}" for label in labels],
        loc="lower left",
        bbox_to_anchor=(0.0, page.below / page.figure.get_size_inches()[1]),
        ncols=len(labels),
        handlelength=2.6,
    )


def _sentence(found: Sequence[Weights], operations: np.ndarray) -> str:
    epochs = f"{len(operations)} epochs"
    return f"Mean over the searches of {len(found)} folds, {epochs}" if len(found) > 1 else epochs


def _notes(record: RunRecord, space: SearchSpace) -> list[str]:
    notes = ["A heat map per edge, source → node; a row per operation; one colour scale for all."]
    if not searched_by_fold(record):
        notes[0] += " Black mark: the operation that the decoded cell keeps on that edge."
    frozen = _frozen_epochs(record)
    if frozen:
        notes.append("Left of the white line: epochs in which α, η and β are frozen.")
    if space.edge_norm:
        notes.append("η: dotted is a uniform choice.")
    else:
        notes.append("No edge normalisation in this space: no η.")
    return notes
