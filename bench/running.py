"""From a request to finished run folders: what to do, where, and what stands there already."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baselines.fixed import FixedNetwork
from bench import registry
from bench.config.settings import Config
from bench.data.clips import ClipSet
from bench.data.sources import Progress, Source, landmarks_digest, magnifier_digest, prepare
from bench.errors import BenchError, DataError, UsageError
from bench.executor import Executor, Failure, Listener, ProcessExecutor, SerialExecutor
from bench.plan import ALL_PHASES, FOLD, SEARCH, Unit, plan
from bench.protocol.splits import leave_one_subject_out
from bench.released import released_config, trains_on_other_sets
from bench.runs.checksums import file_sums, forget_missing, seal
from bench.runs.folder import FORMAT, GIVEN, run_folder
from bench.runs.job import Job
from bench.runs.marks import run_marks
from bench.runs.record import trained_network
from bench.system.files import read_json, write_json
from bench.system.machine_lock import machine_in_use
from bench.system.processes import usable_cores
from bench.system.provenance import now, provenance
from rnas.errors import MethodError
from rnas.genotype import Genotype, check_genotype

if TYPE_CHECKING:
    from torch import nn

WORDS = ("summary", "groups", "marks", "size_target")
"""What a search space says of itself without any effect on a run."""

DECISIVE = ("git_commit", "packages", "cpu", "device", "gpu", "threads")
"""Of where a run was made, what may change its numbers, if only in the last digits."""

WORTH_PROCESSES = 5_000
"""Clips that networks see in training, each time counted, from which on several processes train
them: starting those takes seconds, in which the smallest network sees as many."""


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


def resolve_device(name: str) -> str:
    """`auto`, `cpu` or `cuda` -> a torch device; UsageError where there is no such GPU."""
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise UsageError(
            f"--device cuda: torch {torch.__version__} sees no CUDA GPU here; use --device cpu, "
            "or install a CUDA build of torch on a machine with a GPU"
        )
    return name


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
    """Raises where the settings do not fit a variant, or its network cannot be loaded, before any
    clip is read."""
    from bench.phases import configured_space

    for variant in request.variants:
        network = registry.variant(variant).network
        if network is None:
            configured_space(variant, request.config)
        else:
            _build(network, classes=3)


def _build(network: FixedNetwork, classes: int) -> nn.Module:
    """The network; BenchError where it cannot be loaded or built."""
    try:
        return network.build(classes)
    except MethodError:
        raise
    except Exception as error:  # a user's module may fail in any way; say whose it is
        raise BenchError(
            f"{network.name}: {network.network} cannot be built for {classes} classes: "
            f"{type(error).__name__}: {' '.join(str(error).split())}"
        ) from error


def searching_variants(variants: Sequence[str]) -> tuple[str, ...]:
    """Those of the variants that have something to search; UsageError where none has."""
    found = tuple(name for name in variants if registry.variant(name).kind != "fixed")
    if not found:
        raise UsageError(
            f"nothing to search: {', '.join(variants)} "
            f"{'is a fixed network' if len(variants) == 1 else 'are fixed networks'}; use "
            "`bench run` or `bench evaluate`"
        )
    return found


def check_genotype_file(request: Request, file: Path) -> None:
    """Raises MethodError where the file holds no genotype of every variant's space."""
    from bench.phases import configured_space

    genotype = Genotype.from_json(file.read_text(errors="replace"))
    for variant in request.variants:
        check_genotype(genotype, configured_space(variant, request.config))


def adopt_genotype(job: Job, file: Path) -> None:
    """Puts a genotype of the user's in place of the job's own search.

    Raises MethodError where the file holds none of the variant's space, BenchError where the job
    has another genotype already.
    """
    from bench.phases import configured_space
    from bench.runs.searches import genotype_record, read_genotype

    genotype = read_genotype(file)
    space = configured_space(job.variant, job.config)
    record = {**genotype_record(job, space, check_genotype(genotype, space)), GIVEN: str(file)}
    for fold in dict.fromkeys(job.search_fold(fold) for fold in job.folds):
        place = job.folder.genotype(fold)
        if place.exists() and read_genotype(place) != genotype:
            raise BenchError(
                f"{place} holds another genotype; replace it with --force, or choose another "
                "folder with --runs"
            )
        write_json(place, record)


