"""Convolutions of the supernet in the forms that run fastest, each with the same result.

All are at stride 1 with "same" padding and without bias.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable
from torch.nn.grad import conv3d_input, conv3d_weight

FEW_CHANNELS = 4
"""Up to here the gradients of a 3D convolution leave most of a vector register empty on a CPU."""


def reachable(weight: Tensor, size: Sequence[int], dilation: Sequence[int]) -> Tensor:
    """The taps of a kernel (..., kT, kH, kW) that can touch two voxels of a clip of this size.

    The others only ever meet the padding: at 1×2×2 voxels 5×5×5 taps shrink to 1×3×3.
    """
    cuts = []
    for taps, voxels, step in zip(weight.shape[-3:], size, dilation, strict=True):
        reach = min(taps // 2, (voxels - 1) // step)
        cuts.append(slice(taps // 2 - reach, taps // 2 + reach + 1))
    return weight[(..., *cuts)]


def convolve(x: Tensor, weight: Tensor, dilation: Sequence[int], groups: int = 1) -> Tensor:
    """x: (B, C, T, H, W); weight: (C', C / groups, kT, kH, kW); returns (B, C', T, H, W)."""
    few = groups == 1 and x.shape[1] <= FEW_CHANNELS and weight.shape[2] > 1
    if few and x.device.type == "cpu" and not torch.is_autocast_enabled("cpu"):
        token = _FewChannelsWeight.apply(weight, x.detach(), tuple(dilation))
        return _FewChannels.apply(x, token, weight.detach(), tuple(dilation))
    return F.conv3d(x, weight, None, 1, _same(weight, dilation), tuple(dilation), groups)


def _same(weight: Tensor, dilation: Sequence[int]) -> tuple[int, ...]:
    return tuple(d * (k // 2) for k, d in zip(weight.shape[2:], dilation, strict=True))


class _FewChannels(torch.autograd.Function):
    """A convolution whose input gradient has the kT taps along T as channels, kT·C of them.

    The weight's gradient belongs to the node that made `token` (zeros, added in thought), so that
    a pass over the architecture, which asks for no weight, prunes it: the autograd engine drops
    whole nodes, never one output of a node.
    """

    @staticmethod
    def forward(
        ctx: FunctionCtx, x: Tensor, token: Tensor, weight: Tensor, dilation: tuple[int, ...]
    ) -> Tensor:
        ctx.save_for_backward(weight)
        ctx.dilation = dilation
        return F.conv3d(x, weight, None, 1, _same(weight, dilation), dilation)

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor | None, ...]:
        (weight,) = ctx.saved_tensors
        if not ctx.needs_input_grad[0]:
            return None, grad, None, None
        flat = weight.transpose(1, 2).flatten(1, 2)[:, :, None]  # (C', kT·C, 1, kH, kW)
        taps, channels, frames = weight.shape[2], weight.shape[1], grad.shape[2]
        shape = (len(grad), taps * channels, *grad.shape[2:])
        step = ctx.dilation[0]
        padding = _same(flat, ctx.dilation)
        shifted = conv3d_input(shape, flat, grad.contiguous(), 1, padding, ctx.dilation)
        reach = step * (taps // 2)
        padded = grad.new_zeros(len(grad), channels, frames + 2 * reach, *grad.shape[3:])
        for tap, part in enumerate(shifted.split(channels, 1)):
            padded.narrow(2, step * tap, frames).add_(part)
        return padded.narrow(2, reach, frames), grad, None, None


class _FewChannelsWeight(torch.autograd.Function):
    """The weight's share of `_FewChannels`: zeros of the result's shape, which take no memory."""

    @staticmethod
    def forward(
        ctx: FunctionCtx, weight: Tensor, x: Tensor, dilation: tuple[int, ...]
    ) -> Tensor:
        ctx.save_for_backward(x)
        ctx.shape, ctx.dilation = weight.shape, dilation
        return x.new_zeros(()).expand(len(x), len(weight), *x.shape[2:])

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor, None, None]:
        (x,) = ctx.saved_tensors
        out, channels, taps, *plane = ctx.shape
        step = ctx.dilation[0]
        reach = step * (taps // 2)
        padded = F.pad(x, (0, 0, 0, 0, reach, reach))
        shifted = [padded.narrow(2, step * tap, x.shape[2]) for tap in range(taps)]
        shape = (out, taps * channels, 1, *plane)
        padding = tuple(d * (k // 2) for k, d in zip(shape[2:], ctx.dilation, strict=True))
        flat = conv3d_weight(
            torch.cat(shifted, 1), shape, grad.contiguous(), 1, padding, ctx.dilation
        )
        return flat.view(out, taps, channels, *plane).transpose(1, 2), None, None


def depthwise(x: Tensor, weight: Tensor, dilation: Sequence[int]) -> Tensor:
    """x: (B, C, T, H, W); weight: (C, 1, kT, kH, kW)."""
    return convolve(x, weight, dilation, groups=x.shape[1])


def pointwise(x: Tensor, weight: Tensor) -> Tensor:
    """n separate 1×1×1 convolutions: x: (B, n·C, T, H, W); weight: (n, C', C, 1, 1, 1)."""
    groups, _, channels = weight.shape[:3]
    y = weight.flatten(2) @ x.flatten(2).unflatten(1, (groups, channels))  # (B, n, C', V)
    return y.flatten(1, 2).unflatten(2, x.shape[2:])
