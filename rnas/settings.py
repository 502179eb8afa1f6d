"""Settings of the search, free of torch: what each means and which values it takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import cos, pi
from typing import Any, Literal

LOWEST, HIGHEST = 0.0, 1e9
"""Range of a number that says no other."""


def described(
    default: Any, help: str, low: float = LOWEST, high: float = HIGHEST, **about: Any
) -> Any:
    """A dataclass field with its help text and the range of its values as metadata."""
    return field(default=default, metadata={"help": help, "low": low, "high": high, **about})


@dataclass(frozen=True)
class SearchSettings:
    """Optimisers of the search; none of these is published (PC-DARTS's values by default)."""

    epochs: int = described(50, "search epochs", low=1, high=1e6)
    weight_lr: float = described(0.1, "SGD learning rate of w, cosine down to 0")
    momentum: float = described(0.9, "SGD momentum of w")
    weight_decay: float = described(3e-4, "weight decay of w")
    clip: float = described(5.0, "largest gradient norm of w", low=1e-9)
    architecture_lr: float = described(6e-4, "Adam learning rate of α, η, β")
    architecture_beta1: float = described(0.5, "Adam's first decay rate for α, η, β", high=0.999999)
    architecture_beta2: float = described(
        0.999, "Adam's second decay rate for α, η, β", high=0.999999
    )
    architecture_decay: float = described(1e-3, "weight decay of α, η, β")
    warmup: float = described(0.3, "share of the epochs in which α, η, β are frozen", high=1)
    start: Literal["uniform", "path_uniform"] = described(
        "uniform",
        "β at the start: equal for all moves out of a state, or equally likely paths",
        later=True,
    )
    null_directions: Literal["drift", "still"] = described(
        "drift",
        "where no loss sees β: let Adam and weight decay move it, or keep it still",
        later=True,
    )

    def learns_architecture(self, epoch: int) -> bool:
        """Whether epoch 0..epochs-1 updates α, η, β."""
        return epoch >= round(self.warmup * self.epochs)

    def cosine_lr(self, epoch: int) -> float:
        """Learning rate of w in an epoch: from weight_lr down towards 0."""
        return 0.5 * self.weight_lr * (1 + cos(pi * epoch / self.epochs))
