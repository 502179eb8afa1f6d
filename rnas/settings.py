"""Settings of the search, free of torch: what each means and which values it takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import cos, exp, log, pi
from typing import Any, Literal

LOWEST, HIGHEST = 0.0, 1e9
"""Range of a number that says no other."""

FIRST_ORDER = "first_order"
"""The strategy of Algorithm 1."""


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
    strategy: str = described(
        FIRST_ORDER,
        "how an architecture is found: first_order, second_order, random_search, single_path, or "
        "that of an installed package",
        later=True,
    )
    reach: float = described(
        0.0,
        "architecture steps × learning rate of α, η, β: the rate follows from it and the number of "
        "steps; 0 = architecture_lr as it is",
        high=1e3,
        later=True,
    )
    candidates: int = described(8, "random_search: genotypes drawn", low=1, high=1e6, later=True)
    rungs: int = described(
        3, "random_search: rungs, each on the better half of the last", low=1, high=20, later=True
    )
    brief_epochs: int = described(
        3,
        "random_search: training epochs in the first rung, twice as many in each further one",
        low=1,
        high=1e6,
        later=True,
    )
    path_epochs: int = described(
        80, "single_path: epochs that train the supernet", low=1, high=1e6, later=True
    )
    population: int = described(16, "single_path: genotypes", low=2, high=1e6, later=True)
    generations: int = described(
        8, "single_path: generations, the drawn one included", low=1, high=1e6, later=True
    )
    tournament: int = described(
        3, "single_path: genotypes of which the best is a parent", low=1, high=1e6, later=True
    )
    mutation: float = described(
        0.1, "single_path: probability that a part of a child is redrawn", high=1, later=True
    )

    def learns_architecture(self, epoch: int) -> bool:
        """Whether epoch 0..epochs-1 updates α, η, β."""
        return epoch >= round(self.warmup * self.epochs)

    def cosine_lr(self, epoch: int) -> float:
        """Learning rate of w in an epoch: from weight_lr down towards 0."""
        return 0.5 * self.weight_lr * (1 + cos(pi * epoch / self.epochs))

    def architecture_steps(self, steps: int) -> int:
        """Updates of α, η, β in a search of so many steps an epoch."""
        return steps * sum(map(self.learns_architecture, range(self.epochs)))

    def architecture_rate(self, steps: int) -> float:
        """Learning rate of α, η, β in a search of so many steps an epoch."""
        updates = self.architecture_steps(steps)
        return self.reach / updates if self.reach and updates else self.architecture_lr

    def reached(self, steps: int) -> float:
        """Updates of α, η, β times their learning rate.

        Adam moves a parameter by at most about its learning rate an update while its gradients do
        not grow: by exactly that where they keep sign and size, by less where they disagree. Only
        gradients that grow from update to update move it further.
        """
        updates = self.architecture_steps(steps)
        return self.reach if self.reach and updates else updates * self.architecture_lr


DECIDES = 1.0
"""A search of less reach cannot decide: not even one of 8 operations can get half of the weight."""


def lowest_entropy(reach: float, options: int) -> float:
    """The entropy of a softmax over so many options, as a share of the uniform one's, at best.

    From equal logits, one goes up by the reach and all others down by it: Adam scales each
    parameter's gradient by itself, so that all of them can move at the full rate.
    """
    if options < 2:
        return 0.0
    others = exp(-2 * reach)
    total = 1 + (options - 1) * others
    entropy = log(total) + (options - 1) * 2 * reach * others / total
    return entropy / log(options)
