"""What the phases of a run share: its method as configured, its clips as tensors, its genotypes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any

import torch
from torch import nn

from baselines.fixed import Recipe
from bench import registry
from bench.config.settings import ComputeConfig, Config, TrainConfig
from bench.data.clips import ClipSet
from bench.data.sources import load, used_labels
from bench.errors import BenchError, UsageError
from bench.runs.job import Job
from bench.runs.searches import read_genotype
from bench.training import ClipTensors, StillTensors, Tensors
from rnas.derived import DerivedNetwork
from rnas.sizes import fit_channels
from rnas.space import SearchSpace

Report = Callable[[str, int, int], None]
"""Called with (what, done, total)."""


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


def job_clips(job: Job) -> tuple[ClipSet, Tensors]:
    """The clips of a run and its networks' input on its device, with the labels it uses."""
    still = registry.variant(job.variant).still
    clip_set, arrays = load(job.source, job.config.data, still)
    common = {
        "labels": torch.tensor(
            used_labels(clip_set.clips, job.config.data, job.seed), device=job.device
        ),
        "classes": len(clip_set.classes),
    }
    tensor = torch.from_numpy(arrays).to(job.device)
    if still:
        return clip_set, StillTensors.of(tensor, still, **common)
    return clip_set, ClipTensors(videos=tensor, settings=job.config.data, **common)


def network_builder(job: Job, fold: str, classes: int) -> Callable[[], nn.Module]:
    """Builds what a fold trains: the fixed network, or the one that its search decoded."""
    network = registry.variant(job.variant).network
    if network is not None:
        return partial(network.build, classes)
    genotype = read_genotype(job.folder.genotype(job.search_fold(fold)))
    return partial(DerivedNetwork, configured_space(job.variant, job.config), genotype, classes)
