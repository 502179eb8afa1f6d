"""A faster `rnas.supernet.Supernet` with the same parameters, values and gradients.

The reference evaluates arrow by arrow, edge by edge, candidate by candidate. Here

- the arrows into a state, which share its cell's weights, are an axis A of (B, A, C, ...), each
  with its own batch statistics; edges from I^{l-2}, the same for all arrows, run once (A = 1);
- all edges that leave a source run together (`rnas.fast.branches`, `rnas.fast.mix`);
- η multiplies softmax(α) beforehand and the channel shuffle comes once a node, since both commute
  with the sum of Eq. 2.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import reduce
from math import ceil
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rnas.cell import Cell, join_nodes
from rnas.convolution import Convolution
from rnas.errors import MethodError
from rnas.fast.branches import (
    EdgeParts,
    leaves,
    norm_apart,
    share_map,
    stacks_of,
    take_apart,
    uneven,
)
from rnas.fast.mix import mix
from rnas.mixed import MixedOperation, channel_shuffle
from rnas.operations import SEARCH_NORM, Norm
from rnas.resample import VOXELS, Size, check_clips, level_size, voxels
from rnas.space import SearchSpace, incoming
from rnas.supernet import Supernet
from rnas.trellis import State


@dataclass(frozen=True)
class Shares:
    """η·softmax(α) on the E edges that leave a source, per part of the candidates.

    edges: η alone, (E, 1), for the channels that bypass; branches: (E, K), the convolutions;
    differences: (E, Q), the pairs whose maximum is taken; plain: (E, candidates without weights);
    others: (E, candidates of unknown form).
    """

    edges: Tensor
    branches: Tensor
    differences: Tensor
    plain: Tensor
    others: Tensor


class FastSupernet(Supernet):
    """`Supernet` with another forward: same parameters, state_dict, logits and gradients.

    size: T, H, W of the largest clips. With it, cells keep only the taps of their kernels that such
    clips reach: full dilated kernels have up to a hundred others, of which no logit depends. It
    loads the checkpoints of a supernet without, whose other taps it leaves out.

    Raises MethodError for an affine norm, which only derived networks have. Gradients of gradients
    are not available.
    """

    to_shares: Tensor
    signs: Tensor
    from_older: Tensor
    by_source: Tensor

    def __init__(
        self,
        space: SearchSpace,
        classes: int,
        in_channels: int = 3,
        norm: Norm = SEARCH_NORM,
        start: str = "uniform",
        size: Size | None = None,
    ) -> None:
        super().__init__(space, classes, in_channels, norm, start)
        if norm.affine:
            raise MethodError("FastSupernet needs a norm without affine: use Supernet")
        self.size = size
        if size:
            self._drop_unreachable(size)
        states = space.outer.states
        cells = [cell for cell in self.cells.values() if isinstance(cell, Cell)]
        parts = _parts(space, cells, norm.eps)
        if odd := uneven([edges[0] for edges in parts]):
            parts = _parts(space, cells, norm.eps, odd)
        self.fast_cells = {
            state: FastCell(space, cell, edges, norm.eps)
            for state, cell, edges in zip(states, cells, parts, strict=True)
        }
        # Which candidates have kernels of one form, and stand side by side, depends on the level.
        by_level = {
            state.level: share_map(space, p[0]) for state, p in zip(states, parts, strict=True)
        }
        self.levels = {level: number for number, level in enumerate(by_level)}
        to_shares, signs, sizes = zip(*by_level.values(), strict=True)
        self.share_sizes = sizes[0]
        self.register_buffer("to_shares", torch.stack(to_shares), persistent=False)
        self.register_buffer("signs", torch.stack(signs), persistent=False)
        from_older = torch.tensor([edge.source == 1 for edge in space.edges])
        self.register_buffer("from_older", from_older, persistent=False)
        by_source = torch.tensor([k for edges in _outgoing(space) for k in edges])
        self.register_buffer("by_source", by_source, persistent=False)

    def forward(self, clips: Tensor) -> Tensor:
        """clips: (B, C, T, H, W), normalised; returns logits (B, classes)."""
        check_clips(clips)
        self._check_size(voxels(clips))
        trellis = self.space.outer
        shares = {older: self._shares(older) for older in (False, True)}
        beta = self.architecture.beta()
        outputs: dict[State, Tensor] = {State(0, 0): self.stem(clips)}
        finest = voxels(outputs[State(0, 0)])
        for state in trellis.states:
            size = level_size(finest, state.level)
            older = self._older_input(state, outputs, size)
            arrows = trellis.into(state)
            previous = [self._resampler(arrow)(outputs[arrow.source], size) for arrow in arrows]
            cell, level = self.fast_cells[state], self.levels[state.level]
            edges = shares[older is not None][level]
            output = cell(torch.stack(previous, 1), older, edges, self.signs[level])
            arrivals = output.unbind(1)
            weighted = [beta[arrow] * x for arrow, x in zip(arrows, arrivals, strict=True)]
            outputs[state] = cast("Tensor", sum(weighted))  # Eq. 6; every state has an arrow
        final = [state for state in trellis.states if state.layer == trellis.layers]
        heads = zip(final, self.heads.values(), strict=True)
        return sum(head(outputs[state].mean(VOXELS)) for state, head in heads)

    def _drop_unreachable(self, size: Size) -> None:
        (frames, *plane), factor = size, self.space.outer.factors[0]
        height, width = (ceil(axis / factor) for axis in plane)
        for state, cell in zip(self.space.outer.states, self.cells.values(), strict=True):
            for module in cell.modules():
                if isinstance(module, Convolution):
                    module.drop_unreachable(level_size((frames, height, width), state.level))

    def _check_size(self, size: Size) -> None:
        if self.size and any(axis > most for axis, most in zip(size, self.size, strict=True)):
            raise MethodError(f"clips of size {size}: this supernet was built for {self.size}")

    def _shares(self, older: bool) -> list[list[Shares]]:
        """Eqs. 1 and 2: per level and source, the weights on its edges, with or without I^{l-2}."""
        with torch.autocast(self.to_shares.device.type, enabled=False):
            edges = self._edge_weights(older)[:, None]  # (E, 1)
            weights = edges * self.architecture.operation_weights()  # (E, |operations|)
            parts = weights @ self.to_shares  # (levels, E, all parts)
            shares = torch.cat([edges.expand(len(parts), -1, 1), parts], 2)[:, self.by_source]
        sizes, sources = [1, *self.share_sizes], [len(edges) for edges in _outgoing(self.space)]
        return [
            [Shares(*rows.split(sizes, 1)) for rows in level.split(sources)] for level in shares
        ]

    def _edge_weights(self, older: bool) -> Tensor:
        """softmax(η) over each node's present edges, 1 each without η: (E,)."""
        logits: Tensor | None = self.architecture.edge_logits
        if logits is None:
            return self.to_shares.new_ones(len(self.space.edges))
        if not older:
            logits = logits.masked_fill(self.from_older, -torch.inf)
        nodes = [len(edges) for edges in incoming(self.space.edges, self.space.nodes)]
        return torch.cat([node.softmax(0) for node in logits.split(nodes)])


