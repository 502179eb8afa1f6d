"""Stride-1 convolutions with "same" padding and no bias, in the forms that run fastest.

Every form computes the same sums as `F.conv3d`, in another order. On a CPU, oneDNN is slow for
four cases that are common in the supernet: dilated kernels, input gradients with few channels,
weight gradients where the channels do not fill its blocks, and depthwise kernels, above all on few
voxels. Which form runs depends on the shapes alone, so that a repeated run gives the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable
from torch.nn.grad import conv3d_input, conv3d_weight

FEW_CHANNELS = 4
"""Up to here `_few_channels_input` beats oneDNN's own gradient (registers hold eight floats)."""

FEW_VOXELS = 32
"""Up to here a depthwise kernel runs as a matrix of voxels by voxels: many of the products are by
zero, but all are in one call."""

VERY_FEW_VOXELS = 8
"""Up to here `_few_channels_weight` beats oneDNN's gradient of any dense kernel."""

FEW_PIXELS = 4
"""Up to so many pixels a tap, the gradient of a depthwise kernel takes a matrix of pixels by pixels
for each tap along T: with 5×5×5 taps on 6×6 pixels it is five times as fast as oneDNN's own."""

InputGradient = Callable[[Tensor, Tensor], Tensor]
"""(gradient of the result, weight) -> gradient of the input."""

WeightGradient = Callable[[Tensor, Tensor, torch.Size], Tensor]
"""(gradient of the result, input, shape of the weight) -> gradient of the weight."""


class _InputContext(FunctionCtx):
    """What `_InputNode` keeps from forward to backward."""

    saved_tensors: tuple[Tensor, ...]
    by_input: InputGradient


class _WeightContext(FunctionCtx):
    """What `_WeightNode` keeps from forward to backward."""

    saved_tensors: tuple[Tensor, ...]
    by_weight: WeightGradient
    shape: torch.Size


