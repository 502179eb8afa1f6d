"""Losses that a recipe can name: outputs and labels (B,) -> a scalar."""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor

ABSENT_WEIGHT = 0.5
"""Of the classes that an image is not of, in margin losses."""


def cross_entropy(logits: Tensor, labels: Tensor, weight: Tensor | None = None) -> Tensor:
    """Of logits (B, classes), or the mean of heads (B, classes, H); weight: of classes.

    A mean, so that a network that knows nothing is at ln(classes) whatever its heads.
    """
    if logits.dim() == 3:
        labels = labels.repeat_interleave(logits.shape[2])
        logits = logits.transpose(1, 2).flatten(0, 1)
    return F.cross_entropy(logits, labels, weight=weight)


def margin_loss(lengths: Tensor, labels: Tensor) -> Tensor:
    """Capsule margin loss of lengths (B, classes), summed over classes, averaged over the batch.

    The capsule of the true class should be longer than 0.99, all others shorter than 0.01 (Sabour
    et al., NIPS 2017, Eq. 4, with the margins of the micro-expression CapsuleNet).
    """
    return _of_classes(labels, F.relu(0.99 - lengths).square(), F.relu(lengths - 0.01).square())


def linear_margin_loss(lengths: Tensor, labels: Tensor) -> Tensor:
    """The same with margins 0.9 and 0.1 and without the square, as in ICE-GAN's released code."""
    return _of_classes(labels, F.relu(0.9 - lengths), F.relu(lengths - 0.1))


def _of_classes(labels: Tensor, short: Tensor, long: Tensor) -> Tensor:
    """What the true class lacks and, weighted, what the others have too much, each (B, classes)."""
    true = F.one_hot(labels, short.shape[1]).to(short.dtype)
    return (true * short + ABSENT_WEIGHT * (1 - true) * long).sum(1).mean()


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "cross_entropy": cross_entropy,
    "margin": margin_loss,
    "linear_margin": linear_margin_loss,
}
"""Name in `Recipe.loss` -> the loss."""