def require_genotypes(jobs: Sequence[Job]) -> None:
    """Raises BenchError where a job has not been searched yet."""
    for job in filter(lambda job: job.searches, jobs):
        missing = [
            fold for fold in job.folds if not job.folder.genotype(job.search_fold(fold)).exists()
        ]
        if missing:
            raise BenchError(
                f"{job.title}: nothing decoded in {job.folder.path} yet; run `bench search` or "
                "`bench run` with the same options first, or name a --genotype file"
            )


def executor_for(prepared: Prepared, units: Sequence[Unit]) -> Executor:
    """Who performs these units: this process, or several where they were asked for.

    Fixed networks are too small for several threads: on a CPU their folds go to as many processes
    as it has cores, where they train long enough that starting them is worth it.
    """
    if prepared.processes is not None:
        return ProcessExecutor(prepared.processes)
    alone = any(job.searches or job.device != "cpu" for job in prepared.jobs)
    if alone or _clips_seen(prepared, units) < WORTH_PROCESSES:
        return SerialExecutor()
    processes = min(usable_cores(), len(units))
    return ProcessExecutor(processes) if processes > 1 else SerialExecutor()


def _clips_seen(prepared: Prepared, units: Sequence[Unit]) -> int:
    """By the networks that these units train, each clip in each epoch."""
    from bench.phases import training_settings

    folds = [unit.job for unit in units if unit.phase == FOLD]
    epochs = sum(training_settings(job.variant, job.config).epochs for job in folds)
    return epochs * len(prepared.clip_set.clips)


def execute(
    prepared: Prepared,
    executor: Executor,
    listener: Listener,
    phases: Sequence[str] = ALL_PHASES,
    force: bool = False,
    genotypes: Mapping[Job, Path] | None = None,
) -> tuple[Failure, ...]:
    """Does what is missing of every job; returns what failed (also kept in `failures.json`).

    `force` starts over: a search that is not among the phases is kept, unless a file of `genotypes`
    takes its place.

    Raises BenchError where a run folder cannot be written, belongs to another configuration or is
    being worked on by another process, and while a timing run has the machine to itself.
    """
    from bench.units import perform

    keeps_search = SEARCH not in phases and not genotypes
    with ExitStack() as locks:
        locks.enter_context(machine_in_use())
        for job in prepared.jobs:
            locks.enter_context(job.folder.lock())
        before = {job: file_sums(job.folder) for job in prepared.jobs}
        for job in prepared.jobs:
            if force and not keeps_search:
                job.folder.clear()
            _open_run(job, prepared, executor)
            if force and keeps_search:
                job.folder.clear_evaluation()
            forget_missing(job.folder)
            if not all(task.unit.done for task in plan(job, phases)):
                _note_other_maker(job, executor)
        for job, file in (genotypes or {}).items():
            adopt_genotype(job, file)
        tasks = [task for job in prepared.jobs for task in plan(job, phases)]
        failures = executor.run(tasks, perform, listener)
        for job in prepared.jobs:
            _record_failures(job, failures)
            seal(job.folder, before[job])
    return failures


def _open_run(job: Job, prepared: Prepared, executor: Executor) -> None:
    """Writes `run.json`, or checks that the one there describes this very run."""
    if not job.folder.run.exists():
        write_json(job.folder.run, _run_record(job, prepared, executor))
        return
    run = read_json(job.folder.run)
    expected = {
        "config": job.config.to_dict(),
        "data.fingerprint": prepared.fingerprint,
        "data.classes": list(prepared.clip_set.classes),
        "data.magnifier": magnifier_digest(job.config.data),
        "data.landmarks": landmarks_digest(job.config.data),
        "folds": list(job.folds),
        "space": _space_record(job),
        "network": trained_network(_network_record(job, prepared)),
    }
    found = {
        "config": run.get("config"),
        "data.fingerprint": run.get("data", {}).get("fingerprint"),
        "data.classes": run.get("data", {}).get("classes"),
        "data.magnifier": run.get("data", {}).get("magnifier"),
        "data.landmarks": run.get("data", {}).get("landmarks"),
        "folds": run.get("folds"),
        "space": run.get("space"),
        "network": trained_network(run.get("network")),
    }
    differing = [key for key, value in expected.items() if found[key] != value]
    if differing:
        raise BenchError(
            f"{job.folder.path} holds a run of another configuration ({', '.join(differing)} "
            "differ); start it anew with `bench run --force`, or choose another folder with --runs"
        )


