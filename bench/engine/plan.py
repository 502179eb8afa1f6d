"""The plan of a run: units of work with their dependencies; a unit is done when its file exists.

A unit holds all that a worker needs and is picklable: no unit may rely on order, shared memory or
the current directory, so any executor may perform it anywhere the run folder is reachable.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bench.runs.job import Job

PREPARE, SEARCH, FOLD, METRICS, PROFILE = "prepare", "search", "fold", "metrics", "profile"

SEARCH_PHASES = (SEARCH,)

EVALUATION_PHASES = (FOLD, METRICS, PROFILE)

ALL_PHASES = (*SEARCH_PHASES, *EVALUATION_PHASES)

Report = Callable[[str, int, int], None]
"""Called with (what, done, total)."""


@dataclass(frozen=True)
class Unit:
    """One piece of work. `fold` is empty where the unit concerns the whole run."""

    job: Job
    phase: str
    fold: str = ""

    @property
    def output(self) -> Path:
        """The file whose existence says that the unit is done."""
        folder = self.job.folder
        if self.phase == FOLD:
            return folder.fold(self.fold)
        if self.phase == SEARCH:
            return folder.genotype(self.fold)
        return {
            PREPARE: folder.prepared,
            METRICS: folder.metrics,
            PROFILE: folder.profile,
        }[self.phase]

    @property
    def name(self) -> str:
        """The unit among those of its run."""
        return f"{self.phase} {self.fold}".strip()

    @property
    def place(self) -> Path:
        """What it alone writes: its output, of a search the folder that holds it."""
        return self.output.parent if self.phase == SEARCH else self.output

    @property
    def done(self) -> bool:
        """Whether its output is there."""
        return self.output.is_file()

    @property
    def title(self) -> str:
        """The unit in messages: `rnas_mer: fold s05`."""
        return f"{self.job.variant}: {self.name}"

    def __hash__(self) -> int:
        """Of its place alone: a hash over all settings would cost more than planning a unit."""
        return hash((self.job.folder.path, self.phase, self.fold))


@dataclass(frozen=True)
class Task:
    """A unit with the units that must be done before it."""

    unit: Unit
    needs: tuple[Unit, ...] = ()


def plan(
    job: Job, phases: Sequence[str] = ALL_PHASES, only: Sequence[str] = ()
) -> tuple[Task, ...]:
    """The tasks of a run, dependencies first.

    only: the folds to do, with the searches that they need; none means all, and what follows them.
    """
    searches = {name: Unit(job, SEARCH, name) for name in job.searches.names}
    folds = {fold: Unit(job, FOLD, fold) for fold in job.folds}

    def own_search(fold: str) -> tuple[Unit, ...]:
        found = searches.get(job.searches.of(fold))
        return (found,) if found else ()

    if only:
        folds = {fold: unit for fold, unit in folds.items() if fold in only}
        searches = {name: searches[name] for name in searches if not name or name in only}
        phases = [phase for phase in phases if phase in (SEARCH, FOLD)]
    decoded = tuple(searches.values())
    tasks: list[Task] = [Task(unit) for unit in decoded]
    tasks += [Task(unit, own_search(fold)) for fold, unit in folds.items()]
    summarised = decoded if job.searches.per_fold else ()
    tasks.append(Task(Unit(job, METRICS), (*summarised, *folds.values())))
    tasks.append(Task(Unit(job, PROFILE), decoded))
    wanted = set(phases) & job.method.work.keys()
    return tuple(task for task in tasks if task.unit.phase in wanted)


def with_preparation(tasks: Sequence[Task]) -> tuple[Task, ...]:
    """The tasks, after units that prepare the clips, of which runs on the same input share one."""
    by_input: dict[object, Unit] = {}
    shared: dict[Path, Unit] = {}
    for task in tasks:
        job = task.unit.job
        if job.folder.path not in shared:
            wanted = (job.source, job.method.data(job.config), job.method.inputs)
            unit = by_input.setdefault(wanted, Unit(job, PREPARE))
            shared[job.folder.path] = unit
    preparing = [Task(unit) for unit in by_input.values()]
    return (
        *preparing,
        *(
            task
            if task.unit.phase == METRICS
            else Task(task.unit, (*task.needs, shared[task.unit.job.folder.path]))
            for task in tasks
        ),
    )


def done_units(tasks: Iterable[Task]) -> set[Unit]:
    """The units whose output is there; each folder is listed once."""

    @cache
    def names(folder: Path) -> frozenset[str]:
        try:
            with os.scandir(folder) as entries:
                return frozenset(entry.name for entry in entries if entry.is_file())
        except OSError:
            return frozenset()

    outputs = ((task.unit, task.unit.output) for task in tasks)
    return {unit for unit, output in outputs if output.name in names(output.parent)}
