"""Carries out the jobs of a request: opens run folders, does the missing units, seals them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.engine.executing.executors import EXECUTORS, Executor, ProcessExecutor, SerialExecutor
from bench.engine.executing.notes import sweep_notes
from bench.engine.executing.pools import RemoteExecutor
from bench.engine.executing.suspicion import forget_suspicions, suspicions
from bench.engine.executing.together import StackingExecutor
from bench.engine.executing.working import Failure, Listener, missing_after, without_file
from bench.engine.opening import (
    adopt_genotype,
    forget_undone,
    note_machines,
    note_other_maker,
    open_run,
    provenance_of,
    refuse_foreign,
    refuse_links,
    take_up,
)
from bench.engine.plan import (
    ALL_PHASES,
    FOLD,
    SEARCH,
    Task,
    Unit,
    done_units,
    with_preparation,
)
from bench.engine.request import Prepared
from bench.errors import BenchError, UsageError
from bench.models.saving import add_scores
from bench.protocol.splits import tested_labels
from bench.runs.checksums import gather, require_unchanged, seal_rest, sealing
from bench.runs.failures import FailureRecord, known_failures
from bench.runs.job import Job
from bench.system.files import sweep_partial, write_json
from bench.system.machine_lock import machine_in_use
from bench.system.processes import allow_open_files, usable_cores

WORTH_PROCESSES = 5_000
"""Below so many training samples (clips × epochs), worker processes cost more than they save.

