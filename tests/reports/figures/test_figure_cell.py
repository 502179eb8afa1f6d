import random
from itertools import combinations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from looks import words_on
from matplotlib.patches import Circle, FancyBboxPatch, PathPatch

from ablations import RNAS_MER, RNAS_MER_3
from baselines import AUTODEEPLAB_3D, AUTOMER_3D
from bench.runs.searches import decoded, space_of
from reports.drawing.layered import crossings, layered
from reports.figures import run_figures
from reports.figures.cell import (
    Input,
    Join,
    Node,
    Operation,
    Output,
    cell_graph,
    choice_counts,
    columns,
)
from rnas.genotype import random_genotype

SPACES = (RNAS_MER, AUTODEEPLAB_3D, AUTOMER_3D)


def drawn(record):
    return run_figures(record, ["cell"]).figures["cell"]


@given(st.sampled_from(SPACES), st.integers(0, 10**6))
def test_the_graph_is_the_genotype(space, seed):
    genotype = random_genotype(space, random.Random(seed))
    graph = cell_graph(space, genotype)
    assert nx.is_directed_acyclic_graph(graph)
    kept = {v.edge: v.name for v in graph if isinstance(v, Operation)}
    assert kept == dict(zip(genotype.edges, genotype.operations, strict=True))
    for vertex in graph:
        match vertex:
            case Operation():
                assert (graph.in_degree(vertex), graph.out_degree(vertex)) == (1, 1)
            case Node():
                assert graph.in_degree(vertex) == 2
            case Join():
                assert set(graph.predecessors(vertex)) == {Node(k) for k in range(space.nodes)}
            case Output():
                assert graph.in_degree(vertex) == 1
            case Input():
                assert graph.in_degree(vertex) == 0


@settings(max_examples=15)
@given(st.sampled_from(SPACES), st.integers(0, 10**6))
def test_the_layout_keeps_everything_apart(space, seed):
    graph = cell_graph(space, random_genotype(space, random.Random(seed)))
    column = columns(graph)
    assert all(column[u] < column[v] for u, v in graph.edges)
    tall, gap = dict.fromkeys(graph, 0.3), 0.16
    layout = layered(graph, column, tall, gap)
    stops = {(column[v], v): layout.height[v] for v in graph}
    for arrow, route in layout.routes.items():
        assert [stop[0] for stop in route] == list(range(column[arrow[0]], column[arrow[1]] + 1))
        assert route[0][1] == layout.height[arrow[0]] and route[-1][1] == layout.height[arrow[1]]
        stops |= {(c, (arrow, c)): height for c, height in route[1:-1]}
    for (a, up), (b, other) in combinations(stops.items(), 2):
        if a[0] == b[0]:
            room = sum(0.3 for vertex in (a[1], b[1]) if vertex in tall) / 2
            assert abs(up - other) >= room + gap - 1e-6


def test_crossings_counts_pairs_that_cross():
    graph = nx.DiGraph([("a", "x"), ("b", "y"), ("c", "z")])
    assert crossings(graph, [["a", "b", "c"], ["x", "y", "z"]]) == 0
    assert crossings(graph, [["a", "b", "c"], ["z", "y", "x"]]) == 3
    assert crossings(graph, [["a", "b", "c"], ["y", "x", "z"]]) == 1


def test_a_graph_that_needs_no_crossing_gets_none():
    graph = nx.DiGraph([("a", "z"), ("b", "y"), ("c", "x")])
    column = dict.fromkeys("abc", 0) | dict.fromkeys("xyz", 1)
    places = layered(graph, column, {}, 1.0).height
    assert [places[v] for v in "abc"] == [places[v] for v in "zyx"]  # and the arrows run level


@pytest.mark.parametrize("space", SPACES)
def test_boxes_are_apart_and_names_are_in_them(run, space):
    record = run(space, seed=5)
    (axes,) = drawn(record).axes
    boxes = [p.get_window_extent() for p in axes.patches if isinstance(p, FancyBboxPatch | Circle)]
    arrows = [patch for patch in axes.patches if isinstance(patch, PathPatch)]
    (one,) = decoded(record, space_of(record))
    assert len(boxes) == 2 + 2 * space.nodes + space.nodes + 2
    assert len(arrows) == 2 * 2 * space.nodes + space.nodes + 1
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))
    for text in axes.texts:
        centre = text.get_transform().transform(text.get_position())
        assert sum(box.contains(*centre) for box in boxes) == 1
    names = [text.get_text() for text in axes.texts]
    assert sorted(n for n in names if n in space.operations) == sorted(one.genotype.operations)


def test_the_output_says_how_nodes_are_joined(run):
    assert "sum, then attention" in words_on(drawn(run(RNAS_MER)))
    assert "sum" in words_on(drawn(run(RNAS_MER_3)))
    assert "concat" in words_on(drawn(run(AUTODEEPLAB_3D)))


def test_over_folds_every_choice_is_counted(run):
    folds = [f"s{number:02d}" for number in range(1, 9)]
    record = run(scope="fold", folds=folds)
    found = decoded(record, RNAS_MER.resized(summary=""))
    counts = choice_counts(RNAS_MER, found)
    assert counts.sum() == len(folds) * 2 * RNAS_MER.nodes
    assert (counts.sum(axis=1) <= len(folds)).all()
    texts = words_on(drawn(record))
    assert sorted(int(text) for text in texts if text.isdigit()) == sorted(counts[counts > 0])
    for edge, times in zip(RNAS_MER.edges, counts.sum(axis=1), strict=True):
        assert f"kept {times}/8" in texts, edge
    assert np.array_equal(counts, choice_counts(RNAS_MER, found[::-1]))
