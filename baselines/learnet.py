"""LEARNet: four lateral columns over a dynamic image (Verma et al., IEEE TIP 2020)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines.weights import glorot_uniform

KERNELS = (1, 3, 5)
WIDTHS = (16, 32, 64)
"""Kernel and filters of the three convolutions of a column."""

NORM_EPSILON = 1e-3
"""Epsilon of Keras' batch norm."""


class LEARNet(nn.Module):
    """Dynamic images (B, 3, 112, 112), 0..1, to logits (B, classes)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.stem = SameConvolution(3, 16, 3)  # (B, 16, 56, 56)
        self.pairs = nn.ModuleList(ColumnPair() for _ in range(2))  # (B, 128, 7, 7) each
        self.join = nn.Sequential(_norm(256), SameConvolution(256, 256, 3))  # (B, 256, 4, 4)
        self.head = nn.Sequential(
            nn.Flatten(), nn.Linear(256 * 16, 256), nn.ReLU(), nn.Dropout(0.5)
        )
        self.classifier = nn.Linear(256, classes)
        glorot_uniform(self)

    def forward(self, images: Tensor) -> Tensor:
        """Images (B, 3, 112, 112) to logits (B, classes)."""
        shallow = self.stem(images)
        columns = torch.cat([pair(shallow) for pair in self.pairs], dim=1)  # (B, 256, 7, 7)
        return self.classifier(self.head(self.join(columns)))


class ColumnPair(nn.Module):
    """A plain and a lateral column: (B, 16, 56, 56) to (B, 128, 7, 7).

    After each convolution but the last the lateral column adds the plain column's features.
    """

    def __init__(self) -> None:
        super().__init__()
        self.plain = nn.ModuleList(_column())
        self.lateral = nn.ModuleList(_column())
        self.norms = nn.ModuleList(_norm(width) for width in WIDTHS[:-1])

    def forward(self, shallow: Tensor) -> Tensor:
        """(B, 16, 56, 56) to (B, 128, 7, 7)."""
        plain, lateral = shallow, shallow
        for step, norm in enumerate([*self.norms, None]):
            plain, lateral = self.plain[step](plain), self.lateral[step](lateral)
            if norm is not None:
                lateral = norm(plain + lateral)
        return torch.cat([plain, lateral], dim=1)


class SameConvolution(nn.Module):
    """Convolution of stride 2 and ReLU with Keras' "same" padding.

    The output has half the size, rounded up; an odd padding has its extra pixel at the end.
    """

    def __init__(self, channels: int, filters: int, kernel: int) -> None:
        super().__init__()
        self.kernel = kernel
        self.convolution = nn.Conv2d(channels, filters, kernel, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) to (B, filters, ⌈H/2⌉, ⌈W/2⌉)."""
        sides = (_same(size, self.kernel) for size in reversed(x.shape[2:]))
        return F.relu(self.convolution(F.pad(x, [pad for side in sides for pad in side])))


def _same(size: int, kernel: int) -> tuple[int, int]:
    """Padding before and after an axis for stride 2."""
    total = max((-(-size // 2) - 1) * 2 + kernel - size, 0)
    return total // 2, total - total // 2


def _column() -> list[SameConvolution]:
    inputs = (16, *WIDTHS[:-1])
    return [SameConvolution(*sizes) for sizes in zip(inputs, WIDTHS, KERNELS, strict=True)]


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=NORM_EPSILON)
