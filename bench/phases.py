"""What the phases of a run share: its search space, its clips as tensors, its genotypes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from bench import registry
from bench.config import Config
from bench.data.clips import ClipSet
from bench.errors import BenchError
from bench.files import read_json
from bench.plan import Job
from bench.protocol import Fold, leave_one_subject_out
from bench.sources import load, used_labels
from bench.training import ClipTensors
from rnas.genotype import Genotype
from rnas.sizes import fit_channels
from rnas.space import SearchSpace

Report = Callable[[str, int, int], None]
"""Called with (what, done, total)."""


@lru_cache(maxsize=64)
def configured_space(variant: str, config: Config) -> SearchSpace:
    """The search space of a variant under the settings of a run.

    Raises UsageError for an unknown variant, MethodError for settings the space cannot have.
    """
    space, settings = registry.variant(variant).space, config.space
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


def job_clips(job: Job) -> tuple[ClipSet, ClipTensors]:
    """The clips of a run and the same on its device, with the labels it uses."""
    clip_set, videos = load(job.source, job.config.data)
    labels = used_labels(clip_set.clips, job.config.data, job.seed)
    tensors = ClipTensors(
        videos=torch.from_numpy(videos).to(job.device),
        labels=torch.tensor(labels, device=job.device),
        classes=len(clip_set.classes),
        settings=job.config.data,
    )
    return clip_set, tensors


def named_fold(clip_set: ClipSet, name: str) -> Fold:
    """The fold of a name."""
    return next(fold for fold in leave_one_subject_out(clip_set.clips) if fold.name == name)


def people(clip_set: ClipSet) -> list[str]:
    """Per clip its subject with its data set, since two sets may share a name."""
    return [f"{clip.dataset}/{clip.subject}" for clip in clip_set.clips]


def subjects_among(clip_set: ClipSet, indices: Sequence[int]) -> list[str]:
    """The subjects of these clips, each once."""
    owners = people(clip_set)
    return list(dict.fromkeys(owners[index] for index in sorted(indices)))


def read_genotype(path: Path) -> Genotype:
    """The genotype in a `genotype.json`; BenchError or MethodError where it is none."""
    return Genotype.from_json(json.dumps(read_json(path)))


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seeds torch's global CPU generator inside a block: module initialisation draws from it."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield
