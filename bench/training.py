"""Batches, and the training of a derived network (Algorithm 1, training stage)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import cos, isfinite, pi

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.config import DataConfig, TrainConfig
from bench.data.tensors import augment, to_input
from bench.seeds import derive_seed
from rnas.errors import LossDiverged

SMALLEST_BATCH = 2
"""A batch of one clip can have a single value per channel, which batch norm cannot train on."""

EVALUATION_BATCH = 64


@dataclass(frozen=True)
class ClipTensors:
    """All clips of a run on the device: videos uint8 (N, T, H, W, C), labels (N,) < classes."""

    videos: Tensor
    labels: Tensor
    classes: int
    settings: DataConfig

    def training_batch(self, indices: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Augmented clips (B, C, T, H, W) and their labels (B,)."""
        chosen = indices.to(self.videos.device)
        settings = self.settings
        videos = augment(
            self.videos[chosen],
            flip=settings.flip,
            shift=settings.shift,
            jitter=settings.jitter,
            generator=generator,
        )
        return self._input(videos), self.labels[chosen]

    def evaluation_batch(self, indices: Tensor) -> Tensor:
        """Clips as they are: (B, C, T, H, W)."""
        return self._input(self.videos[indices.to(self.videos.device)])

    def _input(self, videos: Tensor) -> Tensor:
        return to_input(videos, self.settings.representation, gain=self.settings.gain)


def batches(indices: Sequence[int], size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Shuffled batches of indices; a last batch of a single clip is dropped."""
    order = torch.as_tensor(indices)[torch.randperm(len(indices), generator=generator)]
    return (batch for batch in order.split(size) if len(batch) >= SMALLEST_BATCH)


def train(
    network: nn.Module,
    clips: ClipTensors,
    indices: Sequence[int],
    settings: TrainConfig,
    seed: int,
    fold: str,
    on_epoch: Callable[[int, int], None],
) -> list[float]:
    """Trains in place on the clips of `indices`; returns the mean loss of every epoch.

    on_epoch(done, total) is called after each epoch. Raises LossDiverged where a loss is no
    finite number.
    """
    optimiser = torch.optim.SGD(
        network.parameters(),
        lr=settings.lr,
        momentum=settings.momentum,
        weight_decay=settings.weight_decay,
    )
    weights = class_weights(clips, indices) if settings.weighted_loss else None
    losses: list[float] = []
    network.train()
    for epoch in range(settings.epochs):
        generator = torch.Generator().manual_seed(derive_seed(seed, "train", fold, epoch))
        for group in optimiser.param_groups:
            group["lr"] = 0.5 * settings.lr * (1 + cos(pi * epoch / settings.epochs))
        steps = [
            _step(network, optimiser, clips.training_batch(batch, generator), weights, settings)
            for batch in batches(indices, settings.batch, generator)
        ]
        losses.append(_mean(steps, epoch))
        on_epoch(epoch + 1, settings.epochs)
    return losses


@torch.no_grad()
def predict(network: nn.Module, clips: ClipTensors, indices: Sequence[int]) -> Tensor:
    """Logits (len(indices), classes) on the CPU, float64."""
    network.eval()
    parts = torch.as_tensor(indices).split(EVALUATION_BATCH)
    return torch.cat([network(clips.evaluation_batch(part)) for part in parts]).double().cpu()


def class_weights(clips: ClipTensors, indices: Sequence[int]) -> Tensor:
    """Inverse class frequencies among `indices`, mean 1 over the classes that occur: (classes,)."""
    labels = clips.labels[torch.as_tensor(indices, device=clips.labels.device)]
    counts = torch.bincount(labels, minlength=clips.classes).float()
    inverse = torch.where(counts > 0, 1 / counts.clamp(min=1), 0)
    return inverse * (counts > 0).sum() / inverse.sum()


def _step(
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    batch: tuple[Tensor, Tensor],
    weights: Tensor | None,
    settings: TrainConfig,
) -> Tensor:
    inputs, labels = batch
    loss = F.cross_entropy(network(inputs), labels, weight=weights)
    optimiser.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), settings.clip)
    optimiser.step()
    return loss.detach()


def _mean(losses: list[Tensor], epoch: int) -> float:
    """The epoch's mean loss: the only moment at which the host waits for the device."""
    mean = float(torch.stack(losses).mean())
    if not isfinite(mean):
        raise LossDiverged(
            f"the training loss of epoch {epoch + 1} is {mean}: lower the learning rate "
            "(train.lr) or check the clips"
        )
    return mean
