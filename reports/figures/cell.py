"""Figure 3, right: the decoded cell as a graph, or how often folds chose each operation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import networkx as nx
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch, Patch, PathPatch
from matplotlib.path import Path as Curve

from bench.runs.record import RunRecord
from bench.runs.searches import Decoded, decoded, space_of
from reports.drawing.layered import Layout, layered
from reports.drawing.style import BLACK, DARK, GREY, PALE, SHADES, TEXT_SIZE, sheet, text_width
from reports.figures.words import words
from rnas.genotype import Genotype
from rnas.space import Edge, SearchSpace

INPUT_NAMES = ("I(l−1)", "I(l−2)")
OUTPUT_NAME = "I(l)"

TALL = 0.3
"""Height of a box, inches."""

PADDING = 0.09
SQUARE = 0.36
"""Side of a square in the table of choices over folds, inches."""

GAP_ACROSS, GAP_UP = 0.5, 0.16
BORDER = 0.2

FACES = {"input": "white", "operation": "#dbe9f4", "node": "#404040", "join": "#f5e3c2"}


@dataclass(frozen=True)
class Input:
    """Source 0 or 1 of a cell."""

    source: int


@dataclass(frozen=True)
class Operation:
    """An edge of the cell, drawn as a box with its operation's name."""

    edge: Edge
    name: str


@dataclass(frozen=True)
class Node:
    """A hidden node, counted from 0."""

    node: int


@dataclass(frozen=True)
class Join:
    """The operation that joins the hidden nodes to the output: concat or sum, and attention."""

    words: str


@dataclass(frozen=True)
class Output:
    """The cell's output."""


def cell(record: RunRecord) -> Figure:
    """The decoded cell as a graph; a table of choices where every fold has its own cell."""
    space = space_of(record)
    found = decoded(record, space)
    if record.searches.per_fold:
        return _choices_over_folds(record, space, found)
    return _one_cell(record, space, found[0])


def cell_graph(space: SearchSpace, genotype: Genotype) -> nx.DiGraph:
    """The cell as a graph of `Input`, `Operation`, `Node`, `Join` and `Output`."""
    graph = nx.DiGraph()
    graph.add_nodes_from((Input(0), Input(1)))
    graph.add_nodes_from(map(Node, range(space.nodes)))
    join = Join(_joining(space))
    for edge, name in zip(genotype.edges, genotype.operations, strict=True):
        nx.add_path(graph, (source_of(edge), Operation(edge, name), Node(edge.node)))
    for node in range(space.nodes):
        graph.add_edge(Node(node), join)
    graph.add_edge(join, Output())
    return graph


def source_of(edge: Edge) -> Input | Node:
    """The vertex at which an edge begins."""
    return Input(edge.source) if edge.source < 2 else Node(edge.source - 2)


def _joining(space: SearchSpace) -> str:
    joined = "concat" if space.reduction == "concat" else "sum"
    return f"{joined}, then\nattention" if space.attention else joined


def columns(graph: nx.DiGraph) -> dict[Hashable, int]:
    """Vertex -> column: right after its last source, but operations right before their node."""
    column: dict[Hashable, int] = {}
    for vertex in nx.topological_sort(graph):
        before = [column[other] for other in graph.predecessors(vertex)]
        column[vertex] = max(before, default=-1) + 1
    for vertex in graph:
        if isinstance(vertex, Operation):
            column[vertex] = column[Node(vertex.edge.node)] - 1
    return column


def vertex_name(vertex: Hashable) -> str:
    """The text in the box of a vertex."""
    match vertex:
        case Input(source):
            return INPUT_NAMES[source]
        case Operation(_, name):
            return name
        case Node(node):
            return str(node + 1)
        case Join(text):
            return text
        case _:
            return OUTPUT_NAME


def _one_cell(record: RunRecord, space: SearchSpace, one: Decoded) -> Figure:
    graph = cell_graph(space, one.genotype)
    boxes = _Boxes.of(graph)
    page = sheet(
        max(boxes.width + 2 * BORDER, 6.2),
        boxes.height + 2 * BORDER,
        words(record, "Cell (Figure 3)", _sentence(space, record), _notes(graph)),
    )
    axes = page.canvas()
    corner = ((page.width - boxes.width) / 2, BORDER)
    _draw(axes, graph, boxes.moved_to(corner))
    return page.figure


