"""Algorithm 1, search stage: alternating, first-order bi-level optimisation of one supernet.

Train A updates the weights w, Train B the architecture α, η, β. The caller brings the batches. Each
step moves the architecture first, as PC-DARTS's code does; Algorithm 1 lists w first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypedDict

import torch
import torch.nn.functional as F
from torch import Tensor

from rnas.convolution import inner_taps
from rnas.errors import LossDiverged, MethodError
from rnas.genotype import Genotype
from rnas.identify import keep_still
from rnas.optimisers import SGD, Adam
from rnas.settings import SearchSettings
from rnas.supernet import ArchitectureWeights, Supernet

Batch = tuple[Tensor, Tensor]
"""Clips (B, C, T, H, W) and labels (B,)."""


@dataclass(frozen=True)
class EpochLog:
    """One row of the search history; for entropies and masses see `Health`."""

    epoch: int
    weight_lr: float
    weight_loss: float
    architecture_loss: float
    operation_entropy: float
    edge_entropy: float | None
    path_entropy: float
    none_mass: float
    skip_mass: float
    genotype: Genotype
    weights: ArchitectureWeights


class Searcher:
    """A supernet with its two optimisers. `state_dict` holds all that a resumed search needs.

    evaluate: clips to logits, by default a call of the supernet (another: compiled, say, or in
    another precision).
    """

    def __init__(
        self,
        supernet: Supernet,
        settings: SearchSettings,
        evaluate: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        self.supernet = supernet
        self.evaluate = supernet if evaluate is None else evaluate
        self.settings = settings
        self.weights = supernet.weight_parameters()
        self.architecture = supernet.architecture_parameters()
        self.weight_optimiser = SGD(
            self.weights,
            lr=settings.weight_lr,
            momentum=settings.momentum,
            weight_decay=settings.weight_decay,
            fused=True,
        )
        self.architecture_optimiser = Adam(
            self.architecture,
            lr=settings.architecture_lr,
            betas=(settings.architecture_beta1, settings.architecture_beta2),
            weight_decay=settings.architecture_decay,
        )

        if settings.null_directions == "still":
            keep_still(supernet.architecture, self.architecture_optimiser)

    def run_epoch(self, epoch: int, batches: Iterable[tuple[Batch, Batch]]) -> EpochLog:
        """One epoch over pairs (batch of Train B, batch of Train A).

        Raises LossDiverged where a loss, α, η or β are not finite, MethodError where there is no
        batch.
        """
        lr = self.settings.cosine_lr(epoch)
        for group in self.weight_optimiser.param_groups:
            group["lr"] = lr
        learns = self.settings.learns_architecture(epoch)
        weight_losses: list[Tensor] = []
        architecture_losses: list[Tensor] = []
        self.supernet.train()
        for batch_b, batch_a in batches:
            if learns:
                architecture_losses.append(self.move_architecture(batch_b, batch_a))
            else:
                architecture_losses.append(self.loss_only(*batch_b))
            weight_losses.append(self.step_weights(*batch_a))
        if not weight_losses:
            raise MethodError(f"search epoch {epoch + 1} has no batch: it needs two clips or more")
        weight_loss = _finite_mean(weight_losses, "weight", epoch)
        architecture_loss = _finite_mean(architecture_losses, "architecture", epoch)
        self._check_architecture(epoch)
        return EpochLog(
            epoch=epoch,
            weight_lr=lr,
            weight_loss=weight_loss,
            architecture_loss=architecture_loss,
            genotype=self.supernet.architecture.decode(),
            weights=self.supernet.architecture.weights(),
            **health(self.supernet),
        )

    def _check_architecture(self, epoch: int) -> None:
        """NaN in α, η or β would silently decode to an arbitrary genotype."""
        if not all(bool(parameter.isfinite().all()) for parameter in self.architecture):
            raise LossDiverged(
                f"α, η or β are no finite numbers after search epoch {epoch + 1}: lower the "
                "learning rates (search.weight_lr, search.architecture_lr) or check the clips"
            )

    def step_weights(self, clips: Tensor, labels: Tensor) -> Tensor:
        """Line 1 of Algorithm 1: w moves on a batch of Train A; returns the loss (no gradient)."""
        loss = F.cross_entropy(self.evaluate(clips), labels)
        set_gradients(self.weights, loss)
        torch.nn.utils.clip_grad_norm_(self.weights, self.settings.clip)
        self.weight_optimiser.step()
        return loss.detach()

    def move_architecture(self, batch_b: Batch, batch_a: Batch) -> Tensor:
        """How an epoch moves α, η and β: to first order, which needs Train B alone."""
        return self.step_architecture(*batch_b)

    def step_architecture(self, clips: Tensor, labels: Tensor) -> Tensor:
        """Line 2 of Algorithm 1: α, η, β move on a batch of Train B; returns the loss."""
        with frozen(self.weights):
            loss = F.cross_entropy(self.evaluate(clips), labels)
            set_gradients(self.architecture, loss)
        self.architecture_optimiser.step()
        return loss.detach()

    @torch.no_grad()
    def loss_only(self, clips: Tensor, labels: Tensor) -> Tensor:
        """The loss on a batch of Train B while the architecture is frozen."""
        return F.cross_entropy(self.evaluate(clips), labels)

    def state_dict(self) -> dict:
        """Everything that a search needs to resume: network, both optimisers."""
        return {
            "supernet": self.supernet.state_dict(),
            "weight_optimiser": self.weight_optimiser.state_dict(),
            "architecture_optimiser": self.architecture_optimiser.state_dict(),
        }

    def load_state_dict(self, state: dict) -> None:
        """Restores what `state_dict` returned."""
        self.supernet.load_state_dict(state["supernet"])
        self.weight_optimiser.load_state_dict(state["weight_optimiser"])
        for weight, kept in self.weight_optimiser.state.items():
            if weight.dim() == 5:  # of a supernet that keeps all taps, perhaps
                momentum = inner_taps(kept["momentum_buffer"], weight.shape[2:])
                kept["momentum_buffer"] = torch.empty_like(weight).copy_(momentum)
        self.architecture_optimiser.load_state_dict(state["architecture_optimiser"])


class Health(TypedDict):
    """Entropies of softmax(α), softmax(η) and β (means, in nats); mean weights of two operations.

    edge_entropy: None without edge normalisation; none_mass, skip_mass: softmax(α) of `none` and
    `skip`, mean over the edges.
    """

    operation_entropy: float
    edge_entropy: float | None
    path_entropy: float
    none_mass: float
    skip_mass: float


@torch.no_grad()
def health(supernet: Supernet) -> Health:
    """How far the architecture parameters are from a decision."""
    architecture, space = supernet.architecture, supernet.space
    operations = architecture.operation_weights()
    nodes = space.nodes
    edge_entropy = None
    if architecture.edge_logits is not None:
        edge_entropy = float(_entropy(architecture.edge_weights()).sum() / nodes)
    rows = max(len(space.outer.choices), 1)  # a trellis of one path has no entropy: 0 / 1
    return {
        "operation_entropy": float(_entropy(operations).sum() / len(operations)),
        "edge_entropy": edge_entropy,
        "path_entropy": float(_entropy(architecture.path_weights()).sum() / rows),
        "none_mass": _mass(operations, space.operations, "none"),
        "skip_mass": _mass(operations, space.operations, "skip"),
    }


def _entropy(probabilities: Tensor) -> Tensor:
    return torch.special.entr(probabilities)


def _mass(weights: Tensor, names: tuple[str, ...], name: str) -> float:
    return float(weights[:, names.index(name)].mean()) if name in names else 0.0


def set_gradients(parameters: list[torch.nn.Parameter], loss: Tensor) -> None:
    """Gradients of one parameter group only: the other group's are not even computed.

    `backward` gives every gradient the memory layout of its parameter (`torch.autograd.grad` does
    not), which fused optimisers need and do not check.
    """
    for parameter in parameters:
        parameter.grad = None
    loss.backward(inputs=parameters)


@contextmanager
def frozen(parameters: list[torch.nn.Parameter]) -> Iterator[None]:
    """Parameters that need no gradient inside the block.

    A compiled backward pass would compute them all, whichever `set_gradients` asks for.
    """
    for parameter in parameters:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in parameters:
            parameter.requires_grad_(True)


def _finite_mean(losses: list[Tensor], which: str, epoch: int) -> float:
    mean = float(torch.stack(losses).mean())
    if not torch.isfinite(torch.tensor(mean)):
        raise LossDiverged(
            f"the {which} loss of search epoch {epoch + 1} is {mean}: lower the learning rate "
            "(search.weight_lr) or check the clips"
        )
    return mean
