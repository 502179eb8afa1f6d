"""STSTNet: three shallow streams over one flow image (Liong et al., FG 2019)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

STREAMS = (3, 5, 8)
"""Filters of each stream."""

MAP = 5
"""Height and width of the joined map of a 28×28 image."""


class STSTNet(nn.Module):
    """Flow images (B, 3, 28, 28), 0..255, to logits (B, classes)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.streams = nn.ModuleList(_stream(filters) for filters in STREAMS)
        self.pool = nn.AvgPool2d(2)
        self.head = nn.Linear(sum(STREAMS) * MAP * MAP, classes)

    def forward(self, flow: Tensor) -> Tensor:
        joined = torch.cat([stream(flow) for stream in self.streams], dim=1)  # (B, 16, 10, 10)
        return self.head(self.pool(joined).flatten(1))


def _stream(filters: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, filters, 3, padding=2),  # the map grows to 30×30, as in the PyTorch release
        nn.ReLU(),
        nn.BatchNorm2d(filters),
        nn.MaxPool2d(3, stride=3, padding=1),
        nn.Dropout(0.5),
    )
