"""Spatio-temporal attention ST, Eq. 4."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rnas.errors import MethodError
from rnas.resample import VOXELS

REDUCTION = 4
"""Channels per hidden unit of the MLP (at least one unit). Not published."""


class Attention(nn.Module):
    """A channel gate M_c and a spatial gate M_s, computed from mean and maximum of F.

    Eq. 4 as printed adds the gates and never multiplies F by them, so the features themselves
    would be lost. Forms: `gated` F ⊙ (M_c + M_s); `literal` M_c + M_s, as printed; `cbam` the two
    gates one after the other, as in CBAM (Woo et al., 2018). (B, C, T, H, W) -> same shape.
    """

    def __init__(self, channels: int, form: str) -> None:
        super().__init__()
        hidden = hidden_units(channels)
        self.mlp = nn.Sequential(
            nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, channels)
        )
        self.spatial = nn.Conv3d(2, 1, (1, 7, 7), padding=(0, 3, 3), bias=False)
        self.form = form

    def forward(self, x: Tensor) -> Tensor:
        """x: F, (B, C, T, H, W); MethodError for an unknown form."""
        channel = self.channel_gate(x)
        if self.form == "gated":
            return x * (channel + self.spatial_gate(x))
        if self.form == "literal":
            return channel + self.spatial_gate(x)
        if self.form == "cbam":
            x = x * channel
            return x * self.spatial_gate(x)
        raise MethodError(f"attention form {self.form!r}: expected gated, literal or cbam")

    def channel_gate(self, x: Tensor) -> Tensor:
        """M_c = σ(MLP(mean) + MLP(max)) over T, H, W: (B, C, 1, 1, 1)."""
        pooled = self.mlp(x.mean(VOXELS)) + self.mlp(x.amax(VOXELS))  # (B, C)
        return torch.sigmoid(pooled)[:, :, None, None, None]

    def spatial_gate(self, x: Tensor) -> Tensor:
        """M_s = σ(Conv 7×7 [mean over C; max over C]), frame by frame: (B, 1, T, H, W)."""
        pooled = torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], dim=1)
        return torch.sigmoid(self.spatial(pooled))


def hidden_units(channels: int) -> int:
    """Hidden units of the MLP for so many channels."""
    return max(channels // REDUCTION, 1)


def attention_parameters(channels: int) -> int:
    """Trainable parameters of `Attention` at C channels: the MLP with biases, the 7×7 kernel."""
    hidden = hidden_units(channels)
    return 2 * channels * hidden + hidden + channels + 2 * 7 * 7