Starting them takes seconds, in which the smallest network sees as many."""

SPARE_FILES = 256
"""Open files beside one for each run folder that is held."""


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
    from bench.system.guarding import ARITHMETIC, Performing, undisturbed  # torch comes with it

    keeps_search = SEARCH not in phases and not genotypes
    with _opened(prepared, executor, force, keeps_search):
        for job, file in (genotypes or {}).items():
            adopt_genotype(job, file)
        tasks = tasks_of(prepared, phases, executor)
        done = done_units(tasks)
        here = provenance_of(prepared, executor)
        left = [task.unit.job for task in tasks if task.unit not in done]
        unfinished = {job.folder: job for job in left}
        for job in unfinished.values():
            note_other_maker(job, here)
        heard = _Remembered(listener)
        who = EXECUTORS.origin(prepared.executor_name or type(executor).__name__)
        as_now = Performing.now(perform, who)
        with EXECUTORS.answering(prepared.executor_name), undisturbed(who, ARITHMETIC):
            failures = tuple(executor.run(tasks, as_now, heard))
        failures += _never_seen(heard, getattr(executor, "late", 0.0), who)
        failures += _left_out(tasks, done | heard.done, failures, who)
        tried = {task.unit for task in tasks}
        failures = _with_suspicions(prepared.jobs, failures, tried)
        for job in unfinished.values():
            note_machines(job)
        for job in prepared.jobs:
            _record_failures(job, failures, tried)
            add_scores(job.folder)
            if prepared.only:  # other commands may be at work on other folds
                continue
            sweep_notes(job.folder)
            healed = {} if job.folder.failures.exists() else {"failures": job.folder.failures}
            gather(job.folder, healed)
            if job.folder.metrics.exists():
                seal_rest(job.folder, [task.unit.output for task in tasks])
    return failures


def tasks_of(prepared: Prepared, phases: Sequence[str], executor: Executor) -> tuple[Task, ...]:
    """The tasks of a request; those of other machines begin with preparing the clips there."""
    tasks = prepared.tasks(phases)
    return with_preparation(tasks) if isinstance(executor, RemoteExecutor) else tasks


def open_runs(prepared: Prepared) -> None:
    """Opens the run folders of a request, for commands on other machines that do its parts."""
    with _opened(prepared, executor_for(prepared, ()), False, False):
        pass


@contextmanager
def _opened(
    prepared: Prepared, executor: Executor, force: bool, keeps_search: bool
) -> Iterator[None]:
    """Holds and opens the run folders: what is in them is what the runs themselves made."""
    from bench.engine.first_answers import forget_answers  # torch comes with it

    allow_open_files(len(prepared.jobs) + SPARE_FILES)
    with ExitStack() as locks:
        refuse_links(prepared.jobs)
        locks.enter_context(machine_in_use())
        for job in prepared.jobs:
            locks.enter_context(job.folder.lock(_parts(job, prepared.only)))
        here = provenance_of(prepared, executor)
        forget_answers()
        for job in prepared.jobs:
            if not prepared.only:
                sweep_partial(job.folder.path)
            if force and not keeps_search:
                job.folder.clear()
            open_run(job, prepared, here)
            if not force:
                _refuse_suspect(job)
            if force and keeps_search:
                job.folder.clear_evaluation()
                forget_suspicions(job.folder)
                forget_undone(job)
            if prepared.only:
                require_unchanged(job.folder)
                refuse_foreign(job)
            else:
                take_up(job, tested_labels(prepared.clip_set, job.config, job.seed))
        yield


def _refuse_suspect(job: Job) -> None:
    """BenchError where a fold was refused for answers that are not its own.

    To repeat the command until each fold happens to pass would keep what is random.
    """
    for entry in (*suspicions(job.folder), *known_failures(job.folder)):
        if entry.suspect:
            raise BenchError(
                f"{job.folder.path}: fold {entry.fold} was refused ({entry.reason}): folds "
                "that passed are suspect, too; mend the method and start anew with "
                "`bench run --force`"
            )


@dataclass(frozen=True)
class _Remembered:
    """Remembers which units the executor said are done, and passes on what it says.

    That a unit is done is passed on once its output is seen here.
    """

    told: Listener
    done: set[Unit] = field(default_factory=set)
    unseen: list[Unit] = field(default_factory=list)

    def started(self, unit: Unit) -> None:
        self.told.started(unit)

    def advanced(self, unit: Unit, what: str, done: int, total: int) -> None:
        self.told.advanced(unit, what, done, total)

    def finished(self, unit: Unit) -> None:
        if unit in self.done:
            return
        self.done.add(unit)
        self.unseen.append(unit)
        self.look()

    def failed(self, unit: Unit, reason: str) -> None:
        self.told.failed(unit, reason)

    def look(self) -> None:
        """Passes on the units whose outputs are seen by now."""
        seen = [unit for unit in self.unseen if unit.done]
        for unit in seen:
            self.unseen.remove(unit)
            self.told.finished(unit)


def _left_out(
    tasks: Sequence[Task], done: set[Unit], failures: Sequence[Failure], who: str
) -> tuple[Failure, ...]:
    """Failures of units that are not done although nothing stood in their way."""
    failed = {failure.unit for failure in failures}
    left = [task for task in tasks if task.unit not in done | failed]
    dropped = [
        task.unit
        for task in left
        if all(need in done or need.done for need in task.needs) and not task.unit.done
    ]
    return tuple(Failure(unit, f"{who} ended without it") for unit in dropped)


def _never_seen(heard: _Remembered, late: float, who: str) -> tuple[Failure, ...]:
    """Failures of units that the executor said are done, and whose outputs are not here.

    late: seconds for which they are waited for, as other machines' may be seen late.
    """
    missing_after(late, [unit.output for unit in heard.unseen])
    heard.look()
    when = f" after {late:.0f} s" * bool(late)
    return tuple(without_file(unit, who, when) for unit in heard.unseen)


def _with_suspicions(
    jobs: Sequence[Job], failures: Sequence[Failure], tried: Set[Unit]
) -> tuple[Failure, ...]:
    """The failures with what was refused where it was performed, whatever the executor says."""
    known = {failure.unit: failure for failure in failures}
    for job in jobs:
        for entry in suspicions(job.folder):
            if (unit := Unit(job, entry.phase, entry.fold)) in tried:
                found = known.get(unit, Failure(unit, str(entry.reason)))
                known[unit] = replace(found, suspect=True)
    return tuple(known.values())


def _parts(job: Job, only: Sequence[str]) -> tuple[str, ...]:
    """What is held of a run of which some folds are done: those, and the search they wait for."""
    waits = "" in job.searches.names and not job.folder.genotype().exists()
    return (*only, "_search") if only and waits else tuple(only)


def _record_failures(job: Job, failures: Sequence[Failure], tried: Set[Unit]) -> None:
    """Keeps what failed in the run folder, with what failed before and was not tried now."""
    there = job.folder.failures.exists()
    earlier = tuple(known_failures(job.folder))
    own = [each for each in earlier if Unit(job, each.phase, each.fold) not in tried]
    own += [
        FailureRecord(
            failure.unit.phase,
            failure.unit.fold,
            failure.reason,
            failure.traceback,
            failure.suspect,
        )
        for failure in failures
        if failure.unit.job == job
    ]
    if own:
        with sealing(job.folder, "failures"):
            write_json(job.folder.failures, [each.to_dict() for each in own])
    elif there:
        with sealing(job.folder, "failures"):  # nothing any more
            job.folder.failures.unlink(missing_ok=True)
