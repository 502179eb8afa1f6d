"""RCN-A, -S, -W and -F: recurrent convolutions with attention that has no weights of its own.

Xia et al., "Revealing the Invisible with Model and Data Shrinking for Composite-Database
Micro-Expression Recognition", IEEE TIP 2020.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines.weights import kaiming_fan_out, small_normal

MAPS = 64
"""F: feature maps of every layer."""

POOLED = 7
"""P: height and width of the maps before the classifier."""

SMALLEST = 1e-8
"""Avoids a division by zero in the attention where a map is constant."""


class RCN(nn.Module):
    """Flow images (B, 3, 60, 60), 0..1, to logits (B, classes): a stem, a block, a classifier."""

    def __init__(self, stem: nn.Module, block: nn.Module, classes: int) -> None:
        super().__init__()
        self.stem = stem
        self.block = block
        self.pool = nn.AdaptiveAvgPool2d(POOLED)
        self.classifier = nn.Linear(MAPS * POOLED * POOLED, classes)
        kaiming_fan_out(self)
        small_normal(self.classifier)

    def forward(self, flow: Tensor) -> Tensor:
        """Flow images (B, 3, 60, 60) to logits (B, classes)."""
        features = self.pool(self.block(self.stem(flow)))  # (B, F, P, P)
        return self.classifier(features.flatten(1))


class RCNA(RCN):
    """Recurrent block; attention computed from the stem multiplies the block's features."""

    def __init__(self, classes: int) -> None:
        super().__init__(_plain_stem(), RecurrentBlock(), classes)

    def forward(self, flow: Tensor) -> Tensor:
        """Flow images (B, 3, 60, 60) to logits (B, classes)."""
        shallow = self.stem(flow)
        attention = class_attention(self.pool(shallow), self.classifier.weight)
        features = self.pool(self.block(shallow)) * attention  # (B, F, P, P)
        return self.classifier(features.flatten(1))


class RCNS(RCN):
    """Dense shortcuts. Its second 3×3 convolution is never used, as in the released code."""

    def __init__(self, classes: int) -> None:
        super().__init__(_plain_stem(), DenseBlock(), classes)
        self.block.unused = _convolution(3)
        kaiming_fan_out(self.block.unused)


class RCNW(RCN):
    """Wide stem of three dilations, recurrent block."""

    def __init__(self, classes: int) -> None:
        super().__init__(WideStem(), RecurrentBlock(), classes)


class RCNF(RCN):
    """Wide stem; dense block whose first features are multiplied by the attention."""

    def __init__(self, classes: int) -> None:
        super().__init__(WideStem(), DenseBlock(), classes)

    def forward(self, flow: Tensor) -> Tensor:
        """Flow images (B, 3, 60, 60) to logits (B, classes)."""
        shallow = self.stem(flow)
        attention = class_attention(self.pool(shallow), self.classifier.weight)
        attention = F.interpolate(attention, shallow.shape[2:])  # nearest, (B, 1, H, W)
        features = self.pool(self.block(shallow, attention))
        return self.classifier(features.flatten(1))


def class_attention(features: Tensor, weight: Tensor) -> Tensor:
    """Class activation maps, averaged over the classes: (B, F, P, P) to (B, 1, P, P), in 0..1.

    Per class the features times the class's row of the classifier's `weight` (classes, F·P·P),
    averaged over the maps and rescaled to 0..1; then the mean over the classes. The gradient
    reaches the classifier.
    """
    rows = weight.reshape(len(weight), *features.shape[1:])  # (classes, F, P, P)
    maps = (features[:, None] * rows).mean(dim=2)  # (B, classes, P, P)
    maps = maps - maps.amin(dim=(2, 3), keepdim=True)
    maps = maps / maps.amax(dim=(2, 3), keepdim=True).clamp(min=SMALLEST)
    return maps.mean(dim=1, keepdim=True)


class _SharedConvolution(nn.Module):
    """The layers of a block that applies one 3×3 convolution several times."""

    def __init__(self) -> None:
        super().__init__()
        self.first = _convolution(1)
        self.shared = _convolution(3)
        self.shrink = nn.Sequential(nn.MaxPool2d(2), nn.Dropout(0.5))


class RecurrentBlock(_SharedConvolution):
    """One shared 3×3 convolution, applied twice to input plus state."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, F, H, W) to (B, F, H/2, W/2)."""
        state = self.first(x)
        for _ in range(2):
            state = self.shared(x + state)
        return self.shrink(state)


class DenseBlock(_SharedConvolution):
    """One shared 3×3 convolution, applied three times to the sum of all that came before."""

    def forward(self, x: Tensor, attention: Tensor | None = None) -> Tensor:
        """(B, F, H, W) to (B, F, H/2, W/2); attention: (B, 1, H, W), times the first features."""
        first = self.first(x)
        total = x + (first if attention is None else first * attention)
        for _ in range(2):
            total = total + self.shared(total)
        return self.shrink(self.shared(total))


class WideStem(nn.Module):
    """Three convolutions of stride 3 with dilations 1, 2, 3, joined: (B, 3, H, W) to a third."""

    def __init__(self) -> None:
        super().__init__()
        widths = (MAPS // 2, MAPS // 4, MAPS // 4)
        self.streams = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(3, width, 3, stride=3, padding=dilation, dilation=dilation),
                nn.ReLU(),
                nn.BatchNorm2d(width),
                nn.Dropout(0.5),
            )
            for dilation, width in enumerate(widths, start=1)
        )

    def forward(self, flow: Tensor) -> Tensor:
        """Flow images (B, 3, H, W) to (B, F, H/3, W/3)."""
        return torch.cat([stream(flow) for stream in self.streams], dim=1)


def _plain_stem() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, MAPS, 5), nn.BatchNorm2d(MAPS), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.5)
    )


def _convolution(kernel: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(MAPS, MAPS, kernel, padding=kernel // 2), nn.BatchNorm2d(MAPS), nn.ReLU()
    )
