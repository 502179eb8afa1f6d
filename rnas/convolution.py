"""Convolutions that leave out the taps of a kernel which can touch nothing but padding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rnas.fast.convolutions import convolve


class Convolution(nn.Conv3d):
    """A convolution of odd kernels with same padding, without the taps that meet only padding.

    The sums are those of all taps; on the few voxels of a coarse level they are far fewer. In
    training on a CPU depthwise ones take the faster gradients of `rnas.fast.convolutions`.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T, H, W) -> (B, C', T / s, H / s, W / s), rounded up, for stride s."""
        weight = reachable(self.weight, x.shape[2:], self.dilation)
        if self._is_depthwise and self._trains_alone:
            return convolve(x, weight, self.dilation, self.groups)
        padding = [d * (k // 2) for k, d in zip(weight.shape[2:], self.dilation, strict=True)]
        return F.conv3d(
            x, weight, self.bias, self.stride, padding, self.dilation, groups=self.groups
        )

    @property
    def _is_depthwise(self) -> bool:
        plain = self.stride == (1, 1, 1) and self.bias is None
        return plain and 1 < self.groups == self.in_channels == self.out_channels

    @property
    def _trains_alone(self) -> bool:
        """Whether torch differentiates this layer itself: no compiler, no `torch.func`."""
        own = isinstance(self.weight, nn.Parameter) and not torch.compiler.is_compiling()
        return own and self.training and torch.is_grad_enabled()

    def drop_unreachable(self, size: Sequence[int]) -> None:
        """Forgets the taps that clips of at most this size (T, H, W) never reach.

        No loss depends on them. `kernel_size` and checkpoints to be loaded may have them all.
        """
        kept = reachable(self.weight.detach(), size, self.dilation)
        self.weight = nn.Parameter(kept.clone())

    def _load_from_state_dict(self, state: dict[str, Tensor], prefix: str, *others: Any) -> None:
        if f"{prefix}weight" in state:
            state[f"{prefix}weight"] = inner_taps(state[f"{prefix}weight"], self.weight.shape[2:])
        super()._load_from_state_dict(state, prefix, *others)


def reachable(weight: Tensor, size: Sequence[int], dilation: Sequence[int]) -> Tensor:
    """The taps of a kernel (..., kT, kH, kW) that can touch two voxels of a clip of this size.

    The others multiply nothing but padding: at 1×2×2 voxels 5×5×5 taps shrink to 1×3×3.
    """
    axes = zip(weight.shape[-3:], size, dilation, strict=True)
    return inner_taps(
        weight, [2 * min(taps // 2, (voxels - 1) // step) + 1 for taps, voxels, step in axes]
    )


def inner_taps(weight: Tensor, taps: Sequence[int]) -> Tensor:
    """So many taps along each axis from the middle of a kernel (..., kT, kH, kW), if it has more.

    The numbers are odd, as those of the kernel.
    """
    for axis, wanted in enumerate(taps, start=weight.dim() - 3):
        surplus = weight.shape[axis] - wanted
        if surplus > 0:
            weight = weight.narrow(axis, surplus // 2, wanted)
    return weight