@dataclass(frozen=True)
class _Boxes:
    """The positions of a cell's boxes, inches; `corner` is the lower left corner of the graph.

    column, wide, tall: column, width and height of each vertex; layout: heights and routes.
    """

    column: Mapping[Hashable, int]
    wide: Mapping[Hashable, float]
    tall: Mapping[Hashable, float]
    layout: Layout
    corner: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def of(cls, graph: nx.DiGraph) -> _Boxes:
        column = columns(graph)
        wide = {vertex: _width(vertex) for vertex in graph}
        tall = {vertex: TALL * (1 + 0.6 * vertex_name(vertex).count("\n")) for vertex in graph}
        return cls(column, wide, tall, layered(graph, column, tall, GAP_UP))

    def moved_to(self, corner: tuple[float, float]) -> _Boxes:
        return replace(self, corner=corner)

    @property
    def width(self) -> float:
        return sum(self._widths.values()) + GAP_ACROSS * (len(self._widths) - 1)

    @property
    def height(self) -> float:
        return self._extent[1] - self._extent[0]

    def span(self, index: int) -> tuple[float, float]:
        """Left and right end of a column."""
        before = [wide for other, wide in self._widths.items() if other < index]
        left = self.corner[0] + sum(before) + GAP_ACROSS * len(before)
        return left, left + self._widths[index]

    def centre(self, vertex: Hashable) -> np.ndarray:
        left, right = self.span(self.column[vertex])
        return np.array(((left + right) / 2, self._up(self.layout.height[vertex])))

    def route(self, arrow: tuple[Hashable, Hashable]) -> list[tuple[float, float]]:
        """Points of an arrow, which is level within a column and rises or falls between columns."""
        source, target = arrow
        (_, start), *waypoints, (_, end) = self.layout.routes[arrow]
        points = [(self.centre(source)[0] + self.wide[source] / 2, self._up(start))]
        points.append((self.span(self.column[source])[1], self._up(start)))
        for index, height in waypoints:
            points += [(across, self._up(height)) for across in self.span(index)]
        points.append((self.span(self.column[target])[0], self._up(end)))
        points.append((self.centre(target)[0] - self.wide[target] / 2, self._up(end)))
        return points

    @cached_property
    def _widths(self) -> dict[int, float]:
        """Column -> width of its widest box."""
        return {
            index: max(self.wide[v] for v in self.column if self.column[v] == index)
            for index in sorted(set(self.column.values()))
        }

    @cached_property
    def _extent(self) -> tuple[float, float]:
        """Lowest and highest point of the layout."""
        height = self.layout.height
        arrows = [h for route in self.layout.routes.values() for _, h in route]
        return (
            min(*arrows, *(height[v] - self.tall[v] / 2 for v in height)),
            max(*arrows, *(height[v] + self.tall[v] / 2 for v in height)),
        )

    def _up(self, height: float) -> float:
        return height - self._extent[0] + self.corner[1]


def _width(vertex: Hashable) -> float:
    if isinstance(vertex, Node):
        return TALL
    lines = vertex_name(vertex).split("\n")
    return max(text_width(line, TEXT_SIZE) for line in lines) + 2 * PADDING


def _draw(axes: Axes, graph: nx.DiGraph, boxes: _Boxes) -> None:
    for arrow in graph.edges:
        _arrow(axes, boxes.route(arrow))
    for vertex in graph:
        _box(axes, vertex, boxes.centre(vertex), boxes.wide[vertex], boxes.tall[vertex])
        unused = isinstance(vertex, Input) and graph.out_degree(vertex) == 0
        across, up = boxes.centre(vertex)
        axes.text(
            across,
            up,
            vertex_name(vertex),
            ha="center",
            va="center_baseline",
            size=TEXT_SIZE,
            color="white" if isinstance(vertex, Node) else GREY if unused else BLACK,
            weight="bold" if isinstance(vertex, Node) else "normal",
            zorder=4,
        )


def _box(axes: Axes, vertex: Hashable, centre: np.ndarray, wide: float, tall: float) -> None:
    kind = {Operation: "operation", Node: "node", Join: "join"}.get(type(vertex), "input")
    patch: Patch
    if kind == "node":
        patch = Circle(tuple(centre), wide / 2)
    else:
        rounding = 0.04 if kind in ("operation", "join") else tall / 2
        corner = tuple(centre - (wide / 2, tall / 2))
        style = f"round,pad=0,rounding_size={rounding}"
        patch = FancyBboxPatch(corner, wide, tall, boxstyle=style)
    patch.set(facecolor=FACES[kind], edgecolor=DARK, linewidth=0.9, zorder=3)
    axes.add_patch(patch)


