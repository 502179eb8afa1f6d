"""OFF-ApexNet: one convolutional stream per flow component (Gan et al., SPIC 2019)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

FEATURES = 16 * 7 * 7
"""Features of one stream, from a 28×28 component."""

HIDDEN = 1024


class OffApexNet(nn.Module):
    """Flow components u, v (B, 2, 28, 28) to logits (B, classes)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.streams = nn.ModuleList(_stream() for _ in range(2))
        self.head = nn.Sequential(
            nn.Linear(2 * FEATURES, HIDDEN),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(HIDDEN, HIDDEN),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(HIDDEN, classes),
        )

    def forward(self, flow: Tensor) -> Tensor:
        """Flow (B, 2, 28, 28) to logits (B, classes)."""
        components = flow.split(1, dim=1)
        streams = zip(self.streams, components, strict=True)
        return self.head(torch.cat([stream(component) for stream, component in streams], dim=1))


def _stream() -> nn.Sequential:
    """The layers of one flow component; as in the port, no activation follows a convolution."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5, padding=2),
        nn.MaxPool2d(2),
        nn.Flatten(),
    )