def convolve(x: Tensor, weight: Tensor, dilation: Sequence[int], groups: int = 1) -> Tensor:
    """The convolution of x (B, C, T, H, W) with weight (C', C / groups, kT, kH, kW)."""
    if x.device.type != "cpu" or torch.is_autocast_enabled("cpu"):
        padding = [d * (k // 2) for k, d in zip(weight.shape[2:], dilation, strict=True)]
        return F.conv3d(x, weight, None, 1, padding, tuple(dilation), groups)
    steps = [d if taps > 1 else 1 for d, taps in zip(dilation, weight.shape[2:], strict=True)]
    if max(steps) > 1:
        phases = convolve(_phases(x, steps), weight, (1, 1, 1), groups)
        return _interleaved(phases, steps, x.shape)
    if groups == x.shape[1] == len(weight):
        if weight.numel() == groups:
            return x * weight.view(-1, 1, 1, 1)
        if x[0, 0].numel() <= FEW_VOXELS:
            return _by_matrices(x, weight)
        return _split(_channels_last(x), weight, groups, _depthwise_input, _depthwise_weight)
    if weight[0, 0].numel() == 1 and groups == 1:
        return pointwise(x, weight[None])
    if groups == 1 and x.shape[1] <= FEW_CHANNELS and weight.shape[2] > 1:
        return _split(x, weight, groups, _few_channels_input, _few_channels_weight)
    if groups == 1:
        return _split(x, weight, groups, _dense_input, _dense_weight)
    return _same_conv(x, weight, groups)


def pointwise(x: Tensor, weight: Tensor) -> Tensor:
    """Separate 1×1×1 convolutions, n of them: x: (B, n·C, T, H, W); weight: (n, C', C, 1, 1, 1)."""
    groups, _, channels = weight.shape[:3]
    batch, _, *size = x.shape
    rows = x.unflatten(1, (groups, channels)).permute(1, 0, 3, 4, 5, 2).flatten(1, 4)
    y = rows @ weight.flatten(2).mT  # (n, B·V, C')
    return y.view(groups, batch, *size, -1).permute(1, 0, 5, 2, 3, 4).flatten(1, 2)


def _by_matrices(x: Tensor, weight: Tensor) -> Tensor:
    """A depthwise convolution as one matrix per channel, from all voxels to all voxels."""
    size = x.shape[2:]
    taps = F.pad(weight.flatten(1), (0, 1))  # the last one is zero
    matrices = taps[:, _taps_between(size, weight.shape[2:])]  # (C, V, V)
    y = matrices @ x.flatten(2).permute(1, 2, 0).contiguous()
    if y.requires_grad and not torch.compiler.is_compiling():
        y.register_hook(Tensor.contiguous)  # else products of channels last go one by one
    return y.permute(2, 0, 1).unflatten(2, size)


@lru_cache(maxsize=64)
def _taps_between(size: torch.Size, taps: torch.Size) -> Tensor:
    """(V, V): which tap leads from an input voxel (column) to an output voxel (row).

    Where none does, the number of taps.
    """
    voxels = torch.cartesian_prod(*(torch.arange(axis) for axis in size))  # (V, 3)
    limits = torch.tensor(taps)
    place = voxels - voxels[:, None] + limits // 2  # (V, V, 3)
    inside = ((place >= 0) & (place < limits)).all(-1)
    number = (place[..., 0] * limits[1] + place[..., 1]) * limits[2] + place[..., 2]
    return torch.where(inside, number, limits.prod())


def _same_conv(x: Tensor, weight: Tensor, groups: int) -> Tensor:
    return F.conv3d(x, weight, None, 1, _half(weight.shape), 1, groups)


def _half(weight_shape: Sequence[int]) -> tuple[int, ...]:
    return tuple(taps // 2 for taps in weight_shape[2:])


def _phases(x: Tensor, steps: Sequence[int]) -> Tensor:
    """Every `step`-th voxel per axis as a clip of its own: (B, C, T, H, W) -> (B·phases, C, ...).

    The taps of a dilated kernel lie `step` apart, so on each phase the convolution is a plain one.
    Axes that are no multiple of their step are padded with zeros.
    """
    missing = [-voxels % step for voxels, step in zip(x.shape[2:], steps, strict=True)]
    if any(missing):
        x = F.pad(x, [n for voxels in reversed(missing) for n in (0, voxels)])
    batch, channels, *voxels = x.shape
    (t, h, w), (st, sh, sw) = voxels, steps
    x = x.view(batch, channels, t // st, st, h // sh, sh, w // sw, sw)
    x = x.permute(0, 3, 5, 7, 1, 2, 4, 6)
    return x.reshape(batch * st * sh * sw, channels, t // st, h // sh, w // sw)


def _interleaved(phases: Tensor, steps: Sequence[int], shape: torch.Size) -> Tensor:
    """The inverse of `_phases`, cut to the voxels of `shape`."""
    channels, t, h, w = phases.shape[1:]
    (st, sh, sw), (frames, height, width) = steps, shape[2:]
    x = phases.view(-1, st, sh, sw, channels, t, h, w).permute(0, 4, 5, 1, 6, 2, 7, 3)
    return x.reshape(-1, channels, t * st, h * sh, w * sw)[:, :, :frames, :height, :width]


def _split(
    x: Tensor, weight: Tensor, groups: int, by_input: InputGradient, by_weight: WeightGradient
) -> Tensor:
    """A convolution with custom gradients for input and weight.

    Two autograd nodes, since autograd skips whole nodes only: a step of the architecture needs no
    gradient of the weight, and then the weight's node does not run.
    """
    token = _WeightNode.apply(weight, x.detach(), by_weight)
    return _InputNode.apply(x, token, weight.detach(), groups, by_input)


class _InputNode(torch.autograd.Function):
    """The convolution. The gradient of its result is also that of `token`, unchanged."""

    @staticmethod
    def forward(
        ctx: _InputContext,
        x: Tensor,
        token: Tensor,
        weight: Tensor,
        groups: int,
        by_input: InputGradient,
    ) -> Tensor:
        ctx.save_for_backward(weight)
        ctx.by_input = by_input
        return _same_conv(x, weight, groups)

    @staticmethod
    @once_differentiable
    def backward(ctx: _InputContext, grad: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        (weight,) = ctx.saved_tensors
        return ctx.by_input(grad, weight), grad, None, None, None


class _WeightNode(torch.autograd.Function):
    """Zeros that take no memory and carry the gradient of the result to the weight."""

    @staticmethod
    def forward(
        ctx: _WeightContext, weight: Tensor, x: Tensor, by_weight: WeightGradient
    ) -> Tensor:
        ctx.save_for_backward(x)
        ctx.shape, ctx.by_weight = weight.shape, by_weight
        return x.new_zeros(()).expand(len(x), len(weight), *x.shape[2:])

    @staticmethod
    @once_differentiable
    def backward(ctx: _WeightContext, grad: Tensor) -> tuple[Tensor, None, None]:
        (x,) = ctx.saved_tensors
        return ctx.by_weight(grad, x, ctx.shape), None, None


def _few_channels_input(grad: Tensor, weight: Tensor) -> Tensor:
    """The taps along T become channels of a (1, kH, kW) kernel; their shifted results add up."""
    flat = weight.transpose(1, 2).flatten(1, 2)[:, :, None]  # (C', kT·C, 1, kH, kW)
    taps, channels = weight.shape[2], weight.shape[1]
    batch, _, frames, *plane = grad.shape
    shape = (batch, taps * channels, frames, *plane)
    shifted = conv3d_input(shape, flat, grad.contiguous(), padding=_half(flat.shape))
    padded = grad.new_zeros(batch, channels, frames + taps - 1, *plane)
    for tap, part in enumerate(shifted.split(channels, 1)):
        padded.narrow(2, tap, frames).add_(part)
    return padded.narrow(2, taps // 2, frames)


def _few_channels_weight(grad: Tensor, x: Tensor, shape: torch.Size) -> Tensor:
    """`_few_channels_input` for the weight: the input, shifted along T, as channels."""
    out, channels, taps, *plane = shape
    padded = F.pad(x, (0, 0, 0, 0, taps // 2, taps // 2))
    shifted = torch.cat([padded.narrow(2, tap, x.shape[2]) for tap in range(taps)], 1)
    flat = (out, taps * channels, 1, *plane)
    result = conv3d_weight(shifted, flat, grad.contiguous(), padding=_half(flat))
    return result.view(out, taps, channels, *plane).transpose(1, 2)


def _dense_input(grad: Tensor, weight: Tensor) -> Tensor:
    shape = (len(grad), weight.shape[1], *grad.shape[2:])
    return conv3d_input(shape, weight, grad, padding=_half(weight.shape))


def _dense_weight(grad: Tensor, x: Tensor, shape: torch.Size) -> Tensor:
    """The one of channels last, which is faster where the channels do not fill oneDNN's blocks."""
    if x[0, 0].numel() <= VERY_FEW_VOXELS:
        return _few_channels_weight(grad, x, shape)
    return conv3d_weight(_channels_last(x), shape, _channels_last(grad), padding=_half(shape))


def _depthwise_input(grad: Tensor, weight: Tensor) -> Tensor:
    """A convolution with the kernel reversed, since oneDNN is fast at depthwise forward passes."""
    return _same_conv(_channels_last(grad), weight.flip(2, 3, 4), len(weight))


def _depthwise_weight(grad: Tensor, x: Tensor, shape: torch.Size) -> Tensor:
    """On few pixels by `_pixels_by_pixels`; else oneDNN's own, fast where all is channels last."""
    few = x[0, 0, 0].numel() <= FEW_PIXELS * shape[3:].numel()
    if few and not torch.compiler.is_compiling():  # Dynamo warns of cached functions
        return _pixels_by_pixels(grad, x, shape)
    return conv3d_weight(x, shape, _channels_last(grad), padding=_half(shape), groups=shape[0])


def _pixels_by_pixels(grad: Tensor, x: Tensor, shape: torch.Size) -> Tensor:
    """Sums of products of all pairs of pixels (P), added up by the tap that leads between them."""
    taps, plane = shape[2], x.shape[3:]
    batch, channels, frames = grad.shape[:3]
    ours = grad.flatten(3).permute(1, 3, 0, 2).reshape(channels, -1, batch * frames)
    theirs = x.flatten(3).transpose(0, 1).contiguous()
    padded = F.pad(theirs, (0, 0, taps // 2, taps // 2))
    moved = padded.unfold(2, frames, 1).permute(0, 1, 4, 2, 3)  # (C, B, T, kT, P)
    sums = ours @ moved.reshape(channels, batch * frames, -1)  # (C, P, kT·P)
    sums = sums.unflatten(2, (taps, -1)).transpose(1, 2).reshape(channels * taps, -1)
    return (sums @ _pairs_of_tap(plane, shape[3:], sums.dtype)).view(shape)


@lru_cache(maxsize=64)
def _pairs_of_tap(plane: torch.Size, taps: torch.Size, dtype: torch.dtype) -> Tensor:
    """(P·P, kH·kW): 1 where a tap leads from one pixel to the other, else 0."""
    between = _taps_between(torch.Size((1, *plane)), torch.Size((1, *taps)))
    return F.one_hot(between.flatten(), taps.numel() + 1)[:, :-1].to(dtype)


def _channels_last(x: Tensor) -> Tensor:
    """Where a channel alone makes a result, oneDNN computes many channels at a time so."""
    return x.contiguous(memory_format=torch.channels_last_3d)
