"""Batches, and the training of a network (Algorithm 1, training stage)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite

import torch
from torch import Tensor, nn

from baselines.fixed import Recipe
from bench.config.settings import ComputeConfig, TrainConfig
from bench.seeds import derive_seed, seeded
from bench.training.compute import accelerated, float32_arithmetic, refuse_undefined
from bench.training.procedure import Procedure, procedure
from bench.training.tensors import (
    Tensors,
    appearances,
    batches,
    class_by_class,
    class_weights,
    repeated,
)
from rnas.errors import LossDiverged

EVALUATION_BATCH = 64

PLAIN = ComputeConfig()

DIVERGED = (
    "lower the learning rate (train.lr; with a recipe of its own train.recipe_lr) or check the "
    "clips"
)
"""What to do about a training that diverged."""


def train(
    network: nn.Module,
    clips: Tensors,
    indices: Sequence[int],
    settings: TrainConfig | Recipe,
    seed: int,
    fold: str,
    on_epoch: Callable[[int, int], None],
    compute: ComputeConfig = PLAIN,
) -> list[float]:
    """Trains in place on the clips of `indices`; returns the mean loss of every epoch.

    on_epoch(done, total) is called after each epoch, and may predict. Raises LossDiverged where an
    epoch's loss is not finite.
    """
    course = Course.of(clips, indices, settings, seed, fold)
    way = course.way
    refuse_undefined(network, compute)
    optimiser = way.optimiser(network)
    evaluate = accelerated(network, compute)
    losses: list[float] = []
    for epoch in range(way.epochs):
        network.train()
        for group in optimiser.param_groups:
            group["lr"] = way.rate(epoch)
        dropout = seeded(derive_seed(seed, "dropout", fold, epoch))
        with float32_arithmetic(compute.precision), dropout:
            steps = [
                way.step(evaluate, optimiser, batch)
                for batch in clips.augmented(*course.batches(epoch))
            ]
        losses.append(mean_loss(steps, epoch))
        on_epoch(epoch + 1, way.epochs)
    return losses


@dataclass(frozen=True)
class Course:
    """How one network is trained, and on which clips: everything but the network.

    times: how often each clip is due in an epoch, None for once.
    """

    way: Procedure
    indices: Sequence[int]
    times: Tensor | None
    seed: int
    fold: str

    @classmethod
    def of(
        cls,
        clips: Tensors,
        indices: Sequence[int],
        settings: TrainConfig | Recipe,
        seed: int,
        fold: str,
    ) -> Course:
        """The training on the clips of `indices` under these settings."""
        weighted = isinstance(settings, TrainConfig) and settings.weighted_loss
        way = procedure(settings, class_weights(clips, indices) if weighted else None)
        indices = indices if way.shuffle else class_by_class(clips, indices)
        return cls(way, indices, appearances(clips, indices, way.balance), seed, fold)

    def batches(self, epoch: int) -> tuple[list[Tensor], torch.Generator]:
        """The batches of an epoch, as indices, and the generator that augments them."""
        generator = torch.Generator().manual_seed(derive_seed(self.seed, "train", self.fold, epoch))
        times = self.times
        seen = self.indices if times is None else repeated(self.indices, times, generator)
        return batches(seen, self.way.batch, generator, self.way.shuffle), generator


@torch.no_grad()
def predict(network: nn.Module, clips: Tensors, indices: Sequence[int]) -> Tensor:
    """Logits (len(indices), classes) on the CPU, float64; computed in float32, never in TF32."""
    network.eval()
    parts = torch.as_tensor(indices).split(EVALUATION_BATCH)
    with float32_arithmetic("fp32"):
        logits = [batch_logits(network, clips, part) for part in parts]
    return torch.cat(logits).double().cpu()


def batch_logits(network: nn.Module, clips: Tensors, indices: Tensor) -> Tensor:
    """Of a batch; with `data.test_mirror` the mean over each clip and its mirror image."""
    upright = network(clips.evaluation_batch(indices))
    mirrored = clips.mirrored_batch(indices)
    return upright if mirrored is None else (upright + network(mirrored)) / 2


def mean_loss(losses: list[Tensor], epoch: int) -> float:
    """The epoch's mean loss; only here does the host wait for the device."""
    mean = float(torch.stack(losses).mean())
    if not isfinite(mean):
        raise LossDiverged(f"the training loss of epoch {epoch + 1} is {mean}: {DIVERGED}")
    return mean
