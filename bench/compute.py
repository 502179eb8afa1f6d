"""How a network is computed in training: precision, memory format, compilation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from bench.config import ComputeConfig

Evaluate = Callable[[Tensor], Tensor]
"""Clips (B, C, T, H, W), or stills (B, C, S, S) -> logits (B, classes), float32."""


def accelerated(network: nn.Module, settings: ComputeConfig) -> Evaluate:
    """The network's forward pass under these settings. The parameters stay the network's own.

    Networks with 2D convolutions stay as they are: channels_last_3d is a format of clips.
    """
    volumes = settings.channels_last and not any(p.dim() == 4 for p in network.parameters())
    if volumes:
        network.to(memory_format=torch.channels_last_3d)
    compiled = settings.compile != "off"
    forward = torch.compile(network, mode=settings.compile) if compiled else network

    def evaluate(clips: Tensor) -> Tensor:
        if volumes and clips.dim() == 5:
            clips = clips.contiguous(memory_format=torch.channels_last_3d)
        half = settings.precision == "bf16"
        with torch.autocast(clips.device.type, torch.bfloat16, enabled=half):
            return forward(clips).float()

    return evaluate


@contextmanager
def float32_arithmetic(precision: str) -> Iterator[None]:
    """Inside the block a GPU's float32 products are exact, or with `tf32` rounded to TF32.

    torch allows TF32 in convolutions unless told otherwise.
    """
    places = (torch.backends.cuda.matmul, torch.backends.cudnn.conv)
    before = [place.fp32_precision for place in places]
    try:
        for place in places:
            place.fp32_precision = "tf32" if precision == "tf32" else "ieee"
        yield
    finally:
        for place, value in zip(places, before, strict=True):
            place.fp32_precision = value


@contextmanager
def threads(number: int | None) -> Iterator[None]:
    """torch on so many threads of the CPU inside the block; None leaves it as it is."""
    before = torch.get_num_threads()
    torch.set_num_threads(number or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
