"""Heat maps of α and β over the epochs of a search, and curves of η."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator

from bench.runs.record import RunRecord
from bench.runs.searches import CannotDraw, Weights, decoded, space_of, weights
from reports.drawing.style import (
    BLACK,
    DARK,
    GREY,
    HEAT,
    PALE,
    TEXT_SIZE,
    Sheet,
    sheet,
    text_width,
)
from reports.figures.cell import edge_name, source_name
from reports.figures.search_curves import (
    LEAST_RANGE,
    LINES,
    frozen_epochs,
    least_range,
    uniform_line,
)
from reports.figures.words import words
from rnas.space import SearchSpace, incoming
from rnas.trellis import Trellis

ROW = 0.15
"""Inches of a row of a heat map."""

HEAT_WIDTH, ACROSS, UP = 1.3, 0.24, 0.34

FOOT, ETA, PATH = 0.45, 1.75, 0.95
"""Inches below the heat maps of α for their epochs, for η, and for what stands around that of β."""

SMALL = TEXT_SIZE - 1.5


@dataclass(frozen=True)
class Means:
    """Means over the searches of a run, as shares of a uniform choice but for η.

    operations: softmax(α), (epochs, E, |operations|); edges: softmax(η) itself, (epochs, E); beta:
    (epochs, arrows), None where it is not recorded or nothing is to choose.
    """

    operations: np.ndarray
    edges: np.ndarray
    beta: np.ndarray | None

    @property
    def epochs(self) -> int:
        """Those that every search has."""
        return len(self.operations)

    @property
    def most(self) -> float:
        """The end of the scale of colours: times a uniform choice, and one over it."""
        shares = np.concatenate(
            [each.ravel() for each in (self.operations, self.beta) if each is not None]
        )
        farthest = np.exp(np.abs(np.log(np.maximum(shares, 1e-9))).max())
        return float(np.clip(farthest, 1 + LEAST_RANGE, self.operations.shape[-1]))


def architecture(record: RunRecord) -> Figure:
    """softmax(α) and β as heat maps over the epochs; softmax(η) as curves per node."""
    space = space_of(record)
    found = weights(record, space)
    means = _means(found, space)
    moves = _moves(space.outer) if means.beta is not None else []
    rows = [*space.operations, *(_move_name(space.outer, move) for move in moves)]
    names = max(text_width(name, SMALL) for name in rows) + 0.25
    eta = ETA * space.edge_norm
    path = (PATH + ROW * len(moves)) * bool(moves)
    tall = ROW * len(space.operations)
    width = max(names + (space.nodes + 1) * (HEAT_WIDTH + ACROSS), 6.4)
    page = sheet(
        width,
        eta + path + FOOT + space.nodes * (tall + UP),
        words(
            record,
            "Architecture weights",
            _sentence(found, means.epochs),
            _notes(record, space, bool(moves)),
        ),
    )
    image = _heat_maps(page, names, eta + path + FOOT, record, space, means)
    _colour_bar(page, names + 2 * (HEAT_WIDTH + ACROSS), page.height - UP - 0.25, image, means)
    if moves:
        axes = page.axes(names, eta + 0.55, width - names - ACROSS, ROW * len(moves))
        _path_map(axes, space.outer, moves, means)
    if space.edge_norm:
        _eta(page, names, space, means.edges)
    return page.figure


def _means(found: Sequence[Weights], space: SearchSpace) -> Means:
    shortest = min(len(each.operations) for each in found)
    operations = np.array([each.operations[:shortest] for each in found]).mean(axis=0)
    edges = np.array([each.edges[:shortest] for each in found]).mean(axis=0)
    beta = None
    known = [each.beta[:shortest] for each in found if each.beta is not None]
    if space.outer.choices and len(known) == len(found):
        ways = [len(space.outer.out_of(arrow.source)) for arrow in space.outer.arrows]
        beta = np.array(known).mean(axis=0) * ways
    return Means(operations * len(space.operations), edges, beta)


def _heat_maps(
    page: Sheet,
    left: float,
    bottom: float,
    record: RunRecord,
    space: SearchSpace,
    means: Means,
) -> AxesImage:
    """A map per edge: a row per node, a column per source."""
    tall = ROW * len(space.operations)
    kept = _kept(record, space)
    for index, edge in enumerate(space.edges):
        across = left + edge.source * (HEAT_WIDTH + ACROSS)
        below = bottom + (space.nodes - 1 - edge.node) * (tall + UP)
        axes = page.axes(across, below, HEAT_WIDTH, tall)
        image = _heat_map(axes, means.operations[:, index].T, means)
        axes.set_title(edge_name(edge), size=TEXT_SIZE, pad=3)
        axes.set_yticks(range(len(space.operations)), space.operations)
        axes.tick_params(length=0, labelsize=SMALL, labelleft=edge.source == 0)
        ends = sorted({0, means.epochs - 1})
        last = edge.node == space.nodes - 1
        axes.set_xticks(ends, [str(end + 1) if last else "" for end in ends])
        axes.set_xlabel("epoch" if last else "", size=SMALL, labelpad=1)
        frozen = frozen_epochs(record)
        if 0 < frozen < means.epochs:
            axes.axvline(frozen - 0.5, color=DARK, linewidth=1.0, linestyle="--")
        if edge in kept:
            place = (1.06, space.operations.index(kept[edge]))
            axes.plot(*place, "<", color=BLACK, clip_on=False, transform=axes.get_yaxis_transform())
    return image


def _heat_map(axes: Axes, values: np.ndarray, means: Means) -> AxesImage:
    """An image of shares of a uniform choice, rows downwards, in a thin frame."""
    axes.spines[:].set(visible=True, color=GREY, linewidth=0.6)
    norm = LogNorm(1 / means.most, means.most, clip=True)  # uniform is its middle
    return axes.imshow(values, cmap=HEAT, norm=norm, aspect="auto", interpolation="nearest")


def _kept(record: RunRecord, space: SearchSpace) -> dict[tuple[int, ...], str]:
    """Edges and operations of the decoded cell; none over folds or before decoding."""
    if record.searches.per_fold:
        return {}
    try:
        (one,) = decoded(record, space)
    except CannotDraw:
        return {}
    return dict(zip(one.genotype.edges, one.genotype.operations, strict=True))


def _colour_bar(page: Sheet, left: float, top: float, image: AxesImage, means: Means) -> None:
    """Right of the first row, in the corner that the triangle of heat maps leaves free."""
    axes = page.axes(left, top - 0.14, HEAT_WIDTH, 0.14)
    bar = page.figure.colorbar(image, cax=axes, orientation="horizontal")
    most = means.most
    bar.set_ticks([1 / most, 1, most], labels=[f"÷{most:.3g}", "1", f"×{most:.3g}"])
    bar.minorticks_off()
    axes.tick_params(labelsize=SMALL)
    axes.set_title("weight / uniform", size=TEXT_SIZE, weight="normal", pad=4)


def _moves(trellis: Trellis) -> list[tuple[int, int]]:
    """Levels that an arrow leads from and to, where there is a choice."""
    choices = set(trellis.choices)
    chosen = (arrow for arrow in trellis.arrows if arrow.source in choices)
    return sorted({(arrow.source.level, arrow.target.level) for arrow in chosen})


def _move_name(trellis: Trellis, move: tuple[int, int]) -> str:
    return "s = {} → {}".format(*(trellis.factors[level] for level in move))


def _path_map(axes: Axes, trellis: Trellis, moves: Sequence[tuple[int, int]], means: Means) -> None:
    """β of every move with an alternative: a block per layer, in which epochs run to the right."""
    assert means.beta is not None
    choices = set(trellis.choices)
    shown = np.full((len(moves), trellis.layers, means.epochs), np.nan)
    for arrow, shares in zip(trellis.arrows, means.beta.T, strict=True):
        if arrow.source in choices:
            move = moves.index((arrow.source.level, arrow.target.level))
            shown[move, arrow.target.layer - 1] = shares
    axes.set_facecolor(PALE)
    _heat_map(axes, shown.reshape(len(moves), -1), means)
    borders = means.epochs * np.arange(trellis.layers + 1) - 0.5
    axes.vlines(borders[1:-1], *axes.get_ylim(), color=GREY, linewidth=0.6)
    axes.set_title("β by layer", size=TEXT_SIZE, pad=3)
    axes.set_yticks(range(len(moves)), [_move_name(trellis, move) for move in moves])
    axes.set_xticks((borders[:-1] + borders[1:]) / 2, [str(n + 1) for n in range(trellis.layers)])
    axes.set_xlabel("layer; within each, epochs from left to right", size=SMALL, labelpad=1)
    axes.tick_params(length=0, labelsize=SMALL)


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


def _sentence(found: Sequence[Weights], count: int) -> str:
    epochs = f"{count} epochs"
    return f"Mean over the searches of {len(found)} folds, {epochs}" if len(found) > 1 else epochs


def _notes(record: RunRecord, space: SearchSpace, path: bool) -> list[str]:
    maps = "α: a heat map per edge, source → node, a row per operation."
    if not record.searches.per_fold:
        maps += " Black mark: the operation that the decoded cell keeps on that edge."
    notes = [
        f"{maps} Colour: a weight over that of a uniform choice between its alternatives; white is "
        "undecided, red above, blue below.",
    ]
    if path:
        notes.append("β: a row per move, s → s′; grey: the layer has no such choice.")
        if record.setting("search", "start", "uniform") == "path_uniform":
            notes[-1] += " It starts with all paths equally likely, which is not uniform per row."
    frozen = frozen_epochs(record)
    if frozen:
        notes.append("Left of the dashed line: epochs in which α, η and β are frozen.")
    if space.edge_norm:
        notes.append("η: dotted is a uniform choice.")
    else:
        notes.append("No edge normalisation in this space: no η.")
    return notes
