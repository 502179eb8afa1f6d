"""Opens a run folder: checks what stands there, writes `run.json`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.config.loading import means_the_same
from bench.data.sources import landmarks_digest, magnifier_digest
from bench.engine.executors import Executor
from bench.engine.request import Prepared, built
from bench.errors import BenchError
from bench.methods import registry
from bench.runs.folder import FORMAT, GIVEN
from bench.runs.job import Job
from bench.runs.marks import run_marks
from bench.runs.record import trained_network
from bench.system.files import read_json, write_json
from bench.system.provenance import now, provenance
from rnas.genotype import check_genotype

WORDS = ("summary", "groups", "marks", "size_target")
"""What a search space says of itself without any effect on a run."""

DECISIVE = ("git_commit", "packages", "cpu", "device", "gpu", "threads")
"""Of where a run was made, what may change its numbers, if only in the last digits."""


def adopt_genotype(job: Job, file: Path) -> None:
    """Puts a genotype of the user's in place of the job's own search.

    Raises MethodError where the file holds none of the variant's space, BenchError where the job
    has another genotype already.
    """
    from bench.methods.configured import configured_space
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


def open_run(job: Job, prepared: Prepared, executor: Executor) -> None:
    """Writes `run.json`, or checks that the one there describes this very run."""
    if not job.folder.run.exists():
        write_json(job.folder.run, _run_record(job, prepared, executor))
        return
    run = read_json(job.folder.run)
    expected = {
        "config": True,
        "data.fingerprint": prepared.fingerprint,
        "data.classes": list(prepared.clip_set.classes),
        "data.magnifier": magnifier_digest(job.config.data),
        "data.landmarks": landmarks_digest(job.config.data),
        "folds": list(job.folds),
        "space": _space_record(job),
        "network": trained_network(_network_record(job, prepared)),
    }
    found = {
        "config": means_the_same(job.config, run.get("config")),
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


def note_other_maker(job: Job, executor: Executor) -> None:
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
        "config_hash": job.folder.config_hash,
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
    from bench.methods.configured import configured_space

    if not job.searches:
        return None
    return _plain(asdict(configured_space(job.variant, job.config)))


def _network_record(job: Job, prepared: Prepared) -> dict[str, Any] | None:
    """A fixed network, its parameters and the recipe that this run trains it by; else None."""
    from bench.methods.configured import training_settings

    network = registry.variant(job.variant).network
    if network is None:
        return None
    trained = built(network, len(prepared.clip_set.classes))
    return _plain(
        {
            **asdict(network),
            "recipe": asdict(training_settings(job.variant, job.config)),
            "params": sum(parameter.numel() for parameter in trained.parameters()),
        }
    )


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    """As JSON would give it back, without what has no effect on a run."""
    return {key: json.loads(json.dumps(record[key])) for key in record if key not in WORDS}
