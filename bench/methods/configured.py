"""What the phases of a run share: its method as configured, its clips as tensors, its genotypes."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

from baselines.fixed import Recipe
from bench.config.settings import ComputeConfig, Config, TrainConfig
from bench.errors import BenchError, UsageError
from bench.methods import registry
from rnas.fast.supernet import FastSupernet
from rnas.sizes import fit_channels
from rnas.space import SearchSpace
from rnas.supernet import Supernet


@lru_cache(maxsize=64)
def configured_space(variant: str, config: Config) -> SearchSpace:
    """The search space of a variant under the settings of a run.

    Raises UsageError for an unknown variant or a fixed network, MethodError for settings the space
    cannot have.
    """
    space, settings = registry.variant(variant).space, config.space
    if space is None:
        raise UsageError(f"{variant} is a fixed network and has no search space")
    named = {name: getattr(settings, name) for name in ("kernels", "dilated", "attention_form")}
    changes: dict[str, Any] = {name: value for name, value in named.items() if value != "own"}
    if settings.derived_partial != "own":
        changes["derived_partial"] = settings.derived_partial == "true"
    if settings.nodes:
        changes["nodes"] = settings.nodes
    if settings.channels:
        changes["channels"] = settings.channels
    space = space.resized(**changes)
    if settings.size == "published":
        if not space.size_target:
            raise BenchError(
                f"{variant}: Table 5 publishes no size for it; use --set space.size=same"
            )
        space = fit_channels(space, space.size_target)
    return space


def training_settings(variant: str, config: Config) -> TrainConfig | Recipe:
    """How a run trains the networks of a variant: as `train.*` says, or by its own recipe."""
    network, settings = registry.variant(variant).network, config.train
    if network is None or network.recipe is None or settings.recipe == "harness":
        return settings
    return replace(
        network.recipe,
        epochs=min(settings.recipe_epochs or network.recipe.epochs, network.recipe.epochs),
        lr=settings.recipe_lr or network.recipe.lr,
    )


def compute_settings(variant: str, config: Config) -> ComputeConfig:
    """How a run computes the networks of a variant that it trains fold by fold."""
    network = registry.variant(variant).network
    possible = network is None or network.channels_last
    return replace(config.compute, channels_last=config.compute.channels_last and possible)


def input_shape(variant: str, config: Config) -> tuple[int, ...]:
    """Of one clip: (C, T, H, W) under the settings of a run, or (C, S, S) of a still."""
    still = registry.variant(variant).still
    data = config.data
    return still.shape if still else (3, data.frames, data.size, data.size)


EVALUATIONS = {"fast": FastSupernet, "reference": Supernet}
"""Two evaluations of the same supernet; they share parameters and checkpoints."""
