from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from method_cases import (
    MICRO,
    SMALL_TRELLISES,
    SPACES,
    level_paths,
    levels_probability,
    row_softmax,
)

from rnas.decode import decode, decode_cell, gauge_free, viterbi
from rnas.genotype import check_genotype
from rnas.supernet import Architecture
from rnas.trellis import OPEN

logits = st.lists(st.floats(-8, 8), min_size=40, max_size=40)
positive = st.floats(1e-3, 1)


def best_by_brute_force(trellis, beta):
    ranked = sorted(
        (
            (levels_probability(levels, beta), tuple(trellis.factors[k] for k in levels[1:]))
            for levels in level_paths(trellis)
        ),
        reverse=True,
    )
    (best, path), *others = ranked
    return path, best, others[0][0] if others else 0.0


def assert_is_best(trellis, beta):
    path, probability = viterbi(trellis, beta)
    expected, best, second = best_by_brute_force(trellis, beta)
    assert probability == pytest.approx(best, rel=1e-9)
    assert trellis.probability(path, beta) == pytest.approx(best, rel=1e-9)
    if second < best * (1 - 1e-9):
        assert path == expected


@settings(max_examples=60)
@given(values=logits)
def test_viterbi_is_brute_force_over_the_42_paths(values):
    assert_is_best(OPEN, row_softmax(OPEN, values))


@pytest.mark.parametrize("name", SMALL_TRELLISES)
@given(values=logits)
def test_viterbi_is_brute_force_on_other_trellises(name, values):
    trellis = SMALL_TRELLISES[name]
    assert_is_best(trellis, row_softmax(trellis, values[: len(trellis.arrows)]))


def gains(trellis, beta, start):
    """The product of q / q_start of every path, by brute force over the paths."""
    found = {}
    for levels in level_paths(trellis):
        path = tuple(trellis.factors[level] for level in levels[1:])
        found[path] = 1.0
        for arrow in trellis.arrows_of(path):
            rivals = trellis.into(arrow.target)
            now, before = (b[arrow] / sum(b[a] for a in rivals) for b in (beta, start))
            found[path] *= now / before
    return found


@pytest.mark.parametrize("name", {**SMALL_TRELLISES, "OPEN": OPEN})
@settings(max_examples=25, deadline=None)
@given(values=logits, start=st.sampled_from(["uniform", "path_uniform"]))
def test_gauge_free_is_brute_force_over_all_paths(name, values, start):
    trellis = {**SMALL_TRELLISES, "OPEN": OPEN}[name]
    beta = row_softmax(trellis, values[: len(trellis.arrows)])
    found = gains(trellis, beta, trellis.starts[start]())
    path = gauge_free(trellis, beta, trellis.starts[start]())
    assert found[path] == pytest.approx(max(found.values()), rel=1e-9)


@pytest.mark.parametrize("name", ["rnas_mer", "automer_3d"])
def test_untrained_searches_prefer_no_path(name):
    """From path-uniform β with the noise of the supernet's own start, 1,000 times."""
    trellis = SPACES[name].outer
    space = MICRO.resized(outer=trellis)
    decoded = {"viterbi": Counter(), "gauge_free": Counter()}
    for _ in range(1000):
        architecture = Architecture(space, "path_uniform")
        beta = architecture.beta_values()
        decoded["viterbi"][viterbi(trellis, beta)[0]] += 1
        decoded["gauge_free"][gauge_free(trellis, beta, architecture.start)] += 1
    for counts in decoded.values():
        assert max(counts.values()) <= 100
        assert len(counts) > 0.5 * len(list(trellis.paths()))


def test_viterbi_from_uniform_beta_always_decodes_one_path():
    """What path-uniform β is for."""
    space = MICRO.resized(outer=OPEN)
    drawn = {viterbi(OPEN, Architecture(space).beta_values())[0] for _ in range(50)}
    assert drawn == {(4, 8, 16, 16, 16, 16)}


def test_uniform_beta_decodes_to_the_fastest_shrinking_path():
    path, probability = viterbi(OPEN, OPEN.uniform())
    assert path == (4, 8, 16, 16, 16, 16)
    assert probability == 1 / 8


