"""Batches, and the training of a network (Algorithm 1, training stage)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite

import torch
from torch import Tensor, nn

from baselines.fixed import Recipe
from bench.config.settings import ComputeConfig, TrainConfig
from bench.seeds import derive_seed, seeded
from bench.training.compute import accelerated, float32_arithmetic
from bench.training.procedure import procedure
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
    weighted = isinstance(settings, TrainConfig) and settings.weighted_loss
    way = procedure(settings, class_weights(clips, indices) if weighted else None)
    optimiser = way.optimiser(network)
    evaluate = accelerated(network, compute)
    indices = indices if way.shuffle else class_by_class(clips, indices)
    times = appearances(clips, indices, way.balance)
    losses: list[float] = []
    for epoch in range(way.epochs):
        network.train()
        generator = torch.Generator().manual_seed(derive_seed(seed, "train", fold, epoch))
        for group in optimiser.param_groups:
            group["lr"] = way.rate(epoch)
        seen = indices if times is None else repeated(indices, times, generator)
        epoch_batches = batches(seen, way.batch, generator, way.shuffle)
        dropout = seeded(derive_seed(seed, "dropout", fold, epoch))
        with float32_arithmetic(compute.precision), dropout:
            steps = [
                way.step(evaluate, optimiser, batch)
                for batch in clips.augmented(epoch_batches, generator)
            ]
        losses.append(_mean(steps, epoch))
        on_epoch(epoch + 1, way.epochs)
    return losses


@torch.no_grad()
def predict(network: nn.Module, clips: Tensors, indices: Sequence[int]) -> Tensor:
    """Logits (len(indices), classes) on the CPU, float64; computed in float32, never in TF32."""
    network.eval()
    parts = torch.as_tensor(indices).split(EVALUATION_BATCH)
    with float32_arithmetic("fp32"):
        logits = [network(clips.evaluation_batch(part)) for part in parts]
    return torch.cat(logits).double().cpu()


def _mean(losses: list[Tensor], epoch: int) -> float:
    """The epoch's mean loss; only here does the host wait for the device."""
    mean = float(torch.stack(losses).mean())
    if not isfinite(mean):
        raise LossDiverged(
            f"the training loss of epoch {epoch + 1} is {mean}: lower the learning rate "
            "(train.lr) or check the clips"
        )
    return mean
