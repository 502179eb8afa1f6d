"""What a unit will need of a machine: memory of a card, and time, before anything is trained."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from bench.config.settings import Config
from bench.engine.executing.working import Needs
from bench.engine.plan import FOLD, PREPARE, PROFILE, SEARCH, Unit
from bench.methods import registry
from bench.methods.classical import Estimated
from rnas.genotype import random_genotype

GIGA = 10**9

CARD_GB = 0.7
"""Memory of a card that every process takes: CUDA's context, and workspaces of cuDNN."""

BYTES_PER_WEIGHT = 16
"""Of a weight, its gradient, and at most two moments of the optimiser."""

GRADIENTS = 1.5
"""What the backward pass holds on top of what the forward pass kept, as a factor."""

PASSES = 3
"""A backward pass costs about two forward passes."""

GIGAMACS_PER_MINUTE = 120
"""Of one slow core, at small convolutions: a limit on time should cut no unit short."""

LEAST_MINUTES = 10.0
"""Of any unit: a process starts, reads the clips, and waits for the file system."""

CLASSES, PROBE = 3, 2
"""Of the network that is looked at, and clips that it sees."""


def estimated_needs(unit: Unit) -> Needs:
    """An estimate for a unit: the least for one that trains no network."""
    job = unit.job
    if unit.phase == PREPARE:
        return Needs(0.0, LEAST_MINUTES + job.clips)
    trains = unit.phase == SEARCH if job.method.learns else unit.phase in (FOLD, PROFILE)
    if isinstance(job.method, Estimated) or not (trains or unit.phase in (FOLD, PROFILE)):
        return Needs(0.0, LEAST_MINUTES)
    return _needs(job.variant, unit.phase == SEARCH, job.config, job.clips)


@lru_cache(maxsize=256)
def _needs(variant: str, searched: bool, config: Config, clips: int) -> Needs:
    """Of a search, or of a fold: its networks and supernets are of the same size for all."""
    method = registry.variant(variant)
    training = method.training(config)
    epochs, batch = (
        (config.search.epochs, config.search.batch)
        if searched
        else (training.epochs, training.batch)
    )
    build: Callable[[], nn.Module]
    if searched:  # the fast evaluation cannot be looked at without computing it
        plain = replace(config, search=replace(config.search, evaluation="reference"))
        build = method.supernet(plain, CLASSES)
    else:
        drawn = None
        if method.searches:
            drawn = random_genotype(method.configured_space(config), random.Random(0))
        build = method.builder(config, CLASSES, drawn)
    with torch.device("meta"):  # shapes alone, nothing is computed
        network = build()
        seen = torch.empty(PROBE, *method.input_shape(config))
    kept, macs = _step(network, seen)
    weights = sum(parameter.numel() for parameter in network.parameters())
    memory = kept * batch * GRADIENTS + weights * BYTES_PER_WEIGHT
    minutes = PASSES * macs * max(clips, 1) * epochs / GIGA / GIGAMACS_PER_MINUTE
    return Needs(CARD_GB + memory / GIGA, LEAST_MINUTES + minutes)


def _step(network: nn.Module, clips: Tensor) -> tuple[float, float]:
    """Bytes that a forward pass keeps for the backward pass, and its MACs, of one clip."""
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[id(tensor)] = tensor  # held, so that no other takes its identity
        return tensor

    counter = FlopCounterMode(display=False)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor), counter:
        network.train()(clips)
    sizes = (tensor.numel() * tensor.element_size() for tensor in kept.values())
    return sum(sizes) / len(clips), counter.get_total_flops() / 2 / len(clips)
