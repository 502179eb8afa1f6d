"""Search spaces, clips and plain definitions that the tests of the method share.

The definitions are written out by hand on purpose: they must not call what they judge.
"""

from __future__ import annotations

from itertools import pairwise, product
from math import prod

import numpy as np
import torch
from torch import Tensor, nn

from bench.methods.registry import variants
from rnas.space import DARTS_OPERATIONS, SearchSpace
from rnas.trellis import Arrow, State, Trellis

SPACES = {name: entry.space for name, entry in variants().items() if entry.kind == "search"}
"""Every registered search space, a user's own included."""

MICRO = SearchSpace(
    name="micro",
    summary="Three layers, two resolutions and four operations: quick to search",
    operations=("max_1_3", "conv_1", "skip", "none"),
    partial=2,
    outer=Trellis(layers=3, factors=(2, 4), moves=("stay", "shrink")),
    nodes=2,
    channels=4,
)

CLIMBING = SearchSpace(
    name="climbing",
    summary="Paths may go back up, and a cell concatenates its nodes",
    operations=DARTS_OPERATIONS,
    partial=2,
    outer=Trellis(layers=3, factors=(4, 8, 16), moves=("up", "stay", "shrink")),
    nodes=2,
    channels=2,
    reduction="concat",
)

SMALL_TRELLISES = {
    "open": Trellis(6, (2, 4, 8, 16), ("stay", "shrink")),
    "climbing": Trellis(5, (4, 8, 16), ("up", "stay", "shrink")),
    "banded": Trellis(6, (2, 4, 8), ("stay", "shrink"), band=0.5),
    "single layer": Trellis(1, (2, 4), ("stay", "shrink")),
    "single path": Trellis(3, (2,), ("stay",)),
}
"""Trellises with few enough paths for brute force."""


def tiny(space: SearchSpace) -> SearchSpace:
    """The same space with the fewest channels that its partial connections allow, and few nodes."""
    nodes = 2 if space.outer.layers <= 6 else 1
    return space.resized(nodes=nodes, channels=max(space.partial, 2))


def shallow(space: SearchSpace) -> SearchSpace:
    """`tiny`, with two nodes, three layers and two resolutions."""
    outer = Trellis(3, space.outer.factors[:2], space.outer.moves)
    return tiny(space.resized(outer=outer))


def batch(*shape: int, seed: int = 0, classes: int = 3) -> tuple[Tensor, Tensor]:
    """Clips of a shape (B, C, T, H, W), float32, and labels that take every class in turn."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator), torch.arange(shape[0]) % classes


def level_paths(trellis: Trellis) -> list[tuple[int, ...]]:
    """Every path by its levels, the stem first: all sequences, less the forbidden ones."""
    steps = {{"up": -1, "stay": 0, "shrink": 1}[move] for move in trellis.moves}
    top = len(trellis.factors) - 1

    def allowed(levels: tuple[int, ...]) -> bool:
        inside = trellis.band is None or all(
            abs(level - layer * top / trellis.layers) <= trellis.band + 1e-9
            for layer, level in enumerate(levels)
        )
        return inside and all(there - here in steps for here, there in pairwise(levels))

    everything = product(range(top + 1), repeat=trellis.layers)
    return [(0, *rest) for rest in everything if allowed((0, *rest))]


def levels_probability(levels: tuple[int, ...], beta: dict[Arrow, float]) -> float:
    """The product of β along a path given by its levels, the stem first."""
    states = [State(layer, level) for layer, level in enumerate(levels)]
    return prod(beta[Arrow(here, there)] for here, there in pairwise(states))


def softmax(values) -> np.ndarray:
    exponentials = np.exp(np.asarray(values, dtype=float))
    return exponentials / exponentials.sum()


def row_softmax(trellis: Trellis, logits) -> dict[Arrow, float]:
    """β out of one logit per arrow: a softmax over the arrows that leave a state (Eq. 7)."""
    by_arrow = dict(zip(trellis.arrows, logits, strict=False))
    beta: dict[Arrow, float] = {}
    for source in {arrow.source for arrow in trellis.arrows}:
        row = [arrow for arrow in trellis.arrows if arrow.source == source]
        beta |= dict(zip(row, softmax([by_arrow[arrow] for arrow in row]).tolist(), strict=True))
    return beta


def shuffled(x: Tensor, groups: int) -> Tensor:
    """Channel shuffle by indices: channel k of group g goes to place k * groups + g."""
    channels = x.shape[1]
    size = channels // groups
    order = [0] * channels
    for group in range(groups):
        for k in range(size):
            order[k * groups + group] = group * size + k
    return x[:, order]


def naive_conv(conv: nn.Conv3d, x: Tensor) -> Tensor:
    """A convolution at stride 1 as a sum over the kernel's offsets of shifted inputs."""
    weight = conv.weight.detach()  # (out, in / groups, kT, kH, kW)
    pads = [d * (k // 2) for d, k in zip(conv.dilation, weight.shape[2:], strict=True)]
    batch_size, channels, *voxels = x.shape
    padded = x.new_zeros(
        batch_size, channels, *(n + 2 * p for n, p in zip(voxels, pads, strict=True))
    )
    inside = tuple(slice(p, p + n) for p, n in zip(pads, voxels, strict=True))
    padded[(slice(None), slice(None), *inside)] = x
    out_group, in_group = weight.shape[0] // conv.groups, weight.shape[1]
    result = x.new_zeros(batch_size, weight.shape[0], *voxels)
    for offset in product(*(range(k) for k in weight.shape[2:])):
        window = tuple(
            slice(o * d, o * d + n) for o, d, n in zip(offset, conv.dilation, voxels, strict=True)
        )
        shifted = padded[(slice(None), slice(None), *window)]
        for group in range(conv.groups):
            rows = slice(group * out_group, (group + 1) * out_group)
            columns = slice(group * in_group, (group + 1) * in_group)
            result[:, rows] += torch.einsum(
                "oi,bithw->bothw", weight[(rows, slice(None), *offset)], shifted[:, columns]
            )
    return result


def naive_norm(x: Tensor, eps: float = 1e-5) -> Tensor:
    """Batch norm with batch statistics, not affine."""
    mean = x.mean((0, 2, 3, 4), keepdim=True)
    variance = ((x - mean) ** 2).mean((0, 2, 3, 4), keepdim=True)
    return (x - mean) / torch.sqrt(variance + eps)


def naive_pool(x: Tensor, reduce) -> Tensor:
    """`reduce` over the voxels of every 3×3×3 neighbourhood that lie inside the clip."""
    frames, height, width = x.shape[2:]
    result = torch.empty_like(x)
    for t, h, w in product(range(frames), range(height), range(width)):
        window = x[:, :, max(t - 1, 0) : t + 2, max(h - 1, 0) : h + 2, max(w - 1, 0) : w + 2]
        result[:, :, t, h, w] = reduce(window.flatten(2))
    return result
