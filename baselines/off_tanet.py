"""Off-TANet: residual units, then three kinds of attention (Zhang et al., PRICAI 2021)."""

from __future__ import annotations

from math import cos, sin

import torch
from torch import Tensor, nn

SIDE = 14
"""Height and width of the maps under self-attention, from a 112×112 image."""

WIDTHS = (8, 18, 28, 8)
"""Channels after the stem, the two residual units and the enhanced one."""

HEADS = 4


class OffTANet(nn.Module):
    """Raw flow images (B, 3, 112, 112) to logits (B, classes)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        stem, first, second, last = WIDTHS
        self.features = nn.Sequential(
            nn.Conv2d(3, stem, 7, stride=2, padding=3),
            nn.ReLU(),
            nn.BatchNorm2d(stem),  # (B, 8, 56, 56)
            Residual(stem, first),  # (B, 18, 28, 28)
            Residual(first, second),  # (B, 28, 14, 14)
            EnhancedResidual(second, last),  # (B, 8, 7, 7)
            nn.Flatten(),
        )
        self.head = nn.Sequential(
            nn.Linear(last * (SIDE // 2) ** 2, 64),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(64, 64),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(64, classes),
        )

    def forward(self, flow: Tensor) -> Tensor:
        """Flow images (B, 3, 112, 112) to logits (B, classes)."""
        return self.head(self.features(flow))


class Residual(nn.Module):
    """Two 3×3 convolutions beside a 1×1 projection, then 2×2 maximum pooling."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.body = self._body(channels, width)
        self.projection = nn.Conv2d(channels, width, 1)
        self.pool = nn.MaxPool2d(2)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) to (B, width, H/2, W/2)."""
        return self.pool(self.projection(x) + self.body(x))

    @staticmethod
    def _body(channels: int, width: int) -> nn.Sequential:
        return nn.Sequential(_convolution(channels, width), _convolution(width, width))


class EnhancedResidual(Residual):
    """A residual unit with channel, spatial and self-attention between its convolutions."""

    @staticmethod
    def _body(channels: int, width: int) -> nn.Sequential:
        return nn.Sequential(
            _convolution(channels, channels),
            ChannelAttention(channels),
            SpatialAttention(),
            MultiHead(channels),
            _convolution(channels, width),
        )


class ChannelAttention(nn.Module):
    """Multiplies each channel by a gate: an MLP with one hidden unit on means and maxima."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gate = nn.Sequential(
            nn.Conv2d(channels, 1, 1, bias=False), nn.ReLU(), nn.Conv2d(1, channels, 1, bias=False)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        mean, most = x.mean(dim=(2, 3), keepdim=True), x.amax(dim=(2, 3), keepdim=True)
        return x * torch.sigmoid(self.gate(mean) + self.gate(most))


class SpatialAttention(nn.Module):
    """Multiplies each place by a gate: a convolution of mean and maximum over the channels."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Conv2d(2, 1, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        summary = torch.cat([x.mean(dim=1, keepdim=True), x.amax(dim=1, keepdim=True)], dim=1)
        return x * torch.sigmoid(self.gate(summary))


class MultiHead(nn.Module):
    """Four heads of a quarter of the channels each, concatenated."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.heads = nn.ModuleList(MapAttention(channels, channels // HEADS) for _ in range(HEADS))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, S, S) to the same shape."""
        return torch.cat([head(x) for head in self.heads], dim=1)


class MapAttention(nn.Module):
    """Self-attention as the released code has it, on the maps as matrices.

    The scores of a channel are the matrix product of its query and key maps, with a fixed position
    code added to the key. Their softmax over all places multiplies the value map element by
    element: there is no sum over places.
    """

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.query = nn.Conv2d(channels, width, 1)
        self.key = nn.Conv2d(channels, width, 1)
        self.value = nn.Conv2d(channels, width, 1)
        self.register_buffer("position", positions(SIDE), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, S, S) to (B, width, S, S)."""
        keys = self.key(x) + self.position
        scores = torch.matmul(self.query(x), keys.transpose(2, 3))  # (B, C, S, S)
        weights = scores.flatten(2).softmax(dim=2).view_as(scores)
        return weights * self.value(x)


def positions(side: int) -> Tensor:
    """Fixed position code, (side, side): a code of the row plus the same code of the column.

    Sines and cosines of one radian over powers of 10000.
    """
    waves = (sin, cos)
    code = torch.tensor([waves[i % 2](10000 ** -(i // 2 / side)) for i in range(side)])
    return code[:, None] + code[None, :]


def _convolution(channels: int, width: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU())
