"""What a unit works on: the clips of its job as tensors, the network that its fold trains."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import nn

from bench.data.clips import ClipSet
from bench.data.sources import load, used_labels
from bench.methods import registry
from bench.methods.configured import configured_space
from bench.runs.job import Job
from bench.runs.searches import read_genotype
from bench.training.tensors import ClipTensors, StillTensors, Tensors
from rnas.derived import DerivedNetwork

Report = Callable[[str, int, int], None]
"""Called with (what, done, total)."""


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