@pytest.mark.parametrize("levels", level_paths(OPEN), ids=lambda levels: "-".join(map(str, levels)))
def test_a_certain_path_is_decoded(levels):
    """β of 0 and 1: no logarithm of zero, and every path can be the answer."""
    path = tuple(OPEN.factors[level] for level in levels[1:])
    taken = OPEN.arrows_of(path)
    beta = {
        arrow: float(arrow in taken) if any(a.source == arrow.source for a in taken) else share
        for arrow, share in OPEN.uniform().items()
    }
    assert viterbi(OPEN, beta) == (path, 1.0)


def test_of_equal_paths_the_finest_wins():
    assert viterbi(OPEN, dict.fromkeys(OPEN.arrows, 0.5))[0] == (2, 2, 2, 2, 2, 2)


def cells(space):
    return st.tuples(
        st.lists(
            st.lists(positive, min_size=len(space.operations), max_size=len(space.operations)),
            min_size=len(space.edges),
            max_size=len(space.edges),
        ),
        st.lists(positive, min_size=len(space.edges), max_size=len(space.edges)),
    )


@pytest.mark.parametrize("name", ["rnas_mer", "rnas_mer_2"])
@settings(max_examples=40)
@given(data=st.data())
def test_a_node_keeps_its_two_strongest_edges_and_their_best_operations(name, data):
    space = SPACES[name]
    operations, edge_weights = data.draw(cells(space))
    kept, names = decode_cell(space, operations, edge_weights)

    def strength(index):
        best = max(
            w for op, w in zip(space.operations, operations[index], strict=True) if op != "none"
        )
        return best * edge_weights[index]

    assert len(kept) == len(names) == 2 * space.nodes
    for edge, chosen in zip(kept, names, strict=True):
        row = dict(zip(space.operations, operations[space.edges.index(edge)], strict=True))
        assert chosen != "none"
        assert all(row[chosen] >= w for op, w in row.items() if op != "none")
    for node in range(space.nodes):
        here = [k for k, edge in enumerate(space.edges) if edge.node == node]
        inside = [k for k in here if space.edges[k] in kept]
        outside = [k for k in here if space.edges[k] not in kept]
        assert len(inside) == 2
        assert all(strength(i) >= strength(o) for i in inside for o in outside)


def test_the_edge_weight_counts_in_an_edges_strength():
    """Two rows alike: η alone decides which edge goes."""
    space = SPACES["rnas_mer"]
    rows = [[1 / 14] * 14] * len(space.edges)
    third = [k for k, edge in enumerate(space.edges) if edge.node == 1]
    for weakest in third:
        weights = [0.1 if k == weakest else 0.45 for k in range(len(space.edges))]
        kept, _ = decode_cell(space, rows, weights)
        assert space.edges[weakest] not in kept


@pytest.mark.parametrize("name", SPACES)
@settings(max_examples=10)
@given(data=st.data())
def test_none_is_never_decoded_even_where_it_weighs_most(name, data):
    space = SPACES[name].resized(nodes=3)
    rows, edge_weights = data.draw(cells(space))
    column = space.operations.index("none")
    rows = [[2.0 if k == column else w for k, w in enumerate(row)] for row in rows]
    genotype = decode(space, rows, edge_weights, space.outer.uniform())
    assert "none" not in genotype.operations
    assert check_genotype(genotype, space) is genotype


def test_a_strong_none_does_not_make_its_edge_strong():
    """An edge is as strong as its best real operation, whatever `none` weighs on it."""
    column = MICRO.operations.index("none")
    rows = [[0.2] * 4 for _ in MICRO.edges]
    hollow = MICRO.edges.index((1, 1))
    rows[hollow] = [0.01] * 4
    rows[hollow][column] = 0.97
    kept, _ = decode_cell(MICRO, rows, [1.0] * len(MICRO.edges))
    assert MICRO.edges[hollow] not in kept


def test_decode_joins_path_and_cell():
    rows = [[0.1, 0.2, 0.6, 0.1]] * len(MICRO.edges)
    genotype = decode(MICRO, rows, [1.0] * len(MICRO.edges), MICRO.outer.uniform())
    assert genotype.space == "micro"
    assert genotype.path == viterbi(MICRO.outer, MICRO.outer.uniform())[0]
    assert set(genotype.operations) == {"skip"}
