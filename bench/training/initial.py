"""Initial weights that do not depend on what else a network holds."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from bench.seeds import derive_seed, seeded


def initialised(build: Callable[[], nn.Module], seed: int, way: str) -> nn.Module:
    """A network with the initial weights of a seed; way: `train.initial_weights`."""
    with seeded(seed):
        network = build()
    if way == "by_name":
        draw_by_name(network, seed)
    return network


def draw_by_name(network: nn.Module, seed: int) -> None:
    """Draws each layer's weights from a seed of its own, that of its name, in place.

    Networks that differ in a part then start alike wherever names and shapes agree: drawn one after
    the other, all layers behind the difference would start from other weights.
    """
    with seeded(seed):
        for name, layer in network.named_modules():
            if callable(reset := getattr(layer, "reset_parameters", None)):
                torch.manual_seed(derive_seed(seed, "weights", name))
                reset()
