"""What a search strategy works with, at toy sizes: noise clips, and trials of a known fitness."""

from __future__ import annotations

import random
from dataclasses import dataclass

import torch
from method_cases import MICRO, batch

from rnas.genotype import Genotype
from rnas.settings import SearchSettings
from rnas.space import SearchSpace
from rnas.strategies.base import Cost, Trial
from rnas.supernet import Supernet

TOY = SearchSettings(
    epochs=2,
    warmup=0.5,
    architecture_lr=0.05,
    candidates=5,
    rungs=3,
    brief_epochs=2,
    path_epochs=2,
    population=4,
    generations=2,
)


@dataclass(frozen=True)
class ToyMaterial:
    """A batch of four clips on each side; a trial's accuracy is its share of `conv_1`."""

    settings: SearchSettings = TOY
    space: SearchSpace = MICRO
    steps: int = 1
    clip_shape: tuple[int, ...] = (3, 2, 12, 12)

    def supernet(self):
        torch.manual_seed(0)
        supernet = Supernet(self.space, classes=3)
        return supernet, supernet

    def pairs(self, epoch):
        return [(self._batch(epoch, 0), self._batch(epoch, 50))]

    def train_b(self):
        return [self._batch(99, step) for step in range(2)]

    def generator(self, step):
        return random.Random(step)

    def trial(self, genotype: Genotype, epochs: int, name: str) -> Trial:
        share = genotype.operations.count("conv_1") / len(genotype.operations)
        return Trial(share, 1 / epochs, Cost.of(10, epochs * 8, 8, networks=1))

    def _batch(self, epoch, step):
        return batch(4, *self.clip_shape, seed=100 * epoch + step)
