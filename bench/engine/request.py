"""What a `bench run` asks for, as jobs: one per variant and seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.config.settings import Config
from bench.data.clips import ClipSet
from bench.data.sources import Progress, Source, prepare
from bench.errors import DataError, UsageError
from bench.methods import registry
from bench.methods.released import released_config, trains_on_other_sets
from bench.protocol.splits import leave_one_subject_out
from bench.runs.folder import run_folder
from bench.runs.job import Job
from rnas.genotype import Genotype, check_genotype


@dataclass(frozen=True)
class Request:
    """What a `bench run` asks for: every variant with every seed.

    processes: how many units at a time, None: as `executor_for` finds best.
    """

    variants: tuple[str, ...]
    source: Source
    preset: str
    config: Config
    seeds: tuple[int, ...]
    runs: Path
    device: str
    processes: int | None = None


@dataclass(frozen=True)
class Prepared:
    """The jobs of a request with the clips that they share, and the processes it asks for."""

    jobs: tuple[Job, ...]
    clip_set: ClipSet
    fingerprint: str
    processes: int | None = None


def prepare_jobs(request: Request, progress: Progress) -> Prepared:
    """Reads and preprocesses the clips, and lays out one job per variant and seed."""
    stills = [registry.variant(name).still for name in request.variants]
    clip_set, fingerprint = prepare(
        request.source, request.config.data, progress, stills, request.processes
    )
    return Prepared(jobs_of(request, clip_set), clip_set, fingerprint, request.processes)


def jobs_of(request: Request, clip_set: ClipSet) -> tuple[Job, ...]:
    """One job per variant and seed on these clips.

    Raises DataError where a network is to be trained on other data sets and there are none.
    """
    configs = {variant: released_config(variant, request.config) for variant in request.variants}
    for variant, config in configs.items():
        sets = {clip.dataset for clip in clip_set.clips}
        if trains_on_other_sets(variant, config) and len(sets) < 2:
            raise DataError(
                f"{variant}: its released code trains on the other data sets alone, and "
                f"{request.source.label} is one; take a composite, or as_released=false"
            )
    folds = tuple(fold.name for fold in leave_one_subject_out(clip_set.clips))
    return tuple(
        Job(
            folder=run_folder(
                request.runs,
                request.source.label,
                request.source.surrogate,
                variant,
                request.preset,
                configs[variant].hash,
                seed,
            ),
            variant=variant,
            source=request.source,
            preset=request.preset,
            config=configs[variant],
            seed=seed,
            device=request.device,
            folds=folds,
        )
        for variant in request.variants
        for seed in request.seeds
    )


def check_methods(request: Request) -> None:
    """Raises BenchError or MethodError where a variant cannot be built, before a clip is read."""
    for variant in request.variants:
        registry.variant(variant).check(request.config)


def searching_variants(variants: Sequence[str]) -> tuple[str, ...]:
    """Those of the variants that have something to search; UsageError where none has."""
    found = tuple(name for name in variants if registry.variant(name).searches)
    if not found:
        raise UsageError(
            f"nothing to search: {', '.join(variants)} "
            f"{'is a fixed network' if len(variants) == 1 else 'are fixed networks'}; use "
            "`bench run` or `bench evaluate`"
        )
    return found


def check_genotype_file(request: Request, file: Path) -> None:
    """Raises MethodError where the file holds no genotype of every variant's space."""
    genotype = Genotype.from_json(file.read_text(errors="replace"))
    for variant in request.variants:
        check_genotype(genotype, registry.variant(variant).configured_space(request.config))
