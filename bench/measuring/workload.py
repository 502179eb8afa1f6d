"""The calls that are measured: inference, and one update as in training or in the search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from baselines.fixed import Recipe
from bench.config.settings import Config, TrainConfig
from bench.seeds import seeded
from bench.training.compute import accelerated
from bench.training.procedure import procedure
from rnas.search import Searcher
from rnas.settings import SearchSettings
from rnas.supernet import Supernet

Call = Callable[[], object]


@dataclass(frozen=True)
class Workload:
    """A network and its input. It is picklable, so that another process can measure it.

    input_shape: (C, T, H, W) of one clip, (C, S, S) of a still; `config`: precision, compilation,
    and optimisers where `training` is None; resizable: whether the network takes smaller clips.
    """

    build: Callable[[], nn.Module]
    input_shape: tuple[int, ...]
    classes: int
    device: str = "cpu"
    config: Config = field(default_factory=Config)
    training: TrainConfig | Recipe | None = None
    resizable: bool = True

    def network(self) -> nn.Module:
        """The network on its device, with the same weights every time."""
        with seeded(0):
            return self.build().to(self.device)

    def batch(self, size: int) -> tuple[Tensor, Tensor]:
        """Noise, (size, *input_shape), and labels that cycle through the classes."""
        generator = torch.Generator().manual_seed(0)
        clips = torch.randn(size, *self.input_shape, generator=generator)
        return clips.to(self.device), (torch.arange(size) % self.classes).to(self.device)


def inference(workload: Workload, size: int) -> Call:
    """One forward pass of `size` clips, without gradients."""
    network = workload.network().eval()
    evaluate = accelerated(network, workload.config.compute)
    clips, _ = workload.batch(size)

    @torch.inference_mode()
    def call() -> None:
        evaluate(clips)

    return call


def update(workload: Workload, size: int) -> Call:
    """One update of the weights on a batch of `size` clips.

    For a supernet it is a search step: the architecture on one batch, then the weights on another.
    For other networks it is a training step: forward, backward, clipping, SGD with momentum, or
    whatever the network's own recipe says.
    """
    network = workload.network().train()
    evaluate = accelerated(network, workload.config.compute)
    clips, labels = workload.batch(size)
    if isinstance(network, Supernet):
        searcher = Searcher(network, SearchSettings(), evaluate)

        def search_step() -> None:
            searcher.step_architecture(clips, labels)
            searcher.step_weights(clips, labels)

        return search_step
    way = procedure(workload.training or workload.config.train)
    optimiser = way.optimiser(network)

    def step() -> None:
        way.step(evaluate, optimiser, (clips, labels))

    return step
