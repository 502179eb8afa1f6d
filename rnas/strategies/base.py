"""What a search strategy is, and what a harness gives it.

Supernet, spaces and decoding know no strategy; a strategy reads no file and knows no run folder.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from torch import Tensor

from rnas.genotype import Genotype
from rnas.search import Batch, Searcher
from rnas.settings import SearchSettings
from rnas.space import SearchSpace
from rnas.supernet import ArchitectureWeights, Supernet

FORWARD = 3
"""A forward and backward pass in forward passes: the backward pass computes two products, one for
the inputs' gradients and one for the weights', where the forward pass computes one."""


@dataclass(frozen=True)
class Cost:
    """What a part of a search cost, time aside.

    clip_passes: forward and backward passes of single clips, a forward pass alone counts 1/3;
    macs: multiply-accumulates of convolutions and linear layers in them; networks: networks that
    were trained from scratch, a supernet among them.
    """

    clip_passes: float = 0.0
    macs: int = 0
    networks: int = 0

    @classmethod
    def of(cls, macs: int, trained: int, scored: int = 0, networks: int = 0) -> Cost:
        """Of clips passed forward and backward, and of clips passed forward alone.

        macs: of one clip's forward pass.
        """
        forward = FORWARD * trained + scored
        return cls(forward / FORWARD, macs * forward, networks)

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.clip_passes + other.clip_passes,
            self.macs + other.macs,
            self.networks + other.networks,
        )


@dataclass(frozen=True)
class Step:
    """What one step of a search logs.

    row: named numbers and words for its log; cost: that of this step; weights: of α, η and β after
    it, None where the strategy does not move them.
    """

    row: Mapping[str, Any]
    cost: Cost
    weights: ArchitectureWeights | None = None


@dataclass(frozen=True)
class Trial:
    """How a genotype did on Train B: accuracy and mean cross-entropy."""

    accuracy: float
    loss: float
    cost: Cost = Cost()

    @property
    def fitness(self) -> tuple[float, float]:
        """Larger is better: the accuracy, and of equal ones the lower loss."""
        return self.accuracy, -self.loss


class Material(Protocol):
    """What a search works with. All randomness in it derives from the seed of the search."""

    @property
    def space(self) -> SearchSpace:
        """The search space."""

    @property
    def settings(self) -> SearchSettings:
        """The settings of the search."""

    @property
    def steps(self) -> int:
        """Batches of Train A in an epoch."""

    @property
    def clip_shape(self) -> tuple[int, ...]:
        """(C, T, H, W) of a clip."""

    def supernet(self) -> tuple[Supernet, Callable[[Tensor], Tensor]]:
        """A fresh supernet, always the same, and how it is evaluated: clips to logits."""

    def pairs(self, epoch: int) -> Iterable[tuple[Batch, Batch]]:
        """Pairs (batch of Train B, batch of Train A), augmented, for one epoch."""

    def train_b(self) -> Iterable[Batch]:
        """Train B without augmentation, in batches of mixed classes that are always the same."""

    def generator(self, step: int) -> random.Random:
        """A generator for the draws of one step."""

    def trial(self, genotype: Genotype, epochs: int, name: str) -> Trial:
        """Trains the derived network from scratch on Train A, as folds train theirs; scores it.

        name: tells trials of one search apart, whose initial weights and batches differ.
        """


class Strategy(ABC):
    """A search under way: `step(0)` to `step(steps - 1)`, then `genotype()`.

    Between two steps it can be saved (`state_dict`) and go on in another process with the same
    result: `state_dict` holds all that `genotype` and later steps need, in tensors and plain values
    alone. `__init__` and `genotype` train nothing, and clips are not changed in place.
    """

    by_gradient: ClassVar[bool] = False
    """Whether gradients move α, η and β, so that their learning rate limits what it can decide."""

    searcher: Searcher | None = None
    """The supernet with α, η and β that it moves, if any."""

    steps: int

    def __init__(self, material: Material) -> None:
        self.material = material

    def title(self, step: int) -> str:
        """What a step is called in messages."""
        return "search step"

    @abstractmethod
    def step(self, step: int) -> Step:
        """Does one step. Raises MethodError where it cannot, LossDiverged included."""

    @abstractmethod
    def genotype(self) -> Genotype:
        """What the search has found so far."""

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """All that a resumed search needs."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores what `state_dict` returned."""
