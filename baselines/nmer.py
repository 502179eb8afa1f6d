"""NMER, also EMR: a residual network on coloured optical flow, brows and mouth apart.

Liu, Du, Zheng, Gedeon: A Neural Micro-Expression Recognizer, FG 2019.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines.capsulenet import STAGES, Trunk, load_trunk, stage
from baselines.weights import glorot_normal, kaiming_fan_out

LAST_STAGE = 512
"""Channels of the fourth stage of ResNet-18."""

UPPER = 3
"""Rows of the last map, of 7, that are of brows and eyes; the others are of nose and mouth."""

FEATURES = 64
"""Of each half of the face."""


class NMER(nn.Module):
    """Colours of the flow (B, 3, 224, 224), 0..1, to logits (B, classes); in training of 3 heads.

    The heads see both halves of the face, the upper and the lower; answers are those of the first.
    weights: as of `CapsuleNet`. The released network's discriminator, which tells the macro-
    expressions of CK+ from micro-expressions, has nothing to tell apart here and is left out.
    """

    def __init__(self, classes: int, weights: str = "") -> None:
        super().__init__()
        self.trunk = ResNet18()
        self.upper, self.lower = _half(), _half()
        self.heads = nn.ModuleList(
            nn.Linear(features, classes) for features in (2 * FEATURES, FEATURES, FEATURES)
        )
        kaiming_fan_out(self.trunk)
        glorot_normal(self)
        if weights:
            load_trunk(self.trunk, Path(weights))

    def forward(self, flow: Tensor) -> Tensor:
        """Images (B, 3, 224, 224) to (B, classes), in training (B, classes, 3)."""
        maps = self.trunk(2 * flow - 1)  # (B, 512, 7, 7)
        upper = self.upper(maps[:, :, :UPPER].mean((2, 3)))
        lower = self.lower(maps[:, :, UPPER:].mean((2, 3)))
        seen = (torch.cat([upper, lower], dim=1), upper, lower)
        if not self.training:
            return self.heads[0](seen[0])
        logits = [head(features) for head, features in zip(self.heads, seen, strict=True)]
        return torch.stack(logits, dim=2)


class ResNet18(Trunk):
    """The whole ResNet-18 without its head: (B, 3, 224, 224) to (B, 512, 7, 7)."""

    def __init__(self) -> None:
        super().__init__()
        self.layer4 = stage(STAGES[-1], LAST_STAGE, 2)

    def forward(self, frames: Tensor) -> Tensor:
        """Frames (B, 3, 224, 224) to maps (B, 512, 7, 7)."""
        x = F.relu(self.bn1(self.conv1(frames)))
        return self.layer4(self.stages(F.max_pool2d(x, 3, stride=2, padding=1)))


def _half() -> nn.Sequential:
    return nn.Sequential(nn.Linear(LAST_STAGE, FEATURES), nn.Tanh(), nn.Dropout(0.1))
