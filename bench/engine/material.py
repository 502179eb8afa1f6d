"""What a unit works on: the clips of its job as tensors, the network that its fold trains."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from bench.data.clips import Clip, ClipSet
from bench.data.sources import load, used_labels
from bench.data.stills.inputs import flow_tops
from bench.engine.recorded import require_own_clips
from bench.models.pretrained import start_from_pretrained
from bench.runs.job import Job
from bench.runs.searches import read_genotype
from bench.seeds import derive_seed
from bench.system.provenance import machine
from bench.training.initial import initialised
from bench.training.tensors import ClipTensors, StillTensors, Tensors


def job_clips(job: Job) -> tuple[ClipSet, Tensors]:
    """The clips of a run and its networks' input on its device, with the labels it uses.

    Raises BenchError where they are not those that the run began with.
    """
    still = job.method.still
    clip_set, arrays = load(job.source, job.config.data, still)
    require_own_clips(job, clip_set)
    known = used_labels(clip_set.clips, job.config.data, job.seed)
    labels, classes = torch.tensor(known, device=job.device), len(clip_set.classes)
    tensor = torch.from_numpy(arrays).to(job.device)
    if still:
        tops, data = flow_tops(clip_set.clips, still), job.config.data
        return clip_set, StillTensors.of(tensor, still, labels, classes, data, tops)
    return clip_set, ClipTensors(
        videos=tensor, labels=labels, settings=job.config.data, classes=classes
    )


def network_builder(job: Job, fold: str, classes: int) -> Callable[[], nn.Module]:
    """Builds what a fold trains: with the genotype of its search, where the method has one."""
    search = job.searches.of(fold)
    found = search in job.searches.names
    genotype = read_genotype(job.folder.genotype(search)) if found else None
    return job.method.builder(job.config, classes, genotype)


def initial_network(
    job: Job, fold: str, classes: int, part: str, tested: Sequence[Clip] = ()
) -> nn.Module:
    """The network of a fold before it is trained, on the device of the job.

    Its weights are drawn, or those of `train.pretrained`. part: what it will be trained on, which
    seeds them; tested: the clips that it will be tested on.
    """
    way = job.config.train.initial_weights if job.method.searches else "in_order"
    seed = derive_seed(job.seed, "derived", part)
    network = initialised(network_builder(job, fold, classes), seed, way)
    start_from_pretrained(network, job.config, tested, job.source.cache)
    return network.to(job.device)


def made_on(job: Job) -> dict[str, Any]:
    """What the record of a unit says of the machine that did it."""
    return machine(job.device, job.method.threads or torch.get_num_threads())
