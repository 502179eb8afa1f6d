"""The supernet: every cell of the trellis at once, mixed by α, η and β (Eqs. 1-8).

This is the readable reference evaluation: the paper's equations in the paper's order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log
from typing import Protocol

import torch
from torch import Tensor, nn

from rnas.cell import Cell
from rnas.decode import decode
from rnas.genotype import Genotype
from rnas.operations import SEARCH_NORM, Norm
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
from rnas.space import SearchSpace, incoming
from rnas.trellis import Arrow, State

INITIAL_SCALE = 1e-3
"""Standard deviation of the architecture parameters at the start (as in DARTS)."""


@dataclass(frozen=True)
class ArchitectureWeights:
    """As plain numbers: softmax(α), (E, |operations|); softmax(η), (E,); β per arrow."""

    operations: list[list[float]]
    edges: list[float]
    beta: dict[Arrow, float]


class Choices(Protocol):
    """The weights of operations, edges and arrows that a supernet is evaluated with."""

    @property
    def edge_logits(self) -> Tensor | None:
        """η, (E,), or None."""

    def operation_weights(self) -> Tensor:
        """softmax(α), (E, |operations|)."""

    def beta(self) -> Mapping[Arrow, Tensor | float]:
        """β of every arrow."""


class Architecture(nn.Module):
    """The architecture parameters α, η and β, apart from the weights w.

    operation_logits: α, (E, |operations|). edge_logits: η, (E,), absent without edge
    normalisation. path_logits: β, one entry per arrow that leaves a state with a choice; a state
    that a single arrow leaves has no parameter, since its softmax is the constant 1.

    start: β where all logits are 0, to which weight decay draws it.
    """

    rows: Tensor
    columns: Tensor
    offsets: Tensor

    def __init__(self, space: SearchSpace, start: str = "uniform") -> None:
        super().__init__()
        self.space = space
        trellis = space.outer
        self.free_arrows = tuple(a for state in trellis.choices for a in trellis.out_of(state))
        rows = [trellis.choices.index(arrow.source) for arrow in self.free_arrows]
        columns = [trellis.out_of(a.source).index(a) for a in self.free_arrows]
        self.register_buffer("rows", torch.tensor(rows, dtype=torch.long), persistent=False)
        self.register_buffer("columns", torch.tensor(columns, dtype=torch.long), persistent=False)
        self.start = trellis.starts[start]()
        uniform = trellis.uniform()
        offsets = [log(self.start[arrow] / uniform[arrow]) for arrow in self.free_arrows]
        self.register_buffer("offsets", torch.tensor(offsets), persistent=False)
        self.rows_shape = (len(trellis.choices), max(columns, default=0) + 1)
        edges = len(space.edges)
        self.operation_logits = _small_random(edges, len(space.operations))
        self.edge_logits = _small_random(edges) if space.edge_norm else None
        self.path_logits = _small_random(len(self.free_arrows))

    def operation_weights(self) -> Tensor:
        """softmax(α) over the operations of every edge: (E, |operations|)."""
        return self.operation_logits.softmax(1)

    def edge_weights(self) -> Tensor:
        """softmax(η) over the incoming edges of every node, all 1 without η: (E,)."""
        if self.edge_logits is None:
            return self.operation_logits.new_ones(len(self.space.edges))
        nodes = incoming(self.space.edges, self.space.nodes)
        return torch.cat([self.edge_logits[list(edges)].softmax(0) for edges in nodes])

    def path_weights(self) -> Tensor:
        """Eq. 7: β of `free_arrows`, a softmax over the arrows that leave the same state."""
        if not self.free_arrows:
            return self.path_logits
        logits = self.path_logits.new_full(self.rows_shape, -torch.inf)
        shifted = self.path_logits + self.offsets
        logits = logits.index_put((self.rows, self.columns), shifted)
        return logits.softmax(1)[self.rows, self.columns]

    def beta(self) -> dict[Arrow, Tensor | float]:
        """β of every arrow: exactly 1 for the only arrow that leaves a state."""
        fixed: dict[Arrow, Tensor | float] = dict.fromkeys(self.space.outer.arrows, 1.0)
        return fixed | dict(zip(self.free_arrows, self.path_weights(), strict=True))

    @torch.no_grad()
    def beta_values(self) -> dict[Arrow, float]:
        """`beta` as plain numbers, for decoding and logs."""
        return {arrow: float(value) for arrow, value in self.beta().items()}

    @torch.no_grad()
    def weights(self) -> ArchitectureWeights:
        """softmax(α), softmax(η) and β as plain numbers."""
        return ArchitectureWeights(
            operations=self.operation_weights().tolist(),
            edges=self.edge_weights().tolist(),
            beta=self.beta_values(),
        )

    @torch.no_grad()
    def decode(self) -> Genotype:
        """The genotype that the parameters decode to now."""
        weights = self.weights()
        return decode(self.space, weights.operations, weights.edges, weights.beta)


class Supernet(nn.Module):
    """All paths and operations of a search space in one network: (B, C, T, H, W) -> (B, classes).

    Every state (l, s) has one cell, evaluated once per incoming arrow; every arrow has its own
    resampler for I^{l-1}, every state one for I^{l-2}. The head sums a linear layer per final
    state over the mean of its features. A batch needs at least two clips where the coarsest level
    is a single voxel: batch statistics of one value do not exist.
    """

    def __init__(
        self,
        space: SearchSpace,
        classes: int,
        in_channels: int = 3,
        norm: Norm = SEARCH_NORM,
        start: str = "uniform",
    ) -> None:
        super().__init__()
        self.space = space
        trellis = space.outer
        self.architecture = Architecture(space, start)
        self.stem = Stem(space, in_channels, norm)
        self.cells = nn.ModuleDict(
            {_name(state): Cell(space, state.level, norm) for state in trellis.states}
        )
        self.previous = nn.ModuleDict(
            {
                f"{_name(arrow.source)}->{_name(arrow.target)}": resample(
                    space, arrow.source, arrow.target.level, norm
                )
                for arrow in trellis.arrows
            }
        )
        self.older = nn.ModuleDict(
            {
                _name(state): resample(space, _two_back(state), state.level, norm)
                for state in trellis.states
                if trellis.exists(_two_back(state))
            }
        )
        final = [state for state in trellis.states if state.layer == trellis.layers]
        self.heads = nn.ModuleDict(
            {_name(state): nn.Linear(source_width(space, state), classes) for state in final}
        )

    def architecture_parameters(self) -> list[nn.Parameter]:
        """α, η, β."""
        return list(self.architecture.parameters())

    def weight_parameters(self) -> list[nn.Parameter]:
        """w: every parameter that is not the architecture's."""
        architecture = {id(parameter) for parameter in self.architecture_parameters()}
        return [p for p in self.parameters() if id(p) not in architecture]

    def forward(self, clips: Tensor) -> Tensor:
        """clips: (B, C, T, H, W), normalised; returns logits (B, classes)."""
        return self.mixed_by(self.architecture, clips)

    def mixed_by(self, choices: Choices, clips: Tensor) -> Tensor:
        """`forward` with other weights of operations, edges and arrows."""
        check_clips(clips)
        trellis = self.space.outer
        operation_weights = choices.operation_weights()
        beta = choices.beta()
        outputs: dict[State, Tensor] = {State(0, 0): self.stem(clips)}
        finest = voxels(outputs[State(0, 0)])
        for state in trellis.states:
            size = level_size(finest, state.level)
            older = self._older_input(state, outputs, size)
            arrivals = []
            for arrow in trellis.into(state):
                previous = self._resampler(arrow)(outputs[arrow.source], size)
                cell = self.cells[_name(state)]
                output = cell((previous, older), operation_weights, choices.edge_logits)
                arrivals.append(beta[arrow] * output)
            outputs[state] = sum(arrivals)  # Eq. 6
        return sum(head(outputs[_state(name)].mean(VOXELS)) for name, head in self.heads.items())

    def _older_input(self, state: State, outputs: dict[State, Tensor], size: Size) -> Tensor | None:
        """I^{l-2} at this state's level, or None where no path reaches it there."""
        if _name(state) not in self.older:
            return None
        return self.older[_name(state)](outputs[_two_back(state)], size)

    def _resampler(self, arrow: Arrow) -> nn.Module:
        return self.previous[f"{_name(arrow.source)}->{_name(arrow.target)}"]


def _small_random(*shape: int) -> nn.Parameter:
    return nn.Parameter(INITIAL_SCALE * torch.randn(*shape))


def _two_back(state: State) -> State:
    return State(state.layer - 2, state.level)


def _name(state: State) -> str:
    return f"{state.layer}_{state.level}"


def _state(name: str) -> State:
    layer, level = name.split("_")
    return State(int(layer), int(level))
