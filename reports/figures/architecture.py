"""Heat maps of α and curves of η over the epochs of a search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bench.runs.record import RunRecord
from bench.runs.searches import (
    CannotDraw,
    Weights,
    decoded,
    space_of,
    weights,
)
from reports.drawing.style import (
    BLACK,
    DARK,
    HEAT,
    TEXT_SIZE,
    Sheet,
    sheet,
    text_width,
)
from reports.figures.cell import edge_name, source_name
from reports.figures.search_curves import LINES, frozen_epochs, least_range, uniform_line
from reports.figures.words import words
from rnas.space import Edge, SearchSpace, incoming

ROW = 0.15
"""Inches of an operation's row in a heat map."""

HEAT_WIDTH, ACROSS, UP = 1.3, 0.24, 0.34

FOOT, ETA = 0.45, 1.75
"""Inches below the heat maps for their epochs, and for η."""

SMALL = TEXT_SIZE - 1.5


@dataclass(frozen=True)
class Grid:
    """The layout of the heat maps: a row per node, a column per source; in inches."""

    space: SearchSpace
    left: float
    bottom: float
    epochs: int

    @property
    def tall(self) -> float:
        """Height of a heat map."""
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
    """softmax(α) as a heat map of operation and epoch per edge; softmax(η) as curves per node."""
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
    span = _colour_range(operations, 1 / len(space.operations))
    _heat_maps(axes, grid, operations, span)
    _warmup_line(axes, grid, frozen_epochs(record))
    _kept_marks(axes, grid, _kept(record, space))
    _colour_bar(axes, grid, span)
    axes.set(xlim=(0, page.width), ylim=(0, page.height), aspect="auto")
    if space.edge_norm:
        _eta(page, names, space, edges)
    return page.figure


def _means(found: Sequence[Weights]) -> tuple[np.ndarray, np.ndarray]:
    """softmax(α) (epochs, E, |operations|) and softmax(η) (epochs, E), means over the searches."""
    shortest = min(len(each.operations) for each in found)
    operations = np.array([each.operations[:shortest] for each in found]).mean(axis=0)
    return operations, np.array([each.edges[:shortest] for each in found]).mean(axis=0)


def _kept(record: RunRecord, space: SearchSpace) -> list[tuple[Edge, str]]:
    """Edges and operations of the decoded cell; none over folds or before decoding."""
    if record.searches.per_fold:
        return []
    try:
        (one,) = decoded(record, space)
    except CannotDraw:
        return []
    return list(zip(one.genotype.edges, one.genotype.operations, strict=True))


def _colour_range(operations: np.ndarray, uniform: float) -> tuple[float, float]:
    """The smallest and largest weight: one scale for all heat maps."""
    low, high = least_range(uniform)
    return min(float(operations.min()), low), max(float(operations.max()), high)


def _heat_maps(axes: Axes, grid: Grid, operations: np.ndarray, span: tuple[float, float]) -> None:
    """operations: softmax(α), (epochs, E, |operations|)."""
    space, norm = grid.space, Normalize(*span)
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


def _colour_bar(axes: Axes, grid: Grid, span: tuple[float, float]) -> None:
    """Right of the first row, in the corner that the triangle of heat maps leaves free."""
    norm = Normalize(*span)
    left, bottom = grid.corner(Edge(2, 0))
    top = bottom + grid.tall - 0.1
    ramp = np.linspace(*span, 64)[None]
    right = left + HEAT_WIDTH
    axes.imshow(ramp, cmap=HEAT, norm=norm, extent=(left, right, top - 0.14, top))
    uniform = 1 / len(grid.space.operations)
    at = left + HEAT_WIDTH * float(norm(uniform))
    axes.plot([at, at], [top - 0.2, top + 0.04], color=BLACK, linewidth=1.2)
    axes.text(left, top + 0.07, "weight, softmax(α)", size=TEXT_SIZE)
    axes.text(left, top - 0.2, f"{span[0]:.3f}", va="top", size=SMALL)
    axes.text(right, top - 0.2, f"{span[1]:.3f}", ha="right", va="top", size=SMALL)
    axes.text(
        left, top - 0.36, f"black line: uniform, {uniform:.3f}", va="top", size=SMALL, color=DARK
    )


def _eta(page: Sheet, names: float, space: SearchSpace, edges: np.ndarray) -> None:
    """A panel per node with softmax(η) over its incoming edges, one legend for all."""
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
        uniform_line(axes, 1 / len(indices), least_range(1 / len(indices)))
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
    if not record.searches.per_fold:
        notes[0] += " Black mark: the operation that the decoded cell keeps on that edge."
    frozen = frozen_epochs(record)
    if frozen:
        notes.append("Left of the white line: epochs in which α, η and β are frozen.")
    if space.edge_norm:
        notes.append("η: dotted is a uniform choice.")
    else:
        notes.append("No edge normalisation in this space: no η.")
    return notes