def _note_other_maker(job: Job, executor: Executor) -> None:
    """Adds to `run.json` that a run goes on with other code, packages or threads, or elsewhere."""
    run, here = read_json(job.folder.run), _maker(job, executor)
    makers = [run["provenance"], *run.get("continued", [])]
    if not any(all(maker.get(key) == here[key] for key in DECISIVE) for maker in makers):
        run["continued"] = [*run.get("continued", []), {"started": now(), **here}]
        write_json(job.folder.run, run)


def _maker(job: Job, executor: Executor) -> dict[str, Any]:
    """Where the work of this command is done. Threads change the order of sums: last digits."""
    work = {"threads": job.threads or executor.threads, "processes": executor.processes}
    return {**provenance(job.device), **work}


def _run_record(job: Job, prepared: Prepared, executor: Executor) -> dict[str, Any]:
    """Everything needed to repeat a run, and where it was made."""
    clip_set = prepared.clip_set
    return {
        "format": FORMAT,
        "variant": job.variant,
        "kind": registry.variant(job.variant).kind,
        "marks": run_marks(registry.variant(job.variant).marks, job.config.data, clip_set.clips),
        "dataset": job.source.label,
        "surrogate": job.source.surrogate,
        "preset": job.preset,
        "config_hash": job.config.hash,
        "seed": job.seed,
        "config": job.config.to_dict(),
        "space": _space_record(job),
        "network": _network_record(job, prepared),
        "folds": list(job.folds),
        "data": {
            "source": job.source.dataset,
            "root": str(job.source.root) if job.source.root else None,
            "fingerprint": prepared.fingerprint,
            "magnifier": magnifier_digest(job.config.data),
            "landmarks": landmarks_digest(job.config.data),
            "classes": list(clip_set.classes),
            "class_map": clip_set.class_map,
            "clips": len(clip_set.clips),
            "counts": clip_set.class_counts(),
            "problems": [asdict(problem) for problem in clip_set.problems],
        },
        "started": now(),
        "provenance": _maker(job, executor),
    }


def _space_record(job: Job) -> dict[str, Any] | None:
    """The search space with its sizes as this run uses it; None for a fixed network."""
    from bench.phases import configured_space

    if not job.searches:
        return None
    return _plain(asdict(configured_space(job.variant, job.config)))


def _network_record(job: Job, prepared: Prepared) -> dict[str, Any] | None:
    """A fixed network, its parameters and the recipe that this run trains it by; else None."""
    from bench.phases import training_settings

    network = registry.variant(job.variant).network
    if network is None:
        return None
    built = _build(network, len(prepared.clip_set.classes))
    return _plain(
        {
            **asdict(network),
            "recipe": asdict(training_settings(job.variant, job.config)),
            "params": sum(parameter.numel() for parameter in built.parameters()),
        }
    )


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    """As JSON would give it back, without what has no effect on a run."""
    return {key: json.loads(json.dumps(record[key])) for key in record if key not in WORDS}


def _record_failures(job: Job, failures: Sequence[Failure]) -> None:
    own = [
        {
            "phase": failure.unit.phase,
            "fold": failure.unit.fold,
            "reason": failure.reason,
            "traceback": failure.traceback,
        }
        for failure in failures
        if failure.unit.job == job
    ]
    if own:
        write_json(job.folder.failures, own)
    else:
        job.folder.failures.unlink(missing_ok=True)
