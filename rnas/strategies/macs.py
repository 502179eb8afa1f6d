"""Multiply-accumulates of what a network computes, counted while it computes."""

from __future__ import annotations

from math import prod
from types import TracebackType
from typing import Any, cast

import torch
from torch import Tensor, nn

from rnas.supernet import Supernet

COUNTED = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)

CLIPS = 2
"""Clips per counted pass: with one clip, a single voxel per channel has no batch statistics."""


class MacCounter:
    """Counts the forward passes of a network's convolutions and linear layers inside its block.

    total: their multiply-accumulates, over all clips of all batches.
    """

    def __init__(self, network: nn.Module) -> None:
        self.network = network
        self.total = 0

    def __enter__(self) -> MacCounter:
        modules = [module for module in self.network.modules() if isinstance(module, COUNTED)]
        self._handles = [module.register_forward_hook(self._count) for module in modules]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for handle in self._handles:
            handle.remove()

    def _count(self, module: nn.Module, inputs: Any, output: Tensor) -> None:
        self.total += output.numel() * _factors(module)


def _factors(module: nn.Module) -> int:
    """Products in one number of the result, over all taps, whether a supernet keeps them or not."""
    if isinstance(module, nn.Linear):
        return module.in_features
    convolution = cast("nn.Conv3d", module)
    return prod(convolution.kernel_size) * convolution.in_channels // convolution.groups


@torch.no_grad()
def macs_of(network: nn.Module, clip_shape: tuple[int, ...]) -> int:
    """Of one clip (C, T, H, W) in a forward pass.

    A supernet is counted in its reference evaluation. Costs a pass of two clips and leaves the
    network as it is.
    """
    device = next(network.parameters()).device
    clips = torch.zeros(CLIPS, *clip_shape, device=device)
    training = network.training
    with MacCounter(network) as counter:
        if isinstance(network, Supernet):
            network.mixed_by(network.architecture, clips)
        else:
            network.eval()(clips)
    network.train(training)
    return counter.total // CLIPS
