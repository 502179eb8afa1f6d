"""Losses that a recipe can name: outputs (B, classes) and labels (B,) -> a scalar."""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor

PRESENT, ABSENT, ABSENT_WEIGHT = 0.99, 0.01, 0.5
"""Margins of a capsule's length, and the weight of the other classes, as in the released code."""


def margin_loss(lengths: Tensor, labels: Tensor) -> Tensor:
    """Capsule margin loss of lengths (B, classes), summed over classes, averaged over the batch.

    The capsule of the true class should be longer than 0.99, all others shorter than 0.01 (Sabour
    et al., NIPS 2017, Eq. 4, with the margins of the micro-expression CapsuleNet).
    """
    true = F.one_hot(labels, lengths.shape[1]).to(lengths.dtype)
    present = F.relu(PRESENT - lengths).square()
    absent = F.relu(lengths - ABSENT).square()
    return (true * present + ABSENT_WEIGHT * (1 - true) * absent).sum(1).mean()


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "cross_entropy": F.cross_entropy,
    "margin": margin_loss,
}
"""Name in `Recipe.loss` -> the loss."""
