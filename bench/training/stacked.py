"""Networks of one architecture trained together, a fold each, their weights stacked.

The weights of K networks are the rows of one matrix (K, N), and `torch.func.vmap` evaluates all of
them at once, each on its own batch with its own batch statistics: the same sums as one network at a
time, in another order. A small network leaves most of a GPU idle, so that K of them may take little
longer than one. Folds differ in their clips, and with them in the size of the last batch: networks
with batches of equal size move together, the others in turn.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn.modules.dropout import _DropoutNd
from torch.nn.utils.parametrize import is_parametrized

from baselines.fixed import Recipe
from bench.config.settings import ComputeConfig, TrainConfig
from bench.errors import BenchError
from bench.seeds import seeded
from bench.training.answers import ASKED, learn_otherwise
from bench.training.compute import float32_arithmetic, refuse_undefined
from bench.training.loop import PLAIN, Course, mean_loss
from bench.training.tensors import Tensors
from rnas.errors import LossDiverged

NORM_EPS = 1e-6
"""Of the gradient's norm, as in `torch.nn.utils.clip_grad_norm_`."""

Batch = tuple[Tensor, Tensor]
"""Inputs (B, ...) and labels (B,)."""


@dataclass(frozen=True)
class Member:
    """A network to be trained with others on the clips of `indices`.

    on_epoch(done, total) is called after each epoch, and may predict with the network.
    """

    network: nn.Module
    fold: str
    indices: Sequence[int]
    on_epoch: Callable[[int, int], None]


def stackable(network: nn.Module) -> bool:
    """Whether such networks can be trained together as each would be alone.

    With dropout they cannot: a network alone draws its masks in an order of its own. Nor can
    parametrised ones: spectral norm writes its vectors where `vmap` cannot follow. Nor those with
    frozen weights: all of a stack move.
    """
    return all(weight.requires_grad for weight in network.parameters()) and not any(
        is_parametrized(part) or (isinstance(part, _DropoutNd) and part.p > 0)
        for part in network.modules()
    )


def train_stacked(
    members: Sequence[Member],
    clips: Tensors,
    settings: TrainConfig | Recipe,
    seed: int,
    compute: ComputeConfig = PLAIN,
) -> list[list[float] | LossDiverged]:
    """Trains all members in place, as `bench.training.loop.train` does each on its own.

    Returns for each the mean loss of every epoch, or the error of one whose loss became no finite
    number; the others go on without it. Of `compute` the precision counts alone. Raises BenchError
    where a network keeps in training what is neither weight nor buffer: all would share it.
    """
    refuse_undefined(members[0].network, compute)
    stack = Stack([member.network for member in members])
    runs = [
        Run(member, Course.of(clips, member.indices, settings, seed, member.fold), row)
        for member, row in zip(members, stack.rows, strict=True)
    ]
    epochs = settings.epochs
    for epoch in range(epochs):
        going = [number for number, run in enumerate(runs) if run.error is None]
        for number in going:
            runs[number].open_epoch(clips, epoch)
        with float32_arithmetic(compute.precision):
            while ready := [number for number in going if runs[number].sizes]:
                for chosen in _of_equal_size(ready, runs):
                    _step(stack, chosen, runs, compute)
        for number in going:
            runs[number].close_epoch(epoch, epochs)
    first = members[0]
    stack.require_nothing_shared(
        first.network, clips.evaluation_batch(torch.as_tensor(first.indices[:ASKED]))
    )
    return [run.error or run.losses for run in runs]


