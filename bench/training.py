"""Batches, and the training of a derived network (Algorithm 1, training stage)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import cos, isfinite, pi

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.compute import Evaluate, accelerated, float32_arithmetic
from bench.config import ComputeConfig, DataConfig, TrainConfig
from bench.data.tensors import augment, to_input
from bench.seeds import derive_seed
from rnas.errors import LossDiverged

SMALLEST_BATCH = 2
"""A batch of one clip can have a single value per channel, which batch norm cannot train on."""

EVALUATION_BATCH = 64
PLAIN = ComputeConfig()


@dataclass(frozen=True)
class ClipTensors:
    """All clips of a run on the device: videos uint8 (N, T, H, W, C), labels (N,) < classes."""

    videos: Tensor
    labels: Tensor
    classes: int
    settings: DataConfig

    def augmented(
        self, batches: Sequence[Tensor], generator: torch.Generator
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Per batch of indices its clips, augmented, (B, C, T, H, W), and their labels (B,).

        The whole epoch is augmented at once, so that the device never waits for the host.
        """
        if not batches:
            return
        chosen = torch.cat(list(batches)).to(self.videos.device)
        settings = self.settings
        videos = augment(
            self.videos[chosen],
            flip=settings.flip,
            shift=settings.shift,
            jitter=settings.jitter,
            generator=generator,
        )
        sizes = [len(batch) for batch in batches]
        for part, labels in zip(videos.split(sizes), self.labels[chosen].split(sizes), strict=True):
            yield self._input(part), labels

    def evaluation_batch(self, indices: Tensor) -> Tensor:
        """Clips as they are: (B, C, T, H, W)."""
        return self._input(self.videos[indices.to(self.videos.device)])

    def _input(self, videos: Tensor) -> Tensor:
        return to_input(videos, self.settings.representation, gain=self.settings.gain)


def batches(indices: Sequence[int], size: int, generator: torch.Generator) -> list[Tensor]:
    """Shuffled batches of indices; a last batch of a single clip is dropped."""
    order = torch.as_tensor(indices)[torch.randperm(len(indices), generator=generator)]
    return [batch for batch in order.split(size) if len(batch) >= SMALLEST_BATCH]


def train(
    network: nn.Module,
    clips: ClipTensors,
    indices: Sequence[int],
    settings: TrainConfig,
    seed: int,
    fold: str,
    on_epoch: Callable[[int, int], None],
    compute: ComputeConfig = PLAIN,
) -> list[float]:
    """Trains in place on the clips of `indices`; returns the mean loss of every epoch.

    on_epoch(done, total) is called after each epoch, and may predict. Raises LossDiverged where a
    loss is no finite number.
    """
    optimiser = sgd(network, settings)
    evaluate = accelerated(network, compute)
    weights = class_weights(clips, indices) if settings.weighted_loss else None
    losses: list[float] = []
    for epoch in range(settings.epochs):
        network.train()
        generator = torch.Generator().manual_seed(derive_seed(seed, "train", fold, epoch))
        for group in optimiser.param_groups:
            group["lr"] = 0.5 * settings.lr * (1 + cos(pi * epoch / settings.epochs))
        epoch_batches = batches(indices, settings.batch, generator)
        with float32_arithmetic(compute.precision):
            steps = [
                training_step(evaluate, optimiser, batch, weights, settings.clip)
                for batch in clips.augmented(epoch_batches, generator)
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


def sgd(network: nn.Module, settings: TrainConfig) -> torch.optim.SGD:
    """The optimiser of a derived network's training."""
    return torch.optim.SGD(
        network.parameters(),
        lr=settings.lr,
        momentum=settings.momentum,
        weight_decay=settings.weight_decay,
        fused=True,
    )


def training_step(
    evaluate: Evaluate,
    optimiser: torch.optim.Optimizer,
    batch: tuple[Tensor, Tensor],
    weights: Tensor | None,
    clip: float,
) -> Tensor:
    """One update on a batch (clips, labels), with class weights or None; returns the loss."""
    inputs, labels = batch
    loss = F.cross_entropy(evaluate(inputs), labels, weight=weights)
    optimiser.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(optimiser.param_groups[0]["params"], clip)
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
