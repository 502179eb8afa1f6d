"""A plain 3D network as control, ours: residual blocks of convolutions in space, then in time.

A small one after R(2+1)D (Tran et al., "A Closer Look at Spatiotemporal Convolutions", CVPR 2018).
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from baselines.weights import kaiming_fan_out

WIDTHS = (16, 32, 64, 128)
"""Channels of the stages; all but the first halve height, width and frames."""


class SmallR2Plus1D(nn.Module):
    """Clips (B, 3, T, H, W) to logits (B, classes)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.stem = _spatial_then_temporal(3, WIDTHS[0], (1, 2, 2))
        widths = (WIDTHS[0], *WIDTHS)
        self.stages = nn.Sequential(
            *(
                Block(channels, width, 1 if channels == width else 2)
                for channels, width in zip(widths, WIDTHS, strict=False)
            )
        )
        self.head = nn.Linear(WIDTHS[-1], classes)
        kaiming_fan_out(self)

    def forward(self, clips: Tensor) -> Tensor:
        """Clips (B, 3, T, H, W) to logits (B, classes)."""
        features = self.stages(F.relu(self.stem(clips)))
        return self.head(features.mean(dim=(2, 3, 4)))


class Block(nn.Module):
    """Two spatial-then-temporal convolutions beside a shortcut."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.first = _spatial_then_temporal(channels, width, (stride,) * 3)
        self.second = _spatial_then_temporal(width, width, (1, 1, 1))
        self.shortcut = nn.Sequential()
        if stride > 1:
            projection = nn.Conv3d(channels, width, 1, stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm3d(width))

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, T, H, W) to (B, width, T, H, W), each axis divided by the stride."""
        return F.relu(self.second(F.relu(self.first(x))) + self.shortcut(x))


def _spatial_then_temporal(
    channels: int, width: int, stride: tuple[int, int, int]
) -> nn.Sequential:
    """1×3×3, then 3×1×1, both followed by batch norm."""
    time, height, breadth = stride
    return nn.Sequential(
        nn.Conv3d(channels, width, (1, 3, 3), (1, height, breadth), (0, 1, 1), bias=False),
        nn.BatchNorm3d(width),
        nn.ReLU(),
        nn.Conv3d(width, width, (3, 1, 1), (time, 1, 1), (1, 0, 0), bias=False),
        nn.BatchNorm3d(width),
    )
