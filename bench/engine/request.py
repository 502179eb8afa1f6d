"""What a `bench run` asks for, as jobs: one per variant and seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from baselines.fixed import StillInput
from bench.config.loading import means_the_same
from bench.config.settings import HASH_DIGITS, Config, DataConfig
from bench.data.clips import ClipSet
from bench.data.sources import Progress, Source, planned_set, prepare
from bench.data.videos import clip_settings
from bench.engine.executing.executors import Executor
from bench.engine.executing.pools import RemoteExecutor
from bench.engine.listening import RunListener
from bench.engine.plan import ALL_PHASES, Task, plan
from bench.errors import BenchError, DataError, UsageError, unknown_name
from bench.methods import registry
from bench.methods.released import released_config, trains_on_other_sets
from bench.methods.variants import RANDOM_PREFIX
from bench.models.pretrained import genotype_in
from bench.protocol.splits import folds_of
from bench.runs.folder import RunFolder, run_folder
from bench.runs.job import Job
from bench.runs.record import read_run_file


@dataclass(frozen=True)
class Request:
    """What a `bench run` asks for: every variant with every seed.

    processes: how many units at a time, None: as `executor_for` finds best; executor: who performs
    them, None: as before, by its name; listeners: who hears of them, by name; only: the folds to
    do, all where it is empty; own: the settings of variants whose training is not that of `config`.
    """

    variants: tuple[str, ...]
    source: Source
    preset: str
    config: Config
    seeds: tuple[int, ...]
    runs: Path
    device: str
    processes: int | None = None
    executor: Executor | None = None
    executor_name: str = ""
    listeners: Mapping[str, RunListener] = field(default_factory=dict)
    only: tuple[str, ...] = ()
    own: Mapping[str, Config] = field(default_factory=dict)

    def config_of(self, variant: str) -> Config:
        """The settings of a variant's runs."""
        return self.own.get(variant, self.config)

    def under(self, config: Config, *variants: str) -> Request:
        """The same of these variants under other settings."""
        return replace(self, variants=variants, config=config, own={})


@dataclass(frozen=True)
class Prepared:
    """The jobs of a request with the clips that they share, and how it asks for their work."""

    jobs: tuple[Job, ...]
    clip_set: ClipSet
    fingerprint: str
    processes: int | None = None
    executor: Executor | None = None
    executor_name: str = ""
    listeners: Mapping[str, RunListener] = field(default_factory=dict)
    only: tuple[str, ...] = ()

    def tasks(self, phases: Sequence[str] = ALL_PHASES) -> tuple[Task, ...]:
        """The work of its jobs, dependencies first."""
        return tuple(task for job in self.jobs for task in plan(job, phases, self.only))


def prepare_jobs(request: Request, progress: Progress) -> Prepared:
    """Reads and preprocesses the clips, and lays out one job per variant and seed.

    An executor on other machines preprocesses them there, as the first units of the plan.
    """
    elsewhere = isinstance(request.executor, RemoteExecutor)
    asked: dict[DataConfig, list[StillInput | None]] = {}
    for method in map(registry.variant, request.variants):
        asked.setdefault(method.data(request.config), []).extend(method.inputs)
    found = [
        prepare(request.source, data, progress, () if elsewhere else inputs, request.processes)
        for data, inputs in asked.items()
    ]
    clip_set, fingerprint = found[0]  # the same clips, whatever is made of them
    problems = dict.fromkeys(problem for clips, _ in found for problem in clips.problems)
    clip_set = replace(clip_set, problems=tuple(problems))
    return Prepared(
        jobs=jobs_of(request, clip_set),
        clip_set=clip_set,
        fingerprint=fingerprint,
        processes=request.processes,
        executor=request.executor,
        executor_name=request.executor_name,
        listeners=request.listeners,
        only=request.only,
    )


def laid_out(request: Request) -> Prepared:
    """The jobs before anything is made of clips, and before clips are generated."""
    clip_set = planned_set(request.source, request.config.data)
    jobs = jobs_of(request, clip_set)
    return Prepared(jobs=jobs, clip_set=clip_set, fingerprint="", only=request.only)


