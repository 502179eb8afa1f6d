"""A run as a plan: units of work with their dependencies, each idempotent, its truth on disk.

A unit holds all that a worker needs and is picklable: no unit may rely on order, shared memory or
the current directory, so any executor may perform it anywhere the run folder is reachable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from bench import registry
from bench.config.settings import Config
from bench.data.sources import Source
from bench.store import RunFolder

SEARCH, FOLD, METRICS, PROFILE = "search", "fold", "metrics", "profile"
SEARCH_PHASES = (SEARCH,)
EVALUATION_PHASES = (FOLD, METRICS, PROFILE)
ALL_PHASES = (*SEARCH_PHASES, *EVALUATION_PHASES)


@dataclass(frozen=True)
class Job:
    """One run: a variant on a data set under one configuration and seed, in one folder."""

    folder: RunFolder
    variant: str
    source: Source
    preset: str
    config: Config
    seed: int
    device: str
    folds: tuple[str, ...]

    @property
    def title(self) -> str:
        return f"{self.variant} on {self.data_name}, seed {self.seed}"

    @property
    def searches(self) -> bool:
        """Whether there is an architecture to find or draw: not for a fixed network."""
        return registry.variant(self.variant).kind != "fixed"

    @property
    def threads(self) -> int | None:
        """Threads of torch that its networks train on, None for as many as the process has.

        Fixed networks are small, and on one thread the same on machines with any number of cores.
        """
        return None if self.searches else 1

    @property
    def data_name(self) -> str:
        return self.source.label + (" (surrogate)" if self.source.surrogate else "")

    @property
    def stamp(self) -> dict[str, str | int]:
        """What the files of a run say of the run that made them."""
        return {"variant": self.variant, "config_hash": self.config.hash, "seed": self.seed}

    def search_fold(self, fold: str) -> str:
        """The search that a fold's architecture comes from: its own, or the run's only one."""
        return fold if self.config.protocol.search_scope == "fold" else ""


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
    def done(self) -> bool:
        return self.output.exists()

    @property
    def title(self) -> str:
        return f"{self.job.variant}: {self.phase}{' ' + self.fold if self.fold else ''}"


@dataclass(frozen=True)
class Task:
    """A unit with the units that must be done before it."""

    unit: Unit
    needs: tuple[Unit, ...] = ()


def plan(job: Job, phases: Sequence[str] = ALL_PHASES) -> tuple[Task, ...]:
    """The tasks of a run, dependencies first. A fixed network has no search."""
    searches = {
        fold: (Unit(job, SEARCH, job.search_fold(fold)),) if job.searches else ()
        for fold in job.folds
    }  # with scope `all`, every fold maps to the same unit
    decoded = tuple(dict.fromkeys(chain.from_iterable(searches.values())))
    folds = {fold: Unit(job, FOLD, fold) for fold in job.folds}
    tasks: list[Task] = [Task(unit) for unit in decoded]
    tasks += [Task(folds[fold], searches[fold]) for fold in job.folds]
    tasks.append(Task(Unit(job, METRICS), tuple(folds.values())))
    tasks.append(Task(Unit(job, PROFILE), decoded))
    return tuple(task for task in tasks if task.unit.phase in phases)
