"""The plan of a run: units of work with their dependencies; a unit is done when its file exists.

A unit holds all that a worker needs and is picklable: no unit may rely on order, shared memory or
the current directory, so any executor may perform it anywhere the run folder is reachable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.runs.job import Job

SEARCH, FOLD, METRICS, PROFILE = "search", "fold", "metrics", "profile"

SEARCH_PHASES = (SEARCH,)

EVALUATION_PHASES = (FOLD, METRICS, PROFILE)

ALL_PHASES = (*SEARCH_PHASES, *EVALUATION_PHASES)


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
        places = {
            SEARCH: folder.genotype(self.fold),
            FOLD: folder.fold(self.fold),
            METRICS: folder.metrics,
            PROFILE: folder.profile,
        }
        return places[self.phase]

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
        return self.output.exists()

    @property
    def title(self) -> str:
        """The unit in messages: `rnas_mer: fold s05`."""
        return f"{self.job.variant}: {self.name}"


@dataclass(frozen=True)
class Task:
    """A unit with the units that must be done before it."""

    unit: Unit
    needs: tuple[Unit, ...] = ()


def plan(job: Job, phases: Sequence[str] = ALL_PHASES) -> tuple[Task, ...]:
    """The tasks of a run, dependencies first."""
    searches = {name: Unit(job, SEARCH, name) for name in job.searches.names}
    folds = {fold: Unit(job, FOLD, fold) for fold in job.folds}

    def own_search(fold: str) -> tuple[Unit, ...]:
        found = searches.get(job.searches.of(fold))
        return (found,) if found else ()

    decoded = tuple(searches.values())
    tasks: list[Task] = [Task(unit) for unit in decoded]
    tasks += [Task(unit, own_search(fold)) for fold, unit in folds.items()]
    tasks.append(Task(Unit(job, METRICS), tuple(folds.values())))
    tasks.append(Task(Unit(job, PROFILE), decoded))
    wanted = set(phases) & job.method.work.keys()
    return tuple(task for task in tasks if task.unit.phase in wanted)