def jobs_of(request: Request, clip_set: ClipSet) -> tuple[Job, ...]:
    """One job per variant and seed on these clips.

    Raises DataError where a network is to be trained on other data sets and there are none,
    UsageError where the request names a fold that is none.
    """
    configs = {
        variant: _config(variant, request.config_of(variant), clip_set)
        for variant in request.variants
    }
    for variant, config in configs.items():
        sets = {clip.dataset for clip in clip_set.clips}
        if trains_on_other_sets(variant, config) and config.protocol.split != "loso":
            raise UsageError(
                f"{variant}: its released code leaves one subject out and trains on the other data "
                "sets alone; take protocol.split=loso, or as_released=false"
            )
        if trains_on_other_sets(variant, config) and len(sets) < 2:
            raise DataError(
                f"{variant}: its released code trains on the other data sets alone, and "
                f"{request.source.label} is one; take a composite, or as_released=false"
            )
    places = {
        variant: _configuration_folders(request, variant, config)
        for variant, config in configs.items()
    }
    folds = tuple(fold.name for fold in folds_of(clip_set, request.config.protocol))
    for name in request.only:
        if name not in folds:
            raise unknown_name("fold", name, folds)
    return tuple(
        Job(
            folder=_folder_of(places[variant], seed),
            variant=variant,
            source=request.source,
            preset=request.preset,
            config=configs[variant],
            seed=seed,
            device=request.device,
            folds=folds,
            clips=len(clip_set.clips),
        )
        for variant in request.variants
        for seed in request.seeds
    )


def _config(variant: str, asked: Config, clip_set: ClipSet) -> Config:
    """The settings of a variant's runs on these clips, which decide some of them."""
    config = released_config(variant, asked)
    if registry.variant(variant).still:
        return config
    return replace(config, data=clip_settings(config.data, clip_set.clips))


def _configuration_folders(request: Request, variant: str, config: Config) -> tuple[Path, ...]:
    """Where the seeds of these settings lie, the folder for further seeds first.

    The settings name one; an earlier version named it by another hash.
    """
    source = request.source
    named = (source.label, source.surrogate, variant, request.preset, config.hash)
    own = run_folder(request.runs, *named, seed=0).path.parent
    others = sorted(own.parent.glob(f"{request.preset}-{'?' * HASH_DIGITS}"))
    alike = [place for place in others if means_the_same(config, _recorded_settings(place))]
    older = [place for place in alike if place != own]
    return (own, *older) if own.exists() else (*older, own)


def _recorded_settings(configuration: Path) -> Any:
    """The settings in the first `run.json` of a configuration's seeds that can be read, or None."""
    for record in sorted(configuration.glob("seed*/run.json")):
        with suppress(BenchError):
            return read_run_file(RunFolder(record.parent)).config
    return None


def _folder_of(places: Sequence[Path], seed: int) -> RunFolder:
    """The folder in which a seed was begun, or is to begin."""
    folders = [RunFolder(place / f"seed{seed}") for place in places]
    return next((folder for folder in folders if folder.run.exists()), folders[0])


def check_methods(request: Request) -> None:
    """Raises BenchError or MethodError where a variant cannot be built, before a clip is read."""
    for variant in request.variants:
        registry.variant(variant).check(request.config_of(variant))


def searching_variants(variants: Sequence[str]) -> tuple[str, ...]:
    """Those of the variants that have something to search; UsageError where none has."""
    found = tuple(name for name in variants if registry.variant(name).searches)
    if not found:
        told = (f"{name} {registry.variant(name).without_search}" for name in variants)
        raise UsageError(
            f"nothing to search: {', '.join(told)}; use `bench run` or `bench evaluate`"
        )
    return found


def check_genotype_file(request: Request, file: Path) -> None:
    """UsageError where the file holds no genotype of every variant's space.

    A random control draws its own: with another one it would still stand for chance.
    """
    for variant in request.variants:
        if registry.variant(variant).control:
            searched = variant.removeprefix(RANDOM_PREFIX)
            raise UsageError(
                f"--genotype: {variant} is a random control and draws its architecture: give the "
                f"file to {searched}, or leave it out"
            )
        genotype_in(file, registry.variant(variant).configured_space(request.config))
