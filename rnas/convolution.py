"""Convolutions that leave out the taps of a kernel which can touch nothing but padding."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn


class Convolution(nn.Conv3d):
    """A convolution of odd kernels with same padding, without the taps that meet only padding.

    The sums are those of all taps; on the few voxels of a coarse level they are far fewer.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T, H, W) -> (B, C', T / s, H / s, W / s), rounded up, for stride s."""
        weight = reachable(self.weight, x.shape[2:], self.dilation)
        if weight.shape == self.weight.shape:
            return super().forward(x)
        padding = [d * (k // 2) for k, d in zip(weight.shape[2:], self.dilation, strict=True)]
        return F.conv3d(
            x, weight, self.bias, self.stride, padding, self.dilation, groups=self.groups
        )


def reachable(weight: Tensor, size: Sequence[int], dilation: Sequence[int]) -> Tensor:
    """The taps of a kernel (..., kT, kH, kW) that can touch two voxels of a clip of this size.

    The others multiply nothing but padding: at 1×2×2 voxels 5×5×5 taps shrink to 1×3×3.
    """
    cuts = []
    for taps, voxels, step in zip(weight.shape[-3:], size, dilation, strict=True):
        reach = min(taps // 2, (voxels - 1) // step)
        cuts.append(slice(taps // 2 - reach, taps // 2 + reach + 1))
    time, rows, columns = cuts
    return weight[..., time, rows, columns]
