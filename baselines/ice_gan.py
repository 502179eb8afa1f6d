"""ICE-GAN's classifier: patch convolutions under spectral norm and capsules on the apex frame.

Yu, Zhang, Song, Cai: ICE-GAN: Identity-aware and Capsule-Enhanced GAN with Graph-based Reasoning
for Micro-Expression Recognition and Synthesis, IJCNN 2021. Of its discriminator these are the parts
that answer; the generator, the capsule that tells its images from real ones, and the decoder that
draws an image from the class capsules are left out.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from baselines.capsulenet import RoutedCapsules, capsules_of
from baselines.grey import LUMINANCE

INITIAL_DEVIATION = 0.02
CAPSULES = 8 * 8 * 16
OVER_CAPSULES = 2
"""The axis along which the routing weights sum to 1, as in the released code."""


class ICEGANClassifier(nn.Module):
    """Apex frames (B, 3, 128, 128), RGB 0..1, to the lengths of the class capsules (B, classes).

    The network sees grey frames: it takes the luminance itself.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.patches = nn.Sequential(
            _convolution(1, 64, 4, stride=2),
            nn.LeakyReLU(0.2),
            *_normed(64, 128, stride=2),
            *_normed(128, 256, stride=2),  # (B, 256, 16, 16)
            *_normed(256, 512),
            *_normed(512, 512, bias=True),  # (B, 512, 14, 14)
            _convolution(512, 64, 1, stride=2),
            _convolution(64, 128, 1, padding=0),  # (B, 128, 8, 8)
        )
        self.routing = RoutedCapsules(classes, CAPSULES, OVER_CAPSULES)

    def forward(self, frames: Tensor) -> Tensor:
        """Lengths of the class capsules, (B, classes), of frames (B, 3, 128, 128)."""
        grey = (frames * frames.new_tensor(LUMINANCE).view(3, 1, 1)).sum(1, keepdim=True)
        return self.routing(capsules_of(self.patches(grey))).norm(dim=2)


def _normed(channels: int, width: int, stride: int = 1, bias: bool = False) -> list[nn.Module]:
    norm = nn.BatchNorm2d(width)
    nn.init.normal_(norm.weight, 1, INITIAL_DEVIATION)
    convolution = _convolution(channels, width, 4, stride, bias=bias)
    return [convolution, norm, nn.LeakyReLU(0.2)]


def _convolution(
    channels: int, width: int, size: int, stride: int = 1, padding: int = 1, bias: bool = True
) -> nn.Module:
    """A convolution whose kernel, as a matrix, has largest singular value 1."""
    layer = nn.Conv2d(channels, width, size, stride, padding, bias=bias)
    nn.init.normal_(layer.weight, std=INITIAL_DEVIATION)
    return spectral_norm(layer)