class FastCell:
    """Eqs. 1-5 for all arrows into a state.

    Not a module: it uses the weights and the attention of its `Cell`.
    """

    def __init__(
        self, space: SearchSpace, cell: Cell, parts: Sequence[EdgeParts], eps: float
    ) -> None:
        self.space = space
        self.attention = cell.attention
        self.sources = [
            Source(space, edges, [parts[k] for k in edges], eps) for edges in _outgoing(space)
        ]

    def __call__(
        self, previous: Tensor, older: Tensor | None, shares: Sequence[Shares], signs: Tensor
    ) -> Tensor:
        """The outputs, (B, A, C or N·C, T, H, W).

        previous: I^{l-1} of every arrow, (B, A, C, T, H, W); older: I^{l-2}, (B, C, T, H, W), or
        None.
        """
        inputs = (previous, None if older is None else older[:, None])
        nodes: list[Tensor] = []
        arriving: list[list[Tensor]] = [[] for _ in range(self.space.nodes)]
        for number, source in enumerate(self.sources):
            if number > 1:
                nodes.append(self._node(arriving[number - 2], previous))
            feature = nodes[-1] if nodes else inputs[number]
            if feature is None:
                continue
            parts = source(feature, shares[number], signs).unbind(3)
            for node, part in zip(source.nodes, parts, strict=True):
                arriving[node].append(part)
        nodes.append(self._node(arriving[-1], previous))
        joined = join_nodes(self.space, [node.flatten(0, 1) for node in nodes])
        return self.attention(joined).unflatten(0, previous.shape[:2])  # Eq. 3

    def _node(self, edges: Sequence[Tensor], like: Tensor) -> Tensor:
        """Eq. 2: the sum over the edges, each (B, A or 1, C, V), as (B, A, C, T, H, W)."""
        total = reduce(torch.add, edges)
        if self.space.partial > 1:
            total = channel_shuffle(total.flatten(0, 1), self.space.partial)
        return total.view(like.shape)


