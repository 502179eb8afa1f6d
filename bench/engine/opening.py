"""Opens a run folder: writes `run.json`, or checks the one that is there."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from bench.config.loading import means_the_same
from bench.config.settings import Config
from bench.data.clips import Clip
from bench.data.sets.catalogue import find_dataset
from bench.data.sources import landmarks_digest, magnifier_digest
from bench.engine.executing.executors import Executor
from bench.engine.plan import FOLD, METRICS, PROFILE, SEARCH, Unit, plan
from bench.engine.request import Prepared
from bench.errors import BenchError
from bench.methods import registry
from bench.models.pretrained import pretrained_by
from bench.protocol.splits import absent_classes, folds_of
from bench.runs.checking.crosschecks import require_agreement
from bench.runs.checksums import (
    SEALED,
    gather,
    removed_files,
    require_unchanged,
    result_files,
    seal_rest,
    sealed_files,
    sealing,
    write_run_file,
)
from bench.runs.code import changed_code, changed_making, code_used, metrics_changed
from bench.runs.folder import FORMAT
from bench.runs.folds import read_fold
from bench.runs.job import Job
from bench.runs.marks import run_marks
from bench.runs.record import RunFile, add_maker, read_run_file, trained_network
from bench.system.files import read_json, real_place, stray, write_json
from bench.system.provenance import now, provenance

DECISIVE = ("git_commit", "packages", "cpu", "device", "gpu", "threads")
"""Provenance keys that can change a result: the last digits of sums, from there on predictions."""


def adopt_genotype(job: Job, file: Path) -> None:
    """Puts a genotype of the user's in place of the job's own search.

    Raises UsageError where the file holds none of the variant's space, BenchError where the job has
    another genotype already.
    """
    from bench.models.pretrained import genotype_in
    from bench.runs.searches import genotype_record, read_genotype

    space = job.method.configured_space(job.config)
    genotype, generated = genotype_in(file, space)
    record = {**genotype_record(job, space, genotype), "given": str(file)}
    record |= {"generated": True} if generated else {}
    for name in job.searches.names:
        place = job.folder.genotype(name)
        if place.exists() and read_genotype(place) != genotype:
            raise BenchError(
                f"{place} holds another genotype; replace it with --force, or choose another "
                "folder with --runs"
            )
        with sealing(job.folder, Unit(job, SEARCH, name).name):
            write_json(place, record)


def require_genotypes(jobs: Sequence[Job]) -> None:
    """Raises BenchError where a job has not been searched yet."""
    for job in jobs:
        if not all(job.folder.genotype(name).exists() for name in job.searches.names):
            raise BenchError(
                f"{job.title}: nothing decoded in {job.folder.path} yet; run `bench search` or "
                "`bench run` with the same options first, or name a --genotype file"
            )


def provenance_of(prepared: Prepared, executor: Executor) -> Mapping[str, Any]:
    """Provenance of this command, with its threads: they change the order of sums."""
    devices = {job.device for job in prepared.jobs} or {"cpu"}
    work = {"threads": executor.threads, "processes": executor.processes}
    return {**provenance(min(devices)), **work}


def refuse_links(jobs: Sequence[Job]) -> None:
    """BenchError where a run folder is that of another run by a symbolic link.

    Links to another disk, under whatever name, are none of those.
    """
    known: dict[Path, Path] = {}
    for job in jobs:
        own, real = job.folder.path, real_place(job.folder.path)
        first = known.setdefault(real, own)
        with suppress(BenchError):  # without a run, or with a damaged one, which is told later
            made = read_run_file(job.folder).place(Path()).parts[-4:]
            if own.parts[-4:] != made and job.folder.linked(own):
                first = Path("/".join(made))
        if first != own:
            raise BenchError(
                f"{own} is the folder of another run, {first}, by a symbolic link to {real}: "
                "remove the link and repeat the command"
            )


def open_run(job: Job, prepared: Prepared, here: Mapping[str, Any]) -> None:
    """Writes `run.json`, or checks that the one there describes this very run.

    here: `provenance_of` the command.
    """
    if not job.folder.run.exists():
        if result_files(job.folder):
            raise BenchError(
                f"{job.folder.run} is missing, and results are there: restore it, or start the run "
                "anew with `bench run --force`"
            )
        write_run_file(job.folder, _run_record(job, prepared, here))
        return
    run = read_run_file(job.folder)
    method = _method_record(job.variant, job.config, len(prepared.clip_set.classes))
    expected = {
        "config": True,
        "data.fingerprint": prepared.fingerprint,
        "data.apexes": prepared.clip_set.apexes,
        "data.classes": tuple(prepared.clip_set.classes),
        **given_files(job, prepared.clip_set.classes),
        "folds": job.folds,
        "space": method["space"],
        "network": trained_network(method["network"]),
    }
    found = {
        "config": means_the_same(job.config, run.config),
        "data.fingerprint": run.data.fingerprint,
        "data.apexes": run.data.apexes or prepared.clip_set.apexes,
        "data.classes": run.data.classes,
        **recorded_files(run),
        "folds": run.folds,
        "space": run.space,
        "network": trained_network(run.network),
    }
    differing = [key for key, value in expected.items() if found[key] != value]
    words = ", ".join(WORDS.get(key, key) for key in differing)
    if differing:
        what = f"holds a run of another configuration ({words} differ)"
        if recorded_files(run).keys() >= set(differing):
            what = (
                f"was begun when what {words} names held something else: put that back to go on "
                "with it"
            )
        raise BenchError(
            f"{job.folder.path} {what}; start it anew with `bench run --force`, or choose another "
            "folder with --runs"
        )
    _refuse_other_code(job, run)
    if run.answers:
        from bench.engine.first_answers import require_first_answers  # torch comes with it

        require_first_answers(job)


def given_files(job: Job, classes: Sequence[str]) -> dict[str, Any]:
    """What the files that settings name hold now: sums, and of a pretrained network its record."""
    return {
        "data.magnifier": magnifier_digest(job.config.data),
        "data.landmarks": landmarks_digest(job.config.data),
        "pretrained": pretrained_by(job.config, classes),
    }


def recorded_files(run: RunFile) -> dict[str, Any]:
    """What these files held when the run was made."""
    return {
        "data.magnifier": run.data.magnifier,
        "data.landmarks": run.data.landmarks,
        "pretrained": run.pretrained,
    }


def _refuse_other_code(job: Job, run: RunFile) -> None:
    """BenchError where a package has brought other code since; scores can be made anew alone."""
    if decisive := changed_making(run):
        raise BenchError(
            f"{job.folder.path} was made by other code of {', '.join(decisive)}: restore that "
            "code, start anew with `bench run --force`, or choose another folder with --runs"
        )


def take_up(job: Job, labels: Mapping[Clip, int]) -> None:
    """Makes a run folder ready to be gone on with: what is in it is what the run itself made.

    Results without a seal are those of a command that was killed on the way, and are made anew;
    runs of earlier versions have no seals and get them here. So are scores where a fold of theirs
    is missing, or a package's metric has other code by now. For the process that holds the run.

    labels: of the clips that it is to answer. Raises BenchError where a file was changed, comes
    from another run, or contradicts another file or the clips.
    """
    folder, older = job.folder, read_run_file(job.folder).format < SEALED
    _tell_removed(job)
    forget_undone(job)
    require_unchanged(folder, () if older else [folder.run])
    units = [task.unit for task in plan(job)]
    for unit in refuse_foreign(job):
        if not older:
            unit.output.unlink()
    other_metric = metrics_changed(read_run_file(folder))
    outdated = {METRICS: other_metric or _lacks_summary(job), PROFILE: False}
    for task in plan(job):  # scores are those of all folds, of one that is made anew, too
        needs_done = all(need.done for need in task.needs)
        if task.unit.phase in outdated and (outdated[task.unit.phase] or not needs_done):
            task.unit.output.unlink(missing_ok=True)
    require_agreement(folder, read_run_file(folder), labels)
    forget_undone(job)
    for unit in units:
        if unit.phase == SEARCH and unit.done:
            folder.checkpoint(unit.fold).unlink(missing_ok=True)
    if older:
        seal_rest(folder)


def forget_undone(job: Job) -> None:
    """Drops the seals of what is to be made anew. For the process that holds the run."""
    units = [task.unit for task in plan(job) if not task.unit.done]
    undone = {unit.name: unit.place for unit in units}
    undone |= {f"model {each.fold}": job.folder.model(each.fold) for each in units if each.fold}
    if _lacks_summary(job):
        undone["summary"] = job.folder.search_summary
    gather(job.folder, {**undone, "failures": job.folder.failures})


def _lacks_summary(job: Job) -> bool:
    return job.searches.there and job.searches.per_fold and not job.folder.search_summary.exists()


def _tell_removed(job: Job) -> None:
    """Says which results somebody has removed, that are made anew.

    BenchError where a fold rests on a genotype that is gone: a new search may decode another.
    """
    gone = removed_files(job.folder)
    if not gone:
        return
    tasks = plan(job)
    for task in tasks:
        for need in task.needs if task.unit.phase == FOLD and task.unit.done else ():
            if not need.done and _name(need) in gone:
                raise BenchError(
                    f"{need.output} was removed after the run made it, and {task.unit.name} rests "
                    "on it: restore it, or start anew with `bench run --force`"
                )
    for task in tasks:
        if not task.unit.done and _name(task.unit) in gone:
            print(
                f"note: {task.unit.output} was removed after the run made it: {task.unit.name} of "
                f"{job.title} is done anew",
                file=sys.stderr,
            )


def _name(unit: Unit) -> str:
    return unit.output.relative_to(unit.job.folder.path).as_posix()


WORDS = {
    "config": "the settings",
    "data.fingerprint": "the clips or their labels",
    "data.apexes": "the apex frames of the clips",
    "pretrained": "train.pretrained",
}
"""What a reader is told of records that differ, where their names do not say it."""


def refuse_foreign(job: Job) -> list[Unit]:
    """The units whose output is there without a seal.

    BenchError where a result in the run folder is of another run: it says so, another search
    strategy found it, or it is of a fold that the run does not have.
    """
    folder = job.folder
    if strangers := read_run_file(folder).foreign(folder):
        raise BenchError(
            f"{folder.path / strangers[0]} "
            + stray(strangers[0], "is of no fold of this run: move it elsewhere")
        )
    known = sealed_files(folder)
    unsealed = [unit for task in plan(job) if (unit := task.unit).done and _name(unit) not in known]
    for unit in unsealed:
        _refuse_foreign(unit)
    return unsealed


def _refuse_foreign(unit: Unit) -> None:
    content = read_json(unit.output)
    content = content if isinstance(content, dict) else {}
    maker, strategy = content.get("run"), content.get("strategy")
    own = unit.job.config.search.strategy
    reason = ""
    if maker not in (None, unit.job.stamp):
        reason = f"made by another run ({maker})"
    elif unit.phase == SEARCH and not content.get("given") and strategy not in (None, own):
        reason = f"found by the strategy {strategy}, that of this run is {own}"
    if reason:
        raise BenchError(
            f"{unit.output} was {reason}: move it elsewhere; `bench evaluate --genotype FILE` "
            "takes a genotype from elsewhere"
        )


def note_other_maker(job: Job, command: Mapping[str, Any]) -> None:
    """Adds this command's provenance to `run.json` where it may change results.

    Another number of threads is warned of: the order of sums changes, and what a search decodes to.
    """
    run = read_run_file(job.folder)
    here = _maker(job, command, len(run.data.classes))
    own = run.provenance.threads
    if own not in (None, here["threads"]):
        print(
            f"warning: {job.title} was begun on {own} thread(s) and goes on with "
            f"{here['threads']}: other sums, so that genotypes and predictions may differ "
            "(OMP_NUM_THREADS, --jobs); run.json records it",
            file=sys.stderr,
        )
    makers = (run.provenance, *run.continued)
    known = any(all(getattr(maker, key) == here[key] for key in DECISIVE) for maker in makers)
    if not known or changed_code(run):
        add_maker(job.folder, {"started": now(), **here})


def note_machines(job: Job) -> None:
    """Says in `run.json` on which machines the units were done, where they are of several kinds."""
    done = [name for name in job.folds if job.folder.fold(name).exists()]
    made_on = [read_fold(job.folder.fold(name)).made_on for name in done]
    known = [machine for machine in made_on if machine]
    if len({machine.kind for machine in known}) < 2:
        return
    found = [{**asdict(each), "folds": known.count(each)} for each in dict.fromkeys(known)]
    run = read_json(job.folder.run)
    if run.get("machines") != found:
        write_run_file(job.folder, {**run, "machines": found})


def _maker(job: Job, here: Mapping[str, Any], classes: int) -> dict[str, Any]:
    record = _method_record(job.variant, job.config, classes)
    code = code_used(
        job.variant, type(job.method), job.source.dataset, job.config.to_dict(), record
    )
    return {**here, "threads": job.method.threads or here["threads"], "code": code}


@lru_cache(maxsize=256)
def _method_record(variant: str, config: Config, classes: int) -> Mapping[str, Any]:
    """What `run.json` keeps of a method: the same for all seeds, and a network is built for it."""
    return registry.variant(variant).record(config, classes)


def _run_record(job: Job, prepared: Prepared, here: Mapping[str, Any]) -> dict[str, Any]:
    """Everything needed to repeat a run, and where it was made."""
    from bench.engine.first_answers import first_answers  # torch comes with it

    clip_set = prepared.clip_set
    folds = folds_of(clip_set, job.config.protocol)
    pretrained = pretrained_by(job.config, clip_set.classes)
    answers = first_answers(job, len(clip_set.classes))
    problems = (*clip_set.problems, *absent_classes(clip_set, folds))
    return {
        "format": FORMAT,
        "variant": job.variant,
        "kind": job.method.kind,
        "marks": run_marks(job.method.marks, job.config.data, clip_set.clips),
        "dataset": job.source.label,
        "surrogate": job.source.surrogate,
        "preset": job.preset,
        "config_hash": job.folder.config_hash,
        "seed": job.seed,
        "config": job.config.to_dict(),
        **_method_record(job.variant, job.config, len(clip_set.classes)),
        "folds": list(job.folds),
        "data": {
            "source": job.source.dataset,
            "root": str(job.source.root) if job.source.root else None,
            "fingerprint": prepared.fingerprint,
            "apexes": clip_set.apexes,
            "magnifier": magnifier_digest(job.config.data),
            "landmarks": landmarks_digest(job.config.data),
            "classes": list(clip_set.classes),
            "class_map": clip_set.class_map,
            "clips": sum(len(fold.test) for fold in folds),
            "people": find_dataset(job.source.dataset).people or None,
            "counts": clip_set.class_counts(),
            "problems": [asdict(problem) for problem in problems],
        },
        **({"pretrained": asdict(pretrained)} if pretrained else {}),
        **({"answers": answers} if answers else {}),
        "started": now(),
        "provenance": _maker(job, here, len(clip_set.classes)),
    }
