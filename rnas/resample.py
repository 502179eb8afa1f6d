"""How features reach a cell's resolution and width (Section 3.1.2: strides, never pooling)."""

from __future__ import annotations

from itertools import pairwise
from math import ceil

import torch.nn.functional as F
from torch import Tensor, nn

from rnas.convolution import Convolution
from rnas.errors import MethodError
from rnas.operations import Norm
from rnas.space import SearchSpace
from rnas.trellis import State

VOXELS = (2, 3, 4)
"""The axes T, H, W of (B, C, T, H, W)."""

Size = tuple[int, int, int]
"""T, H, W in voxels."""


def check_clips(clips: Tensor) -> None:
    """MethodError unless clips are of shape (B, C, T, H, W)."""
    if clips.dim() != 5:
        raise MethodError(f"clips of shape {tuple(clips.shape)}: expected (B, C, T, H, W)")


def voxels(x: Tensor) -> Size:
    """T, H, W of x: (B, C, T, H, W)."""
    _, _, frames, height, width = x.shape
    return frames, height, width


class Stem(nn.Module):
    """From the clip to the finest level: (B, C, T, H, W) -> (B, F, T, H/s, W/s).

    One 3×3×3 convolution with stride (1, 2, 2) and batch norm per halving of H and W.
    """

    def __init__(self, space: SearchSpace, in_channels: int, norm: Norm) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for source, target in pairwise(stem_widths(space, in_channels)):
            layers += [nn.ReLU()] if layers else []
            layers += [
                Convolution(source, target, 3, stride=(1, 2, 2), padding=1, bias=False),
                norm(target),
            ]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Clips (B, C, T, H, W) to features (B, F, T, H/s, W/s)."""
        return self.layers(x)


class Resample(nn.Module):
    """ReLU-Conv-BN from one level to another.

    Same level: a 1×1×1 convolution. Coarser: one strided 3×3×3 convolution a level, which halves
    H, W and, while there is more than one frame, T. Finer: trilinear interpolation, then 1×1×1.
    """

    def __init__(self, widths: tuple[int, ...], steps: int, norm: Norm) -> None:
        """widths: from `resample_widths`; steps: levels to go down (> 0) or up (< 0)."""
        super().__init__()
        self.upwards = steps < 0
        kernel, stride = (3, 2) if steps > 0 else (1, 1)
        layers: list[nn.Module] = []
        for source, target in pairwise(widths):
            layers += [
                nn.ReLU(),
                Convolution(source, target, kernel, stride, padding=kernel // 2, bias=False),
                norm(target),
            ]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor, size: Size) -> Tensor:
        """size: T, H, W at the target level."""
        if self.upwards:
            x = F.interpolate(x, size=size, mode="trilinear", align_corners=False)
        return self.layers(x)


def stem_widths(space: SearchSpace, in_channels: int) -> tuple[int, ...]:
    """Channels along the stem: one convolution per factor of two of the finest level."""
    halvings = space.outer.factors[0].bit_length() - 1
    return (in_channels, *[space.channels] * halvings)


def source_width(space: SearchSpace, state: State) -> int:
    """Channels of a state's output; F for the stem."""
    return space.channels if state.layer == 0 else space.output_width(state.level)


def resample_widths(space: SearchSpace, source: State, level: int) -> tuple[int, ...]:
    """Channels along the way from a state's output to the cells of a level."""
    between = [space.width(k) for k in range(source.level + 1, level)]
    return (source_width(space, source), *between, space.width(level))


def resample(space: SearchSpace, source: State, level: int, norm: Norm) -> Resample:
    """The resampler from a state's output to the cells of a level."""
    return Resample(resample_widths(space, source, level), level - source.level, norm)


def level_size(finest: Size, level: int) -> Size:
    """T, H, W at a level, given those at the finest: every level halves, rounding up."""
    return tuple(ceil(axis / 2**level) for axis in finest)