class Source:
    """The mixed operations of all edges that leave a source, without their channel shuffle."""

    def __init__(
        self, space: SearchSpace, edges: Sequence[int], parts: Sequence[EdgeParts], eps: float
    ) -> None:
        """edges: numbers of the edges; parts: what their candidates are made of."""
        self.nodes = [space.edges[k].node for k in edges]
        self.partial = space.partial
        self.eps = eps
        self.stacks = stacks_of(list(zip(*(p.groups for p in parts), strict=True)))
        self.plain = list(parts[0].plain.values())  # without weights: the same on every edge
        self.others = [list(p.others.values()) for p in parts]

    def __call__(self, x: Tensor, shares: Shares, signs: Tensor) -> Tensor:
        """x: (B, A, C, T, H, W); returns what every edge adds to its node, (B, A, C, E, V)."""
        chosen, bypassing = x.tensor_split([x.shape[2] // self.partial], 2)
        total = self._branches(chosen, shares, signs)
        for module, share in zip(self.plain, shares.plain.unbind(1), strict=True):
            feature = _plain(module, chosen).flatten(3)[:, :, :, None]  # (B, A, C/b, 1, V)
            total = total + feature * share[:, None]
        if any(self.others):
            total = total + self._others(chosen, shares.others)
        if self.partial == 1:
            return total
        return torch.cat([total, bypassing.flatten(3)[:, :, :, None] * shares.edges], 2)

    def _branches(self, x: Tensor, shares: Shares, signs: Tensor) -> Tensor:
        if not self.stacks:
            return x.new_zeros(())
        activated = F.relu(x.flatten(0, 1))
        branches = [y for stack in self.stacks for y in stack(activated, x.shape[1])]
        return mix(branches, shares.branches, shares.differences, signs, self.eps)

    def _others(self, x: Tensor, shares: Tensor) -> Tensor:
        edges = [
            sum(share * _apart(module, x) for share, module in zip(row, modules, strict=True))
            for row, modules in zip(shares, self.others, strict=True)
        ]
        return torch.stack([edge.flatten(3) for edge in edges], 3)


def _parts(
    space: SearchSpace, cells: Sequence[Cell], eps: float, whole: Collection[str] = ()
) -> list[list[EdgeParts]]:
    """Per cell and edge what its candidates are made of; `whole` ones stay as they are."""
    return [
        [
            take_apart(space, mixed, eps, whole)
            for mixed in cell.mixed
            if isinstance(mixed, MixedOperation)
        ]
        for cell in cells
    ]


def _plain(module: nn.Module, x: Tensor) -> Tensor:
    """A candidate without weights for all arrows' (B, A, C, T, H, W) at once."""
    arrivals, y = x.shape[1], x.flatten(0, 1)
    for layer in leaves(module):
        if isinstance(layer, nn.BatchNorm3d):
            y = norm_apart(y, arrivals, layer.eps)
        elif y.shape[2:] != (1, 1, 1):  # the maximum and the mean of a voxel is itself
            y = layer(y)
    return y.view(x.shape)


def _apart(module: nn.Module, x: Tensor) -> Tensor:
    """A module applied to each arrow's (B, C, T, H, W) of (B, A, C, T, H, W) separately."""
    return torch.stack([module(arrow) for arrow in x.unbind(1)], 1)


def _outgoing(space: SearchSpace) -> list[list[int]]:
    """Per source, the numbers of the edges that leave it; none leaves the last node."""
    sources = range(space.nodes + 1)
    return [[k for k, edge in enumerate(space.edges) if edge.source == s] for s in sources]