class Stack:
    """K networks of one architecture; their parameters and buffers become views of shared ones.

    weights: (K, N), a network a row; rows: each row as a parameter of its own, for an optimiser;
    buffers: by name, each (K, ...).
    """

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        self.skeleton = copy.deepcopy(networks[0]).to("meta").train()
        parameters = [dict(network.named_parameters()) for network in networks]
        self.shapes = {name: parameter.shape for name, parameter in parameters[0].items()}
        self.sizes = [shape.numel() for shape in self.shapes.values()]
        self.weights = torch.stack(
            [torch.cat([p.detach().flatten() for p in own.values()]) for own in parameters]
        )
        self.rows = [nn.Parameter(row) for row in self.weights]
        buffers = [dict(network.named_buffers()) for network in networks]
        self.buffers = {name: torch.stack([own[name] for own in buffers]) for name in buffers[0]}
        for number, (own, kept) in enumerate(zip(parameters, buffers, strict=True)):
            parts = self.weights[number].split(self.sizes)
            for parameter, part in zip(own.values(), parts, strict=True):
                parameter.data = part.view(parameter.shape)
            for name, buffer in kept.items():
                buffer.data = self.buffers[name][number]

    def evaluate(
        self, chosen: Sequence[int], inputs: Tensor, compute: ComputeConfig
    ) -> tuple[Tensor, Tensor]:
        """S chosen networks in training mode, each on its batch of inputs (S, B, ...).

        Returns logits (S, B, classes) and the weights (S, N) that the gradient is of.
        """
        everyone = len(chosen) == len(self.rows)  # then nothing is copied
        place = slice(None) if everyone else torch.as_tensor(chosen, device=self.weights.device)
        weights = self.weights[place].detach().requires_grad_()
        parameters = {
            name: part.view(len(chosen), *shape)
            for part, (name, shape) in zip(
                weights.split(self.sizes, 1), self.shapes.items(), strict=True
            )
        }
        buffers = {name: buffer[place] for name, buffer in self.buffers.items()}
        half = compute.precision == "bf16"
        with torch.autocast(inputs.device.type, torch.bfloat16, enabled=half):
            logits = vmap(self._call)(parameters, buffers, inputs)
        if not everyone:  # batch norm has moved the running statistics of copies
            for name, buffer in buffers.items():
                self.buffers[name][place] = buffer
        return logits.float() if half else logits, weights

    @torch.no_grad()
    def require_nothing_shared(self, network: nn.Module, inputs: Tensor) -> None:
        """BenchError where in training mode the first network by itself gives another output."""
        kept = copy.deepcopy(network.state_dict())
        with float32_arithmetic("fp32"):
            with seeded(0):
                alone = network.train()(inputs)
            network.load_state_dict(kept)
            weights = {name: each.detach() for name, each in network.named_parameters()}
            buffers = {name: each.clone() for name, each in network.named_buffers()}
            with seeded(0):
                stacked = self._call(weights, buffers, inputs)
        if learn_otherwise(alone, stacked):
            raise BenchError(
                "in training the network keeps something that is neither weight nor buffer (a "
                "count of its calls, say), which folds trained together share: register it as a "
                "buffer, or train them one by one (compute.folds_at_once=1)"
            )

    def _call(
        self, parameters: dict[str, Tensor], buffers: dict[str, Tensor], inputs: Tensor
    ) -> Tensor:
        return functional_call(self.skeleton, (parameters, buffers), (inputs,))


@dataclass
class Run:
    """The training of one member so far. sizes: of the epoch's batches that are still to come."""

    member: Member
    course: Course
    row: nn.Parameter
    sizes: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    error: LossDiverged | None = None

    def __post_init__(self) -> None:
        self.optimiser = self.course.way.optimiser(nn.ParameterList([self.row]))
        self.batches: Iterator[Batch] = iter(())
        self.steps: list[Tensor] = []

    def open_epoch(self, clips: Tensors, epoch: int) -> None:
        """Sets the learning rate, and gets the batches ready."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.course.way.rate(epoch)
        indices, generator = self.course.batches(epoch)
        self.sizes = [len(batch) for batch in indices]
        self.batches = iter(clips.augmented(indices, generator))
        self.steps = []

    def next_batch(self) -> Batch:
        """The next clips and labels of this epoch."""
        self.sizes.pop(0)
        return next(self.batches)

    def update(self, gradient: Tensor, loss: Tensor) -> None:
        """Moves the weights along their gradient, (N,)."""
        self.row.grad = gradient
        self.optimiser.step()
        self.row.grad = None
        self.steps.append(loss)

    def close_epoch(self, epoch: int, epochs: int) -> None:
        """Keeps the epoch's mean loss, or that it is no finite number."""
        try:
            self.losses.append(mean_loss(self.steps, epoch))
        except LossDiverged as error:
            self.error = error
        else:
            self.member.on_epoch(epoch + 1, epochs)


def _of_equal_size(ready: Sequence[int], runs: Sequence[Run]) -> list[list[int]]:
    """The members whose next batches have the same size, together."""
    groups: dict[int, list[int]] = {}
    for number in ready:
        groups.setdefault(runs[number].sizes[0], []).append(number)
    return list(groups.values())


def _step(stack: Stack, chosen: Sequence[int], runs: Sequence[Run], compute: ComputeConfig) -> None:
    """One update of every chosen network on its next batch."""
    taken = [runs[number].next_batch() for number in chosen]
    logits, weights = stack.evaluate(chosen, torch.stack([inputs for inputs, _ in taken]), compute)
    losses = torch.stack(
        [
            runs[number].course.way.loss(own, labels)
            for number, own, (_, labels) in zip(chosen, logits, taken, strict=True)
        ]
    )
    (gradients,) = torch.autograd.grad(losses.sum(), [weights])
    if clip := runs[chosen[0]].course.way.clip:  # each network's own norm
        norms = gradients.norm(dim=1, keepdim=True)
        gradients.mul_((clip / (norms + NORM_EPS)).clamp(max=1))
    for number, gradient, loss in zip(chosen, gradients, losses.detach(), strict=True):
        runs[number].update(gradient, loss)
