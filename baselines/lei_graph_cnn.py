"""Graph-CNN: facial patches joined with action units (AU).

Lei et al., "Micro-expression Recognition Based on Facial Graph Representation Learning and Facial
Action Unit Fusion", CVPR Workshops 2021.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines.weights import small_normal
from rnas.errors import MethodError

PATCHES, PIXELS = 30, 7 * 7
BROW_PATCHES = 10
"""The first patches are those of the eyebrows, the others those of the mouth."""

BROW_UNITS, MOUTH_UNITS = 3, 6
"""How many AUs: 1, 2, 4 of the brows and 10, 12, 14, 15, 17, 25 of the mouth."""

UNITS = BROW_UNITS + MOUTH_UNITS
UNIT_WIDTHS = (40, 80, 160)
"""Width of an AU's embedding, and after each graph convolution."""

LAYERS, HEADS, HEAD_WIDTH, HIDDEN = 6, 8, 16, 128
DROPOUT, ATTENTION_DROPOUT, EPSILON = 0.5, 0.1, 1e-6

CO_OCCURRENCE = 1 / UNITS
"""Assumed for every pair of AUs, since the harness gives networks no AU labels to count."""

DEPTHS = ("released", "described")


class LeiGraphCNN(nn.Module):
    """Landmark patches (B, 30, 7, 7) to logits (B, classes).

    depth: `released`, as the public code computes it (there every layer of an encoder reads the
    patches themselves, so that only the last layer has an effect), or `described`, all six in turn.
    Raises MethodError for another depth.
    """

    def __init__(self, classes: int, depth: str = "released") -> None:
        super().__init__()
        if depth not in DEPTHS:
            raise MethodError(f"depth={depth!r}; expected one of {', '.join(DEPTHS)}")
        self.stem = nn.Sequential(
            nn.Conv2d(PATCHES, PATCHES, 3, padding=1, groups=PATCHES),
            nn.BatchNorm2d(PATCHES),
            nn.ReLU(),
        )
        self.brows = Region(BROW_PATCHES, depth)
        self.mouth = Region(PATCHES - BROW_PATCHES, depth)
        self.units = UnitGraph()
        self.norm = nn.LayerNorm(UNITS, eps=EPSILON)
        self.head = nn.Linear(UNITS, classes)

    def forward(self, patches: Tensor) -> Tensor:
        """Patches (B, 30, 7, 7) to logits (B, classes)."""
        tokens = self.stem(patches).flatten(2)  # (B, 30, 49)
        brows, mouth = tokens.split([BROW_PATCHES, PATCHES - BROW_PATCHES], dim=1)
        brow_units, mouth_units = self.units().split([BROW_UNITS, MOUTH_UNITS])
        products = [
            torch.matmul(self.brows(brows), brow_units.t()),  # (B, 3)
            torch.matmul(self.mouth(mouth), mouth_units.t()),  # (B, 6)
        ]
        return self.head(self.norm(torch.cat(products, dim=1)))


class Region(nn.Module):
    """The patches of a region (B, N, 49) as one vector (B, 160)."""

    def __init__(self, patches: int, depth: str) -> None:
        super().__init__()
        self.layers = nn.ModuleList(EncoderLayer() for _ in range(LAYERS))
        self.first_used = LAYERS - 1 if depth == "released" else 0
        self.summary = nn.Sequential(
            nn.Flatten(),
            nn.Linear(patches * PIXELS, 320),
            nn.ReLU(),
            nn.Dropout(DROPOUT),
            nn.Linear(320, UNIT_WIDTHS[-1]),
            nn.ReLU(),
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, N, 49) to (B, 160)."""
        for layer in self.layers[self.first_used :]:
            tokens = layer(tokens)
        return self.summary(tokens)


class EncoderLayer(nn.Module):
    """A transformer's encoder layer, normalised after each sum: (B, N, 49) to the same shape."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = Attention()
        self.attention_norm = nn.LayerNorm(PIXELS, eps=EPSILON)
        self.feed_forward = nn.Sequential(
            nn.Linear(PIXELS, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, PIXELS), nn.Dropout(DROPOUT)
        )
        self.feed_forward_norm = nn.LayerNorm(PIXELS, eps=EPSILON)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, N, 49) to the same shape."""
        tokens = self.attention_norm(tokens + self.attention(tokens))
        return self.feed_forward_norm(tokens + self.feed_forward(tokens))


class Attention(nn.Module):
    """Eight heads, no biases; as matrix products, which every MAC counter can count."""

    def __init__(self) -> None:
        super().__init__()
        width = HEADS * HEAD_WIDTH
        self.query = nn.Linear(PIXELS, width, bias=False)
        self.key = nn.Linear(PIXELS, width, bias=False)
        self.value = nn.Linear(PIXELS, width, bias=False)
        self.output = nn.Linear(width, PIXELS, bias=False)
        self.weight_dropout = nn.Dropout(ATTENTION_DROPOUT)
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, N, 49) to the same shape."""
        query, key, value = (
            layer(tokens).unflatten(2, (HEADS, HEAD_WIDTH)).transpose(1, 2)  # (B, 8, N, 16)
            for layer in (self.query, self.key, self.value)
        )
        scores = torch.matmul(query / HEAD_WIDTH**0.5, key.transpose(2, 3))  # (B, 8, N, N)
        heads = torch.matmul(self.weight_dropout(scores.softmax(dim=3)), value)
        return self.dropout(self.output(heads.transpose(1, 2).flatten(2)))


class UnitGraph(nn.Module):
    """Embeddings of the AUs, passed through two graph convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(UNITS, UNIT_WIDTHS[0])
        small_normal(self.embedding)
        self.weights = nn.ParameterList(
            nn.Parameter(torch.empty(sizes).uniform_(-(sizes[1] ** -0.5), sizes[1] ** -0.5))
            for sizes in pairwise(UNIT_WIDTHS)
        )
        together = torch.eye(UNITS) + CO_OCCURRENCE
        self.adjacency = nn.Parameter(together, requires_grad=False)

    def forward(self) -> Tensor:
        """A vector per AU, (9, 160)."""
        adjacency, units = normalised(self.adjacency), self.embedding.weight
        for weight in self.weights:
            units = F.leaky_relu(adjacency @ (units @ weight), 0.2)
        return units


def normalised(adjacency: Tensor) -> Tensor:
    """(A·D^-½)ᵀ·D^-½, where D is the diagonal matrix of A's row sums: (units, units)."""
    scale = adjacency.sum(1).rsqrt()
    return (adjacency * scale).t() * scale
