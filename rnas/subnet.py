"""One genotype evaluated with a supernet's weights: nothing else is computed."""

from __future__ import annotations

from typing import cast

from torch import Tensor

from rnas.cell import Cell, join_nodes
from rnas.derived import cell_edges
from rnas.genotype import Genotype
from rnas.mixed import MixedOperation
from rnas.resample import VOXELS, check_clips, level_size, voxels
from rnas.supernet import Supernet
from rnas.trellis import State


def genotype_logits(supernet: Supernet, genotype: Genotype, clips: Tensor) -> Tensor:
    """Logits (B, classes) of clips (B, C, T, H, W).

    Edges are added up with weight 1, as in the derived network. A supernet has a resampler for
    I^{l-2} only from the same resolution: where the path was at another one two layers ago, the
    edges from I^{l-2} add nothing, as in the supernet restricted to the genotype
    (`rnas.discretise`).
    """
    check_clips(clips)
    outputs: dict[State, Tensor] = {State(0, 0): supernet.stem(clips)}
    finest = voxels(outputs[State(0, 0)])
    state = State(0, 0)
    for arrow in supernet.space.outer.arrows_of(genotype.path):
        state = arrow.target
        size = level_size(finest, state.level)
        name = _name(state)
        previous = supernet.previous[f"{_name(arrow.source)}->{name}"]
        inputs = {0: previous(outputs[arrow.source], size)}
        two_back = State(state.layer - 2, state.level)
        if two_back in outputs:
            inputs[1] = supernet.older[name](outputs[two_back], size)
        outputs[state] = _cell(cast("Cell", supernet.cells[name]), genotype, state.layer, inputs)
    return supernet.heads[_name(state)](outputs[state].mean(VOXELS))


def _cell(cell: Cell, genotype: Genotype, layer: int, inputs: dict[int, Tensor]) -> Tensor:
    """Eqs. 2 and 3 with the edges and operations of the genotype alone."""
    space = cell.space
    features = dict(inputs)
    for node in range(space.nodes):
        features[node + 2] = cast(
            "Tensor",
            sum(
                cast("MixedOperation", cell.mixed[space.edges.index(edge)]).chosen(
                    name, features[edge.source]
                )
                for edge, name in cell_edges(space, genotype, layer)
                if edge.node == node and edge.source in features
            ),
        )
    nodes = [features[node + 2] for node in range(space.nodes)]
    return cell.attention(join_nodes(space, nodes))


def _name(state: State) -> str:
    """The key of a state among a supernet's modules."""
    return f"{state.layer}_{state.level}"
