"""The derived network: a decoded genotype as a network of its own, trained from scratch."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rnas.cell import join_nodes, make_attention
from rnas.genotype import Genotype, check_genotype
from rnas.mixed import channel_shuffle
from rnas.operations import DERIVED_NORM, Norm, operation
from rnas.resample import (
    VOXELS,
    Size,
    Stem,
    check_clips,
    level_size,
    resample,
    source_width,
    voxels,
)
from rnas.space import Edge, SearchSpace
from rnas.trellis import State


class ChosenOperation(nn.Module):
    """One operation on an edge: on all channels, or with `derived_partial` on the first C/b."""

    def __init__(self, space: SearchSpace, name: str, channels: int, norm: Norm) -> None:
        super().__init__()
        self.partial = space.partial if space.derived_partial else 1
        self.selected = channels // self.partial
        self.operation = operation(name, space.dilated).build(self.selected, norm)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T, H, W) -> same shape."""
        if self.partial == 1:
            return self.operation(x)
        joined = torch.cat([self.operation(x[:, : self.selected]), x[:, self.selected :]], dim=1)
        return channel_shuffle(joined, self.partial)


class DerivedCell(nn.Module):
    """A decoded cell at one layer of the path, with the resamplers of the inputs it uses."""

    def __init__(self, space: SearchSpace, genotype: Genotype, layer: int, norm: Norm) -> None:
        super().__init__()
        self.space = space
        self.level = cell_levels(space, genotype)[layer]
        edges = cell_edges(space, genotype, layer)
        self.edges = tuple(edge for edge, _ in edges)
        self.operations = nn.ModuleList(
            ChosenOperation(space, name, space.width(self.level), norm) for _, name in edges
        )
        self.inputs = nn.ModuleDict(
            {
                str(source): resample(space, state, self.level, norm)
                for source, state in cell_inputs(space, genotype, layer).items()
            }
        )
        self.attention = make_attention(space, self.level)

    def forward(self, previous: Tensor, older: Tensor | None, finest: Size) -> Tensor:
        """previous, older: I^{l-1} and I^{l-2}, (B, C, T, H, W); finest: T, H, W at level 0."""
        size = level_size(finest, self.level)
        features: dict[int, Tensor] = {
            int(source): resampler((previous, older)[int(source)], size)
            for source, resampler in self.inputs.items()
        }
        for node in range(self.space.nodes):
            features[node + 2] = sum(
                chosen(features[edge.source])
                for edge, chosen in zip(self.edges, self.operations, strict=True)
                if edge.node == node
            )
        nodes = [features[node + 2] for node in range(self.space.nodes)]
        return self.attention(join_nodes(self.space, nodes))


class DerivedNetwork(nn.Module):
    """Stem, one decoded cell per layer of the path, one head: (B, C, T, H, W) -> (B, classes)."""

    def __init__(
        self,
        space: SearchSpace,
        genotype: Genotype,
        classes: int,
        in_channels: int = 3,
        norm: Norm = DERIVED_NORM,
    ) -> None:
        super().__init__()
        check_genotype(genotype, space)
        self.genotype = genotype
        self.stem = Stem(space, in_channels, norm)
        layers = range(1, space.outer.layers + 1)
        self.cells = nn.ModuleList(DerivedCell(space, genotype, layer, norm) for layer in layers)
        last = State(space.outer.layers, cell_levels(space, genotype)[-1])
        self.head = nn.Linear(source_width(space, last), classes)

    def forward(self, clips: Tensor) -> Tensor:
        """clips: (B, C, T, H, W), normalised; returns logits (B, classes)."""
        check_clips(clips)
        older, previous = None, self.stem(clips)
        finest = voxels(previous)
        for cell in self.cells:
            output = cell(previous, older, finest)
            older, previous = previous, output
        return self.head(previous.mean(VOXELS))


def cell_levels(space: SearchSpace, genotype: Genotype) -> tuple[int, ...]:
    """Levels along the path, the stem's level 0 first."""
    return (0, *(space.outer.factors.index(factor) for factor in genotype.path))


def cell_edges(space: SearchSpace, genotype: Genotype, layer: int) -> list[tuple[Edge, str]]:
    """The edges of the cell of a layer with their operations.

    An input that the supernet did not have at this state is absent here too, with its edges.
    """
    has_older = space.outer.exists(State(layer - 2, cell_levels(space, genotype)[layer]))
    pairs = zip(genotype.edges, genotype.operations, strict=True)
    return [(edge, name) for edge, name in pairs if edge.source != 1 or has_older]


def cell_inputs(space: SearchSpace, genotype: Genotype, layer: int) -> dict[int, State]:
    """Input index (0: I^{l-1}, 1: I^{l-2}) -> state that it comes from, for the inputs in use."""
    levels = cell_levels(space, genotype)
    used = {edge.source for edge, _ in cell_edges(space, genotype, layer)}
    return {
        source: State(layer - 1 - source, levels[layer - 1 - source])
        for source in (0, 1)
        if source in used
    }
