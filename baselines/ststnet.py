"""STSTNet: three shallow streams over one flow image (Liong et al., FG 2019)."""

from __future__ import annotations

from torch import Tensor, nn

STREAMS = (3, 5, 8)
"""Filters of each stream."""

MAP = 5
"""Height and width of the joined map of a 28×28 image."""


class STSTNet(nn.Module):
    """Flow images (B, 3, 28, 28), 0..255, to logits (B, classes).

    The three streams differ only in their number of filters, see the same image and never mix
    filters, so one convolution with all 16 filters computes the same and takes less time.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        filters = sum(STREAMS)
        self.streams = nn.Sequential(
            nn.Conv2d(3, filters, 3, padding=2),  # to 30×30, as in the PyTorch release
            nn.ReLU(),
            nn.BatchNorm2d(filters),
            nn.MaxPool2d(3, stride=3, padding=1),  # (B, 16, 10, 10)
            nn.Dropout(0.5),
        )
        self.pool = nn.AvgPool2d(2)
        self.head = nn.Linear(filters * MAP * MAP, classes)

    def forward(self, flow: Tensor) -> Tensor:
        """Flow images (B, 3, 28, 28) to logits (B, classes)."""
        return self.head(self.pool(self.streams(flow)).flatten(1))
