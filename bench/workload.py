"""What a network is measured at: inference, and one update as training or the search makes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from bench.compute import accelerated
from bench.config import Config
from bench.phases import seeded
from bench.training import sgd, training_step
from rnas.search import Searcher, SearchSettings
from rnas.supernet import Supernet

Call = Callable[[], None]


@dataclass(frozen=True)
class Workload:
    """A network and what it works on. It is picklable, so that another process can do it.

    input_shape: (C, T, H, W) of one clip; `config` gives the optimisers and the arithmetic.
    """

    build: Callable[[], nn.Module]
    input_shape: tuple[int, ...]
    classes: int
    device: str = "cpu"
    config: Config = field(default_factory=Config)

    def network(self) -> nn.Module:
        """The network on its device, the same weights every time."""
        with seeded(0):
            return self.build().to(self.device)

    def batch(self, size: int) -> tuple[Tensor, Tensor]:
        """Clips of noise, (size, C, T, H, W), and labels that take every class in turn."""
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

    A derived network makes a training step: forward, backward, clipping, SGD with momentum. A
    supernet makes a search step: the architecture on one batch, then the weights on another.
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
    settings = workload.config.train
    optimiser = sgd(network, settings)

    def step() -> None:
        training_step(evaluate, optimiser, (clips, labels), None, settings.clip)

    return step
