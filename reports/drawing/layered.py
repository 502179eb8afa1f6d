"""Layered drawing of a small directed acyclic graph (Sugiyama's method).

Vertices stand in columns; an arrow that spans several columns passes through a waypoint in each,
so that no arrow runs behind a vertex. Deterministic; meant for a few dozen vertices.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from statistics import fmean

import networkx as nx
from scipy.optimize import linprog
from scipy.sparse import coo_array

SWEEPS = 12

Vertex = Hashable
Neighbours = Callable[[Vertex], Iterable[Vertex]]


@dataclass(frozen=True)
class Layout:
    """Positions of vertices and arrows.

    column: vertex -> column; height: vertex -> centre; routes: arrow -> (column, height) of its
    source, its waypoints, its target.
    """

    column: Mapping[Vertex, int]
    height: Mapping[Vertex, float]
    routes: Mapping[tuple[Vertex, Vertex], Sequence[tuple[int, float]]]


@dataclass(frozen=True)
class Waypoint:
    """Where an arrow passes through a column between its ends."""

    arrow: tuple[Vertex, Vertex]
    column: int


def layered(
    graph: nx.DiGraph, column: Mapping[Vertex, int], tall: Mapping[Vertex, float], gap: float
) -> Layout:
    """Chooses heights for vertices in given columns: few crossings first, then short arrows.

    column: arrows lead to later ones; tall: height of each vertex; gap: least distance between two
    vertices of a column.
    """
    routed, chains = _with_waypoints(graph, column)
    columns = _ordered(routed, _by_column(routed))
    height = _heights(routed, columns, tall, gap)
    return Layout(
        column=dict(column),
        height={vertex: height[vertex] for vertex in graph},
        routes={
            arrow: [(routed.nodes[v]["column"], height[v]) for v in chain]
            for arrow, chain in chains.items()
        },
    )


def crossings(graph: nx.DiGraph, columns: Sequence[Sequence[Vertex]]) -> int:
    """How many pairs of arrows between neighbouring columns cross."""
    rank = {vertex: index for vertices in columns for index, vertex in enumerate(vertices)}
    total = 0
    for vertices in columns:
        spans = [(rank[u], rank[v]) for u in vertices for v in graph.successors(u)]
        total += sum((a - c) * (b - d) < 0 for (a, b), (c, d) in combinations(spans, 2))
    return total


def _with_waypoints(
    graph: nx.DiGraph, column: Mapping[Vertex, int]
) -> tuple[nx.DiGraph, dict[tuple[Vertex, Vertex], list[Vertex]]]:
    """The graph with waypoints, so that arrows join neighbouring columns; each arrow's vertices."""
    routed = nx.DiGraph()
    routed.add_nodes_from((vertex, {"column": column[vertex]}) for vertex in graph)
    chains = {}
    for arrow in graph.edges:
        source, target = arrow
        between = [Waypoint(arrow, c) for c in range(column[source] + 1, column[target])]
        routed.add_nodes_from((point, {"column": point.column}) for point in between)
        chains[arrow] = [source, *between, target]
        nx.add_path(routed, chains[arrow])
    return routed, chains


def _by_column(routed: nx.DiGraph) -> list[list[Vertex]]:
    columns: dict[int, list[Vertex]] = {}
    for vertex, index in routed.nodes(data="column"):
        columns.setdefault(index, []).append(vertex)
    return [columns[index] for index in sorted(columns)]


def _ordered(routed: nx.DiGraph, columns: list[list[Vertex]]) -> list[list[Vertex]]:
    """Sweeps forward and back over the columns; returns the order with the fewest crossings."""
    best, fewest = columns, crossings(routed, columns)
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        neighbours = routed.predecessors if forward else routed.successors
        columns = _swept(columns, neighbours, forward)
        count = crossings(routed, columns)
        if count < fewest:
            best, fewest = columns, count
    return best


def _swept(
    columns: list[list[Vertex]], neighbours: Neighbours, forward: bool
) -> list[list[Vertex]]:
    """One sweep: each column sorted by the mean rank of its neighbours in the one just sorted."""
    first, *rest = columns if forward else columns[::-1]
    done = [first]
    for column in rest:
        rank = {vertex: index for index, vertex in enumerate(done[-1])}
        done.append(_by_mean_rank(column, neighbours, rank))
    return done if forward else done[::-1]


def _by_mean_rank(
    column: list[Vertex], neighbours: Neighbours, rank: Mapping[Vertex, int]
) -> list[Vertex]:
    """A column sorted by the mean rank of each vertex's neighbours; without any, by its own."""

    def mean_rank(vertex: Vertex) -> float:
        ranks = [rank[other] for other in neighbours(vertex) if other in rank]
        return fmean(ranks) if ranks else column.index(vertex)

    return sorted(column, key=mean_rank)


def _heights(
    routed: nx.DiGraph,
    columns: Sequence[Sequence[Vertex]],
    tall: Mapping[Vertex, float],
    gap: float,
) -> dict[Vertex, float]:
    """Heights that keep order and gaps and minimise the weighted sum of the arrows' rises.

    A linear programme in the heights h of vertices and the rises r >= |h_u - h_v| of arrows.
    """
    vertices = list(routed)
    index = {vertex: i for i, vertex in enumerate(vertices)}
    arrows = list(routed.edges)
    rows: list[dict[int, float]] = []
    limits: list[float] = []
    for k, (u, v) in enumerate(arrows):
        for sign in (1.0, -1.0):
            rows.append({index[u]: sign, index[v]: -sign, len(vertices) + k: -1.0})
            limits.append(0.0)
    for column in columns:
        for upper, lower in pairwise(column):
            rows.append({index[lower]: 1.0, index[upper]: -1.0})
            limits.append(-gap - (tall.get(upper, 0.0) + tall.get(lower, 0.0)) / 2)
    entries = [(r, c, value) for r, row in enumerate(rows) for c, value in row.items()]
    r, c, values = zip(*entries, strict=True)
    # Arrows at waypoints weigh more: long arrows should be straight.
    cost = [0.0] * len(vertices) + [
        1.0 + isinstance(u, Waypoint) + isinstance(v, Waypoint) for u, v in arrows
    ]
    solved = linprog(
        cost,
        A_ub=coo_array((values, (r, c)), shape=(len(rows), len(cost))).tocsr(),
        b_ub=limits,
        bounds=[(0, None)] * len(cost),
        method="highs",
    )
    return {vertex: float(solved.x[i]) for vertex, i in index.items()}
