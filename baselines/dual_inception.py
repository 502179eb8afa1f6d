"""Dual-Inception: two inception blocks per flow component (Zhou, Mao, Xue, FG 2019)."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from baselines.weights import glorot_uniform

FILTERS = (6, 16)
"""Filters of each branch of the first and of the second block."""

FEATURES = 4 * FILTERS[1] * 7 * 7
"""Features of one stream, from a 28×28 component."""

HIDDEN = 1024


class DualInception(nn.Module):
    """Flow components u, v (B, 2, 28, 28), 0..1, to logits (B, classes)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.streams = nn.ModuleList(_stream() for _ in range(2))
        self.head = nn.Sequential(
            nn.Linear(2 * FEATURES, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, classes)
        )
        glorot_uniform(self)

    def forward(self, flow: Tensor) -> Tensor:
        """Flow (B, 2, 28, 28) to logits (B, classes)."""
        pictures = [component.expand(-1, 3, -1, -1) for component in flow.split(1, dim=1)]
        streams = zip(self.streams, pictures, strict=True)
        return self.head(torch.cat([stream(picture) for stream, picture in streams], dim=1))


class Inception(nn.Module):
    """Four branches joined: 1×1; 1×1 then 3×3; 1×1 then 5×5; maximum over 3×3 then 1×1."""

    def __init__(self, channels: int, filters: int) -> None:
        super().__init__()
        narrow = partial(_convolution, channels, filters, 1)
        self.branches = nn.ModuleList(
            [
                narrow(),
                nn.Sequential(narrow(), _convolution(filters, filters, 3)),
                nn.Sequential(narrow(), _convolution(filters, filters, 5)),
                nn.Sequential(nn.MaxPool2d(3, 1, padding=1), narrow()),
            ]
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) to (B, 4·filters, H, W)."""
        return torch.cat([branch(x) for branch in self.branches], dim=1)


def _stream() -> nn.Sequential:
    """The layers of one flow component, which enters as an image of three equal channels."""
    return nn.Sequential(
        Inception(3, FILTERS[0]),
        nn.MaxPool2d(2),
        Inception(4 * FILTERS[0], FILTERS[1]),
        nn.MaxPool2d(2),
        nn.Flatten(),
    )


def _convolution(channels: int, filters: int, kernel: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, filters, kernel, padding=kernel // 2), nn.ReLU())
