"""How long runs will take, from a few timed steps of their networks and supernets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from statistics import fmean

from bench.config.settings import ProtocolConfig
from bench.data.clips import ClipSet
from bench.engine.plan import FOLD, SEARCH, Unit
from bench.errors import UsageError
from bench.measuring.networks import SupernetTarget, Target
from bench.measuring.timing import measure
from bench.measuring.workload import update
from bench.protocol.splits import folds_of
from bench.runs.job import Job
from bench.training.compute import resolve_device
from rnas.genotype import Genotype

WARMUP, REPEATS = 1, 1
"""Steps of each network or supernet, untimed and timed."""

HALVES = 2
"""A search step sees a batch of either half of its clips."""


@dataclass(frozen=True)
class Estimate:
    """What runs have left to do: networks to train, searches, and the seconds of one process."""

    networks: int
    searches: int
    seconds: float


def estimate(
    jobs: Sequence[Job],
    clips: ClipSet,
    examples: Sequence[tuple[Job, Genotype]],
    searched: bool,
) -> Estimate:
    """What these runs of one search space have left to do.

    searched: whether they search, and are not given their genotypes; examples: networks like those
    that they train; a few stand for all. Steps on batches are timed: reading clips, predicting and
    starting processes come on top.
    """
    protocol = jobs[0].config.protocol if jobs else ProtocolConfig()
    folds = {fold.name: len(fold.train) for fold in folds_of(clips, protocol)}
    classes = len(clips.classes)
    left = [(job, name) for job in jobs for name in job.folds if not Unit(job, FOLD, name).done]
    steps = [
        job.method.training(job.config).epochs
        * ceil(folds[name] / job.method.training(job.config).batch)
        for job, name in left
    ]
    seconds = sum(steps) * fmean(_network_step(*each, classes) for each in examples) if left else 0
    learnt = [
        (job, name)
        for job in jobs
        for name in (job.searches.names if searched and job.method.learns else ())
        if not Unit(job, SEARCH, name).done
    ]
    for job, name in learnt[:1]:
        search = job.config.search
        seen = folds[name] if name else len(clips.clips)
        each = _step(SupernetTarget(job.variant, "", job.config, classes, ()), job.device)
        seconds += len(learnt) * search.epochs * ceil(seen / HALVES / search.batch) * each
    return Estimate(len(left), len(learnt), seconds)


def _network_step(job: Job, genotype: Genotype, classes: int) -> float:
    return _step(Target(job.variant, "", job.config, classes, (genotype,)), job.device)


def _step(target: Target, device: str) -> float:
    """Seconds of one update on a batch; on this machine's CPU where it has no such device."""
    try:
        device = resolve_device(device)
    except UsageError:
        device = "cpu"
    (workload,) = target.workloads(device)
    call = update(workload, target.batch)
    return measure(call, device, WARMUP, REPEATS).median_ms / 1000