def _arrow(axes: Axes, points: Sequence[tuple[float, float]]) -> None:
    """A curve through the points that is level at each, with a head at its end."""
    tip = points[-1]
    points = [*points[:-1], (tip[0] - 0.07, tip[1])]
    vertices, codes = [points[0]], [Curve.MOVETO]
    for (x0, y0), (x1, y1) in pairwise(points):
        if y0 == y1:
            vertices.append((x1, y1))
            codes.append(Curve.LINETO)
            continue
        middle = (x0 + x1) / 2
        vertices += [(middle, y0), (middle, y1), (x1, y1)]
        codes += [Curve.CURVE4] * 3
    axes.add_patch(
        PathPatch(Curve(vertices, codes), facecolor="none", edgecolor=GREY, linewidth=1.2, zorder=2)
    )
    head = [(0, 0), (-0.09, 0.04), (-0.09, -0.04)]
    axes.fill(*zip(*((tip[0] + x, tip[1] + y) for x, y in head), strict=True), color=GREY, zorder=2)


def _sentence(space: SearchSpace, record: RunRecord) -> str:
    learnt = f"of {len(space.edges)} edges"
    how = learnt if record.method.learns else "drawn uniformly, not searched"
    kept = 2 * space.nodes
    return f"{space.nodes} hidden nodes, {kept} operations kept, {how}"


def _notes(graph: nx.DiGraph) -> list[str]:
    notes = [
        "Numbered nodes add their two inputs. I(l−1), I(l−2): outputs of the two layers before."
    ]
    unused = [v for v in graph if isinstance(v, Input) and graph.out_degree(v) == 0]
    if unused:
        names = " and ".join(INPUT_NAMES[vertex.source] for vertex in unused)
        notes.append(f"{names}: not used by this cell.")
    return notes


# Over folds


def choice_counts(space: SearchSpace, found: Sequence[Decoded]) -> np.ndarray:
    """How often each choosable operation was decoded on each edge, (E, |choosable|)."""
    counted = Counter(
        pair
        for one in found
        for pair in zip(one.genotype.edges, one.genotype.operations, strict=True)
    )
    return np.array([[counted[edge, name] for name in space.choosable] for edge in space.edges])


def edge_name(edge: Edge) -> str:
    """An edge as text: `I(l−1) → 2`, `1 → 3`."""
    return f"{source_name(edge.source)} → {edge.node + 1}"


def source_name(source: int) -> str:
    """A source as text: an input's name, or the number of a hidden node."""
    return INPUT_NAMES[source] if source < 2 else str(source - 1)


def _choices_over_folds(record: RunRecord, space: SearchSpace, found: Sequence[Decoded]) -> Figure:
    counts = choice_counts(space, found)
    kept = counts.sum(axis=1)
    width, height = SQUARE * len(space.choosable), SQUARE * len(space.edges)
    cells = len({(one.genotype.edges, one.genotype.operations) for one in found})
    sentence = f"{cells} different cell{'s' if cells > 1 else ''} over {len(found)} folds"
    notes = (
        "Numbers: folds whose cell has the operation (column) on the edge (row: source → node).",
    )
    page = sheet(
        max(0.95 + width + 1.2, 6.2),
        height + 1.1,
        words(record, "Cells (Figure 3)", sentence, notes),
    )
    axes = page.axes(0.95, 0.12, width, height)
    axes.imshow(counts / len(found), cmap=SHADES, vmin=0, vmax=1.15, aspect="auto")
    _grid(axes, counts.shape)
    for row, column in zip(*np.nonzero(counts), strict=True):
        colour = "white" if counts[row, column] / len(found) > 0.6 else BLACK
        axes.text(column, row, str(counts[row, column]), ha="center", va="center", color=colour)
    for row, times in enumerate(kept):
        axes.text(len(space.choosable) - 0.3, row, f"kept {times}/{len(found)}", va="center")
    axes.set_yticks(range(len(space.edges)), [edge_name(edge) for edge in space.edges])
    axes.set_xticks(
        range(len(space.choosable)),
        space.choosable,
        rotation=45,
        ha="left",
        rotation_mode="anchor",
    )
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    return page.figure


def _grid(axes: Axes, shape: tuple[int, int]) -> None:
    """Thin lines between the cells of an image."""
    rows, columns_ = shape
    axes.hlines(np.arange(rows + 1) - 0.5, -0.5, columns_ - 0.5, colors=PALE, linewidths=0.7)
    axes.vlines(np.arange(columns_ + 1) - 0.5, -0.5, rows - 0.5, colors=PALE, linewidths=0.7)
    axes.spines[:].set_visible(False)
