"""What a unit works on: the clips of its job as tensors, the network that its fold trains."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from bench.data.clips import ClipSet
from bench.data.sources import load, used_labels
from bench.runs.job import Job
from bench.runs.searches import read_genotype
from bench.system.provenance import machine
from bench.training.tensors import ClipTensors, StillTensors, Tensors


def job_clips(job: Job) -> tuple[ClipSet, Tensors]:
    """The clips of a run and its networks' input on its device, with the labels it uses."""
    still = job.method.still
    clip_set, arrays = load(job.source, job.config.data, still)
    known = used_labels(clip_set.clips, job.config.data, job.seed)
    labels, classes = torch.tensor(known, device=job.device), len(clip_set.classes)
    tensor = torch.from_numpy(arrays).to(job.device)
    if still:
        return clip_set, StillTensors.of(tensor, still, labels=labels, classes=classes)
    return clip_set, ClipTensors(
        videos=tensor, labels=labels, settings=job.config.data, classes=classes
    )


def network_builder(job: Job, fold: str, classes: int) -> Callable[[], nn.Module]:
    """Builds what a fold trains: with the genotype of its search, where the method has one."""
    search = job.searches.of(fold)
    found = search in job.searches.names
    genotype = read_genotype(job.folder.genotype(search)) if found else None
    return job.method.builder(job.config, classes, genotype)


def made_on(job: Job) -> dict[str, Any]:
    """What the record of a unit says of the machine that did it."""
    return machine(job.device, job.method.threads or torch.get_num_threads())
