"""From continuous architecture parameters to a genotype (Section 3.2, Algorithm 2; no torch)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf, log

from rnas.genotype import EDGES_PER_NODE, Genotype
from rnas.space import Edge, SearchSpace, incoming
from rnas.trellis import Arrow, Path, State, Trellis


def viterbi(trellis: Trellis, beta: Mapping[Arrow, float]) -> tuple[Path, float]:
    """Algorithm 2: the most probable path and its probability.

    `beta` maps every arrow to its probability given its source (Eq. 7). Of equally probable paths
    the first in the order of `Trellis.arrows` is taken.
    """
    path = _heaviest(trellis, {arrow: _log(beta[arrow]) for arrow in trellis.arrows})
    return path, trellis.probability(path, beta)


def gauge_free(trellis: Trellis, beta: Mapping[Arrow, float], start: Mapping[Arrow, float]) -> Path:
    """The path of the largest product of q / q_start, which directions no loss sees do not change.

    q is an arrow's share of the β that enters its target, q_start the same of the β that the search
    started from. Of equal paths the first in the order of `Trellis.arrows` is taken.
    """
    now, before = trellis.shares(beta), trellis.shares(start)
    return _heaviest(trellis, {a: _log(now[a]) - _log(before[a]) for a in trellis.arrows})


def _heaviest(trellis: Trellis, weights: Mapping[Arrow, float]) -> Path:
    """The path of the largest sum of weights, by dynamic programming over the layers."""
    best: dict[State, tuple[float, Path]] = {State(0, 0): (0.0, ())}
    for arrow in trellis.arrows:  # sorted by layer: every source is final before it is used
        so_far, path = best[arrow.source]
        weight = so_far + weights[arrow]
        if arrow.target not in best or weight > best[arrow.target][0]:
            best[arrow.target] = (weight, (*path, trellis.factors[arrow.target.level]))
    ends = [best[state] for state in trellis.states if state.layer == trellis.layers]
    _, path = max(ends, key=lambda end: end[0])
    return path


def decode_cell(
    space: SearchSpace,
    operation_weights: Sequence[Sequence[float]],
    edge_weights: Sequence[float],
) -> tuple[tuple[Edge, ...], tuple[str, ...]]:
    """The two strongest edges into every node, and on each the best operation but `none`.

    operation_weights: softmax(α), (E, |operations|); edge_weights: softmax(η) over each node's
    incoming edges, (E,), or all 1 without edge normalisation. The strength of an edge is its weight
    times the weight of its best operation, `none` excluded.
    """
    choices = [_best_operation(space, row) for row in operation_weights]
    strength = [weight * edge for (_, weight), edge in zip(choices, edge_weights, strict=True)]
    kept: list[int] = []
    for candidates in incoming(space.edges, space.nodes):
        strongest = sorted(candidates, key=lambda index: -strength[index])[:EDGES_PER_NODE]
        kept.extend(sorted(strongest))
    return (
        tuple(space.edges[index] for index in kept),
        tuple(choices[index][0] for index in kept),
    )


def decode(
    space: SearchSpace,
    operation_weights: Sequence[Sequence[float]],
    edge_weights: Sequence[float],
    beta: Mapping[Arrow, float],
) -> Genotype:
    """The genotype of a search: Algorithm 2 for the path, the strongest edges for the cell."""
    path, _ = viterbi(space.outer, beta)
    edges, operations = decode_cell(space, operation_weights, edge_weights)
    return Genotype(space.name, path, edges, operations)


def _best_operation(space: SearchSpace, weights: Sequence[float]) -> tuple[str, float]:
    named = zip(space.operations, weights, strict=True)
    return max(((name, w) for name, w in named if name != "none"), key=lambda pair: pair[1])


def _log(probability: float) -> float:
    return log(probability) if probability > 0 else -inf
