"""Options of a run, the request they make, and how its jobs are done and reported."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli import completing
from bench.cli.options import (
    ManyNumbers,
    Several,
    allow_outside_option,
    data_root_option,
    dataset_option,
    device_option,
    magnified_by,
    magnifier_option,
    runs_option,
    settings_options,
    subjects_option,
    surrogate_option,
    together,
)

if TYPE_CHECKING:
    from bench.config.settings import DataConfig
    from bench.data.sources import Source
    from bench.engine.executing.working import Failure
    from bench.engine.plan import Task
    from bench.engine.request import Prepared


class ManySeeds(ManyNumbers):
    """Reads `--seed 0 1 2` as `--seed 0 --seed 1 --seed 2`."""

    many = "--seed"


run_options = together(
    click.option(
        "--variant",
        "variants",
        multiple=True,
        required=True,
        metavar="NAME|GLOB|GROUP",
        shell_complete=completing.variants,
        help="Method to run: a name, a glob ('rnas_mer*') or a group (all, nas, peers, ...).",
    ),
    dataset_option,
    surrogate_option,
    settings_options(),
    click.option(
        "--seed",
        "seeds",
        multiple=True,
        type=Several(min=0),
        default=(0,),
        metavar="N ...",
        help="One run per seed.  [default: 0]",
    ),
    data_root_option,
    runs_option,
    device_option,
    subjects_option,
    allow_outside_option,
    magnifier_option,
    click.option(
        "--jobs",
        type=click.IntRange(min=1),
        help="Number of folds or searches at a time, each in a process with one thread.  "
        "[default: 1 with all threads; fixed networks on a CPU: one per core]",
    ),
    click.option(
        "--executor",
        metavar="NAME[:KEY=VALUE,...]",
        shell_complete=completing.registered_in("bench.executors"),
        help="What distributes the work: serial, process, ray, slurm, or one of an installed "
        "package, with its options.  [default: as --jobs says]",
    ),
    click.option(
        "--listener",
        "listeners",
        multiple=True,
        metavar="NAME",
        shell_complete=completing.registered_in("bench.listeners"),
        help="Report losses and scores to an experiment tracker: tensorboard, or one of an "
        "installed package.",
    ),
    click.option("--force", is_flag=True, help="Start over instead of resuming."),
    click.option("--dry-run", is_flag=True, help="Say what would be done, and stop."),
)
"""The options that say which runs are meant."""


def resolve_request(
    variants: tuple[str, ...],
    dataset: str,
    surrogate: bool,
    preset: str,
    seeds: tuple[int, ...],
    overrides: tuple[str, ...],
    data_root: Path | None,
    runs: Path,
    device: str,
    subjects: str | None,
    allow_outside: bool,
    magnifier_weights: Path | None = None,
    jobs: int | None = None,
    executor: str | None = None,
    listeners: Sequence[str] = (),
    folds: str | None = None,
    config_file: Path | None = None,
    defaults: Sequence[str] = (),
):
    """The `Request` that the options of a command make; UsageError where they cannot be meant.

    defaults: settings of the command, which count less than the user's own.
    """
    from bench.config.loading import load_settings
    from bench.data.sources import resolve_source, settings_on
    from bench.methods.registry import select_variants
    from bench.system.files import default_cache

    if subjects is not None:
        overrides = (*overrides, f"data.subjects={subjects}")
    if allow_outside:
        overrides = (*overrides, "data.allow_outside=true")
    overrides = (*overrides, *magnified_by(magnifier_weights))
    loaded = partial(load_settings, preset, overrides, config_file, defaults=defaults)
    loaded()  # raises for invalid settings before the data are looked for
    source = resolve_source(dataset, data_root, surrogate, default_cache())
    settings = settings_on(source, loaded)
    names = _able(select_variants(variants), variants, source, settings.config.data)

    from bench.engine.executing.executors import make_executor
    from bench.engine.executing.pools import RemoteExecutor
    from bench.engine.listening import made_listener
    from bench.engine.request import Request, check_methods
    from bench.training.compute import resolve_device

    chosen = make_executor(executor, jobs) if executor else None
    elsewhere = isinstance(chosen, RemoteExecutor)
    own = {name: settings_on(source, partial(loaded, variant=name)).config for name in names}
    request = Request(
        variants=names,
        source=source,
        preset=settings.preset,
        config=settings.config,
        seeds=tuple(dict.fromkeys(seeds)),
        runs=runs,
        device=device if elsewhere else resolve_device(device),
        processes=jobs,
        executor=chosen,
        executor_name=(executor or "").partition(":")[0],
        listeners={name: made_listener(name) for name in listeners},
        only=tuple(filter(None, (folds or "").split(","))),
        own={name: config for name, config in own.items() if config != settings.config},
    )
    check_methods(request)
    return request


def _able(
    names: tuple[str, ...], asked: Sequence[str], source: Source, data: DataConfig
) -> tuple[str, ...]:
    """The methods without those that cannot take ready flow images, where the clips are such.

    A line names them. One that was asked for by its own name stays; so do all where none is left.
    """
    from bench.data.sources import planned_set
    from bench.methods.registry import variant

    able = tuple(name for name in names if name in asked or not variant(name).needs_frames)
    if source.root is None or not able or able == names:
        return names
    if not any(clip.ready_flow for clip in planned_set(source, data).clips):
        return names
    left_out = ", ".join(name for name in names if name not in able)
    click.echo(f"left out, as they need frames and these are flow images: {left_out}", err=True)
    return able


def perform_jobs(
    prepared: Prepared, display, phases: Sequence[str], force: bool = False, genotypes=None
) -> tuple[Failure, ...]:
    """Does what is missing of the jobs, with bars or lines; returns what failed.

    genotypes: the user's own, as a file per job, where there are any.
    """
    from bench.cli.progress import UnitBars, UnitLines
    from bench.engine.execute import execute, executor_for, tasks_of
    from bench.engine.listening import Shared
    from bench.engine.plan import done_units

    tasks = prepared.tasks(phases)
    there = set() if force else done_units(tasks)
    executor = executor_for(prepared, [t.unit for t in tasks if t.unit not in there])
    units = [task.unit for task in tasks_of(prepared, phases, executor)]
    shown = UnitBars(display, len(units), there) if display else UnitLines(units, there)
    with Shared(shown, prepared.listeners) as listener:
        failures = execute(prepared, executor, listener, phases, force, genotypes)
    if tasks and len(shown.untouched) == len(tasks):
        click.echo(
            f"nothing left to do: all {len(tasks)} units were done before; --force starts over",
            err=True,
        )
    return failures


def say_failures(failures: Sequence[Failure], tasks: Sequence[Task]) -> int:
    """Prints one line to stderr where units of the tasks failed; returns the exit code."""
    if not failures:
        return 0
    total = max(len(tasks), len(failures))  # preparing clips may be a unit, too
    first = failures[0]
    first = next((each for each in failures if each.suspect), first)
    kept = "The others are kept" if any(t.unit.done for t in tasks) else "Nothing else is done yet"
    then = f"{kept}; the same command tries again"
    if first.suspect:
        then = (
            "Folds that passed are suspect, too, and not gone on with: mend it and start anew with "
            "`bench run --force`"
        )
    click.echo(
        f"error: {len(failures)} of {total} units failed, first {first.unit.title}: "
        f"{first.reason.rstrip('.')}. {then}",
        err=True,
    )
    return 1


def say_found(request, prepared) -> None:
    """Prints to stderr how many clips were found, against the challenge list, and problems."""
    from bench.data.clips import Problem, problem_lines
    from bench.data.inspect.check import check_report
    from bench.data.sets.catalogue import find_dataset
    from bench.protocol.splits import absent_classes, folds_of

    folds = folds_of(prepared.clip_set, request.config.protocol)
    for problem in absent_classes(prepared.clip_set, folds):
        click.echo(f"{problem.kind}: {problem.where}: {problem.what}", err=True)
    if request.source.root is None:
        return
    clip_set, data = prepared.clip_set, request.config.data
    restricted = data.subjects or data.subject_count
    report = check_report(clip_set, clip_set.subjects if restricted else None)
    expected = report["expected"]
    listed = ""
    if expected:
        counts = f"{expected['clips']} clips of {expected['subjects']} subjects"
        listed = f"; the challenge list has {counts}"
    elif restricted and (everyone := find_dataset(clip_set.dataset).people) > report["subjects"]:
        advice = "" if data.subjects else "; --set data.subject_count=0 keeps all"
        listed = f", of {everyone} in it{advice}"
    click.echo(
        f"{clip_set.dataset}: {report['clips']} clips of {report['subjects']} subjects found"
        f"{listed}",
        err=True,
    )
    for line in problem_lines(Problem(**found) for found in report["problems"]):
        click.echo(line, err=True)
    for seen in {job.config.data for job in prepared.jobs} - {data}:
        changed = dict(vars(seen).items() - vars(data).items())
        given = ", ".join(f"data.{name}={changed[name]}" for name in sorted(changed))
        click.echo(f"flow images are clips of one frame: {given} by the data", err=True)


def describe(prepared, tasks) -> None:
    """One line per run: its units, how many are done, its folds, its search's reach, its folder."""
    from bench.engine.plan import done_units

    there = done_units(tasks)
    by_folder: dict = {}
    for task in tasks:
        by_folder.setdefault(task.unit.job.folder, []).append(task)
    for job in prepared.jobs:
        own = by_folder.get(job.folder, [])
        done = sum(task.unit in there for task in own)
        phases = dict.fromkeys(task.unit.phase for task in own)
        click.echo(
            f"{job.title}: {len(own)} units ({', '.join(phases)}), {done} done already, "
            f"{len(job.folds)} folds{_reach_text(job, prepared.clip_set)} -> "
            f"{shown(job.folder.path)}"
        )


def _reach_text(job, clip_set) -> str:
    """How far the run's search can move α, and how decided that lets it be."""
    from bench.engine.searching.search import search_reach
    from rnas.settings import DECIDES, lowest_entropy

    if not job.method.learns:
        return ""
    found = search_reach(job, clip_set)
    if found is None:
        return f", reach n/a ({job.config.search.strategy})"
    steps, reach = found
    options = len(job.method.configured_space(job.config).operations)
    verdict = ", cannot decide" if reach < DECIDES else ""
    return (
        f", reach {reach:.3g} (architecture steps: {steps}; entropy of α at least "
        f"{lowest_entropy(reach, options):.3f}{verdict})"
    )


def shown(path: Path) -> str:
    """A path relative to the current folder where that is inside it, else absolute."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative
