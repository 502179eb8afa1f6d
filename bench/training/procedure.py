"""How a network is trained: the harness's own procedure, or a fixed network's published recipe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import cos, pi

import torch
from torch import Tensor, nn

from baselines.fixed import Recipe
from baselines.losses import LOSSES, cross_entropy
from bench.config.settings import TrainConfig
from rnas.optimisers import SGD, Adam

Loss = Callable[[Tensor, Tensor], Tensor]
"""(logits as a network in training gives them, labels (B,)) -> scalar."""


@dataclass(frozen=True)
class Procedure:
    """Everything that determines a training run except the network and the clips.

    optimiser: makes one for a network; rate: epoch (from 0) -> learning rate; clip: largest
    gradient norm, 0 for no clipping; shuffle: whether the clips are shuffled every epoch or always
    ordered by class; balance: as in `Recipe`.
    """

    epochs: int
    batch: int
    optimiser: Callable[[nn.Module], torch.optim.Optimizer]
    rate: Callable[[int], float]
    loss: Loss
    clip: float
    shuffle: bool
    balance: int

    def step(
        self,
        evaluate: Callable[[Tensor], Tensor],
        optimiser: torch.optim.Optimizer,
        batch: tuple[Tensor, Tensor],
    ) -> Tensor:
        """One update on a batch (clips, labels); returns the loss."""
        inputs, labels = batch
        loss = self.loss(evaluate(inputs), labels)
        optimiser.zero_grad()
        loss.backward()
        if self.clip:
            torch.nn.utils.clip_grad_norm_(optimiser.param_groups[0]["params"], self.clip)
        optimiser.step()
        return loss.detach()


def procedure(settings: TrainConfig | Recipe, class_weights: Tensor | None = None) -> Procedure:
    """The procedure that settings or a recipe describe; a recipe uses no class weights."""
    if isinstance(settings, Recipe):
        return _published(settings)
    return _own(settings, class_weights)


def _own(settings: TrainConfig, class_weights: Tensor | None) -> Procedure:
    """SGD or AdamW, linear warm-up, cosine schedule down to 0, cross-entropy."""
    return Procedure(
        epochs=settings.epochs,
        batch=settings.batch,
        optimiser=partial(OPTIMISERS[settings.optimiser], settings),
        rate=partial(_warm_cosine, settings),
        loss=partial(cross_entropy, weight=class_weights),
        clip=settings.clip,
        shuffle=True,
        balance=0,
    )


def _published(recipe: Recipe) -> Procedure:
    return Procedure(
        epochs=recipe.epochs,
        batch=recipe.batch,
        optimiser=partial(OPTIMISERS[recipe.optimiser], recipe),
        rate=partial(_steps, recipe),
        loss=LOSSES[recipe.loss],
        clip=recipe.clip,
        shuffle=recipe.shuffle,
        balance=recipe.balance,
    )


def optimiser_numbers(settings: TrainConfig | Recipe) -> int:
    """Numbers that the optimiser stores per weight; they are part of a checkpoint."""
    if settings.optimiser != "sgd":
        return 2  # both moments
    return 1 if settings.momentum else 0


def _sgd(settings: TrainConfig | Recipe, network: nn.Module) -> torch.optim.Optimizer:
    return SGD(
        network.parameters(),
        lr=settings.lr,
        momentum=settings.momentum,
        weight_decay=settings.weight_decay,
        fused=True,
    )


def _adam(apart: bool, settings: TrainConfig | Recipe, network: nn.Module) -> torch.optim.Optimizer:
    """Adam; apart: weight decay beside its steps (AdamW), not in the gradient."""
    return Adam(
        network.parameters(),
        lr=settings.lr,
        weight_decay=settings.weight_decay,
        decoupled_weight_decay=apart,
        fused=True,
    )


OPTIMISERS: dict[str, Callable[[TrainConfig | Recipe, nn.Module], torch.optim.Optimizer]] = {
    "sgd": _sgd,
    "adam": partial(_adam, False),
    "adamw": partial(_adam, True),
}


def _warm_cosine(settings: TrainConfig, epoch: int) -> float:
    """The epoch after the warm-up has the full rate; a warm-up of all epochs never reaches it."""
    rising = round(settings.warmup * settings.epochs)
    if epoch < rising:
        return settings.lr * (epoch + 1) / (rising + 1)
    return 0.5 * settings.lr * (1 + cos(pi * (epoch - rising) / (settings.epochs - rising)))


def _steps(recipe: Recipe, epoch: int) -> float:
    rate = recipe.lr * recipe.lr_gamma ** (epoch // recipe.lr_step if recipe.lr_step else 0)
    return 0.5 * rate * (1 + cos(pi * epoch / recipe.epochs)) if recipe.cosine else rate
