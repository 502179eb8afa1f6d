"""CapsuleNet: a residual trunk and two layers of capsules on the apex frame.

Van Quang, Chun, Tokuyama: CapsuleNet for Micro-Expression Recognition, FG 2019.
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines.weights import kaiming_fan_out
from rnas.errors import MethodError

STAGES = (64, 128, 256)
"""Channels of the first three stages of ResNet-18; the fourth is left out."""

CAPSULES, CAPSULE_WIDTH = 32 * 6 * 6, 8
CLASS_CAPSULE_WIDTH = 16
ROUTINGS = 3
INITIAL_DEVIATION = 0.01


class CapsuleNet(nn.Module):
    """Apex frames (B, 3, 224, 224), RGB 0..1, to the lengths of the class capsules (B, classes).

    weights: a file with the state of a ResNet-18 as torchvision names its entries, for the trunk;
    empty: the trunk starts at random. Raises MethodError for a file that holds no such state.
    """

    def __init__(self, classes: int, weights: str = "") -> None:
        super().__init__()
        self.trunk = Trunk()  # (B, 256, 28, 28)
        self.convolution = nn.Sequential(nn.Conv2d(STAGES[-1], 256, 9), nn.ReLU())  # 20×20
        self.primary = nn.Conv2d(256, 256, 9, stride=2)  # 6×6
        self.routing = RoutedCapsules(classes)
        kaiming_fan_out(self.trunk)
        if weights:
            load_trunk(self.trunk, Path(weights))

    def forward(self, frames: Tensor) -> Tensor:
        """Lengths of the class capsules, (B, classes), of frames (B, 3, 224, 224)."""
        maps = self.primary(self.convolution(self.trunk(frames)))  # (B, 256, 6, 6)
        return self.routing(capsules_of(maps)).norm(dim=2)


class RoutedCapsules(nn.Module):
    """Class capsules (B, classes, 16) from N capsules (B, N, 8), by dynamic routing.

    The routing weights carry no gradient; the last pass, which uses them, does. They are (B,
    classes, N) and sum to 1 along `axis`: 1, the classes, or 2, the capsules.
    """

    def __init__(self, classes: int, count: int = CAPSULES, axis: int = 1) -> None:
        super().__init__()
        self.axis = axis
        sizes = (classes, count, CLASS_CAPSULE_WIDTH, CAPSULE_WIDTH)
        self.weight = nn.Parameter(INITIAL_DEVIATION * torch.randn(sizes))

    def forward(self, capsules: Tensor) -> Tensor:
        """Capsules (B, N, 8) to class capsules (B, classes, 16)."""
        votes = self._votes(capsules)  # (B, classes, N, 16)
        fixed = votes.detach()
        agreement = fixed.new_zeros(fixed.shape[:3])
        for _ in range(ROUTINGS - 1):
            joined = self._joined(agreement, fixed)  # (B, classes, 16)
            agreement = agreement + (joined[:, :, None] * fixed).sum(3)
        return self._joined(agreement, votes)

    def _votes(self, capsules: Tensor) -> Tensor:
        """Each capsule times its own matrix for each class: (B, classes, N, 16)."""
        classes, count, width, _ = self.weight.shape
        matrices = self.weight.permute(1, 3, 0, 2).flatten(2)  # (N, 8, classes·16)
        votes = torch.bmm(capsules.transpose(0, 1), matrices)  # (N, B, classes·16)
        return votes.view(count, -1, classes, width).permute(1, 2, 0, 3)

    def _joined(self, agreement: Tensor, votes: Tensor) -> Tensor:
        """Class capsules: the votes summed, with weights that are a softmax of the agreement."""
        shares = agreement.softmax(dim=self.axis)
        return squash((shares[:, :, :, None] * votes).sum(2))


def capsules_of(maps: Tensor) -> Tensor:
    """Maps (B, C, H, W) as capsules (B, H·W·C / 8, 8), eight channels of a place each."""
    return squash(maps.permute(0, 2, 3, 1).reshape(maps.shape[0], -1, CAPSULE_WIDTH))


def squash(vectors: Tensor) -> Tensor:
    """Vectors along the last axis, scaled from length n to length n²/(1 + n²)."""
    length = vectors.norm(dim=-1, keepdim=True)
    return vectors * (length.square() / (1 + length.square()) / (length + 1e-8))


class Trunk(nn.Module):
    """ResNet-18 up to its third stage, without the pooling: (B, 3, 224, 224) to (B, 256, 28, 28).

    Attributes have torchvision's names, so that the state_dict of its ResNet-18 fits.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, STAGES[0], 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(STAGES[0])
        self.layer1 = stage(STAGES[0], STAGES[0], 1)
        self.layer2 = stage(STAGES[0], STAGES[1], 2)
        self.layer3 = stage(STAGES[1], STAGES[2], 2)

    def forward(self, frames: Tensor) -> Tensor:
        """Frames (B, 3, 224, 224) to maps (B, 256, 28, 28)."""
        return self.stages(F.relu(self.bn1(self.conv1(frames))))

    def stages(self, x: Tensor) -> Tensor:
        """(B, 64, H, W) to (B, 256, H / 4, W / 4)."""
        return self.layer3(self.layer2(self.layer1(x)))


class BasicBlock(nn.Module):
    """Two 3×3 convolutions beside a shortcut."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = nn.Sequential()
        if stride > 1 or channels != width:
            shortcut = nn.Conv2d(channels, width, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) to (B, width, H / stride, W / stride)."""
        inner = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(inner)) + self.downsample(x))


def load_trunk(trunk: Trunk, file: Path) -> None:
    """Loads a ResNet-18 state into the trunk; entries of layers that it lacks are ignored.

    Raises MethodError where the file is missing, holds no state, or lacks entries of the trunk.
    """
    try:
        if not file.is_file():  # opening a pipe would wait for its writer
            raise OSError("there is no such file")
        state = torch.load(file, map_location="cpu", weights_only=True)
        wanted = trunk.state_dict()
        trunk.load_state_dict(OrderedDict((name, state[name]) for name in wanted))
    except Exception as error:  # what torch.load raises for a bad file has no common class
        reason = (str(error).splitlines() or [""])[0]
        raise MethodError(
            f"weights {file}: {type(error).__name__} {reason}; expected the state of torchvision's "
            "ResNet-18, saved by torch.save"
        ) from error


def stage(channels: int, width: int, stride: int) -> nn.Sequential:
    """Two blocks of a residual network, the first of which has the stride."""
    return nn.Sequential(BasicBlock(channels, width, stride), BasicBlock(width, width, 1))
