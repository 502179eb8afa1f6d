"""Networks of given genotypes, trained as ordinary runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.config.settings import Config
from bench.data.clips import ClipSet
from bench.engine.request import Request, jobs_of
from bench.runs.folder import GIVEN
from bench.runs.job import Job
from bench.system.files import write_json
from rnas.genotype import Genotype, check_genotype
from rnas.space import SearchSpace


@dataclass(frozen=True)
class Trial:
    """A genotype to train on its own, the file that holds it, and its run."""

    genotype: Genotype
    file: Path
    job: Job


def given_trials(
    request: Request, place: Path, genotype: Genotype, space: SearchSpace, clips: ClipSet
) -> tuple[Trial, ...]:
    """One trial per seed of the request, below the folder `place`; nothing is written yet."""
    check_genotype(genotype, space)
    jobs = jobs_of(replace(request, runs=place), clips)
    return tuple(Trial(genotype, place / GIVEN, job) for job in jobs)


def on_new_people(config: Config) -> Config:
    """The settings under which one network learns from all clips and new people test it.

    They are those of the generator's next seed; searches see nobody of them.
    """
    return replace(
        config,
        data=replace(config.data, fresh_seed=config.data.surrogate_seed + 1),
        protocol=replace(config.protocol, search_scope="fold"),
    )


def written(trials: Sequence[Trial]) -> dict[Job, Path]:
    """Writes the genotypes; the file of each run, as `execute` takes them."""
    for trial in trials:
        write_json(trial.file, trial.genotype.to_dict())
    return {trial.job: trial.file for trial in trials}
