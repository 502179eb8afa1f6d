"""Carries out the jobs of a request: opens run folders, does the missing units, seals them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from bench.engine.executors import Executor, Failure, Listener, ProcessExecutor, SerialExecutor
from bench.engine.opening import adopt_genotype, note_other_maker, open_run, take_up
from bench.engine.plan import ALL_PHASES, FOLD, SEARCH, Unit, plan
from bench.engine.request import Prepared
from bench.engine.together import StackingExecutor
from bench.errors import UsageError
from bench.runs.checksums import gather, seal_rest, sealing
from bench.runs.job import Job
from bench.system.files import sweep_partial, write_json
from bench.system.machine_lock import machine_in_use
from bench.system.processes import usable_cores

WORTH_PROCESSES = 5_000
"""Below so many training samples (clips × epochs), worker processes cost more than they save.

Starting them takes seconds, in which the smallest network sees as many."""


def executor_for(prepared: Prepared, units: Sequence[Unit]) -> Executor:
    """The executor for these units: the one asked for, else this process or several.

    Methods that train on one thread leave cores of a CPU idle: their folds go to as many processes
    as it has cores, where they train long enough that starting them is worth it.
    """
    at_once = max((job.config.compute.folds_at_once for job in prepared.jobs), default=1)
    if at_once > 1:
        if prepared.executor is not None or (prepared.processes or 1) > 1:
            raise UsageError(
                f"compute.folds_at_once={at_once} with --jobs or --executor: folds are trained "
                "together in one process; leave one of them out"
            )
        return StackingExecutor(at_once)
    if prepared.executor is not None:
        return prepared.executor
    if prepared.processes is not None:
        return ProcessExecutor(prepared.processes)
    alone = any(job.method.threads is None or job.device != "cpu" for job in prepared.jobs)
    if alone or _clips_seen(prepared, units) < WORTH_PROCESSES:
        return SerialExecutor()
    processes = min(usable_cores(), len(units))
    return ProcessExecutor(processes) if processes > 1 else SerialExecutor()


def _clips_seen(prepared: Prepared, units: Sequence[Unit]) -> int:
    """Training samples (clips × epochs) of these units."""
    folds = [unit.job for unit in units if unit.phase == FOLD]
    epochs = sum(job.method.training(job.config).epochs for job in folds)
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
    from bench.engine.units import perform

    keeps_search = SEARCH not in phases and not genotypes
    with ExitStack() as locks:
        locks.enter_context(machine_in_use())
        for job in prepared.jobs:
            locks.enter_context(job.folder.lock())
        for job in prepared.jobs:
            sweep_partial(job.folder.path)
            if force and not keeps_search:
                job.folder.clear()
            open_run(job, prepared, executor)
            if force and keeps_search:
                job.folder.clear_evaluation()
            take_up(job)
            if not all(task.unit.done for task in plan(job, phases)):
                note_other_maker(job, executor)
        for job, file in (genotypes or {}).items():
            adopt_genotype(job, file)
        tasks = [task for job in prepared.jobs for task in plan(job, phases)]
        failures = executor.run(tasks, perform, listener)
        for job in prepared.jobs:
            _record_failures(job, failures)
            gather(job.folder)
            if job.folder.metrics.exists():
                seal_rest(job.folder)
    return failures


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
        with sealing(job.folder, "failures"):
            write_json(job.folder.failures, own)
    else:
        job.folder.failures.unlink(missing_ok=True)
