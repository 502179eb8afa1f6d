"""A run's method trained on all its clips, for use on new ones: no score is claimed of it."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from pkgutil import resolve_name

from baselines.fixed import Recipe
from bench.config.settings import LAST, TrainConfig
from bench.data.clips import problem_lines
from bench.data.sources import Source, prepare
from bench.engine.first_answers import forget_answers, require_first_answers
from bench.engine.material import initial_network, job_clips, network_builder
from bench.engine.opening import WORDS, given_files, recorded_files
from bench.engine.plan import Report
from bench.engine.units import typical_fold
from bench.errors import BenchError, UsageError
from bench.methods import registry
from bench.models.file import WHOLE, ModelRecord, write_model
from bench.models.saving import SUMMARY, Keeper, model_record
from bench.runs.checking.crosschecks import require_agreement
from bench.runs.code import changed_making, code_now
from bench.runs.folder import RunFolder
from bench.runs.job import Job
from bench.runs.marks import learnt_from
from bench.runs.record import RunFile, read_run
from bench.training.answers import check_answer
from bench.training.beginning import Beginning
from bench.training.compute import threads
from bench.training.doubling import lengths, until_trained
from bench.training.loop import train


def fit(
    folder: RunFolder,
    out: Path,
    cache: Path,
    data_root: Path | None,
    device: str,
    report: Report,
    marks: tuple[str, ...] = (),
) -> ModelRecord:
    """Trains the network of a run on all its clips, to the last epoch, and writes its model file.

    The architecture is that of the run's search; where each fold has one of its own, that of the
    fold with the median of the parameters. data_root: where the clips are, if not where the run
    found them; marks: of a run that has no score. Raises UsageError where the run has no network,
    BenchError where it is not searched yet, or its clips, a file that its settings name, or the
    code of a package that it was made by are others by now.
    """
    run = read_run(folder)
    require_agreement(folder, run)
    job = _job(folder, run, cache, data_root, device)
    method = job.method
    if "profile" not in method.work:
        raise UsageError(
            f"{folder.path}: {run.variant} {method.without_search}: there are no weights to keep"
        )
    missing = [name for name in job.searches.names if not folder.genotype(name).exists()]
    if missing:
        raise BenchError(
            f"{folder.path} is not searched yet: finish it with the command that began it"
        )
    clip_set, fingerprint = prepare(job.source, job.config.data, report, method.inputs)
    if fingerprint != run.data.fingerprint or clip_set.classes != run.data.classes:
        raise BenchError(
            f"{job.source.root or job.source.dataset}: these are not the clips of the run "
            f"{folder.path}, or have other labels (another fingerprint); name their folder with "
            "--data-root, or put back the class map that the run was made with"
        )
    if run.data.apexes not in (None, clip_set.apexes):
        raise BenchError(
            f"{folder.path}: the apex frames of the clips are coded otherwise by now; put back "
            "the table or corrections that the run was made with, or make the run anew"
        )
    recorded = recorded_files(run)
    now = given_files(job, clip_set.classes)
    if changed := [WORDS.get(name, name) for name in now if now[name] != recorded[name]]:
        raise BenchError(
            f"{folder.path}: {', '.join(changed)}: the file that its settings name is another by "
            "now; put back the one that the run was made with, or make the run anew"
        )
    if edited := changed_making(run):
        raise BenchError(
            f"{folder.path} was made by other code of {', '.join(edited)}: restore that code, or "
            "make the run anew with `bench run --force`"
        )
    forget_answers()
    require_first_answers(job)
    for line in problem_lines(clip_set.problems) if job.source.root else ():
        print(line, file=sys.stderr)
    clip_set, clips = job_clips(job)
    fold = typical_fold(job, clips.classes)
    everyone = range(len(clip_set.clips))
    build = partial(initial_network, job, fold, clips.classes, WHOLE)
    unseeded = network_builder(job, fold, clips.classes)

    def attempt(settings: TrainConfig | Recipe) -> tuple[tuple[Beginning, Keeper], list[float]]:
        beginning = Beginning.of(
            build, unseeded, clips, everyone, pretrained=method.pretrained, loss=settings.loss
        )
        keeper = Keeper(beginning.network)  # says before the training where weights cannot be kept
        losses = train(
            beginning.network,
            clips,
            everyone,
            settings,
            job.seed,
            WHOLE,
            lambda done, total: report("training epochs", done, total),
            method.compute(job.config),
        )
        return (beginning, keeper), losses

    with threads(method.threads):
        attempts = lengths(method.training(job.config))
        (beginning, keeper), losses = until_trained(attempts, clips.classes, attempt)
    network = beginning.network
    check_answer(network, clips, everyone)
    beginning.require_kept()
    keeper.keep()
    scored = folder.metrics.exists()
    score, told = resolve_name(SUMMARY)(folder) if scored else (None, (*marks, *learnt_from(run)))
    record = model_record(
        job,
        network,
        fold,
        clip_set,
        everyone,
        fold=WHOLE,
        rule=LAST,
        epoch=len(losses),
        score=score,
        marks=tuple(dict.fromkeys(told)),
    )
    record = replace(record, run=_with_code(record.run, run))
    write_model(out, record, keeper.kept)
    return record


def _with_code(kept: RunFile, run: RunFile) -> RunFile:
    """What a model file keeps of its run, with the code of packages that the run did not record."""
    code = {**code_now(run), **(kept.provenance.code or {})}
    return replace(kept, provenance=replace(kept.provenance, code=code))


def _job(folder: RunFolder, run: RunFile, cache: Path, data_root: Path | None, device: str) -> Job:
    """The run as it was asked for, on clips that may lie elsewhere by now."""
    registry.variant(run.variant)  # its package is installed
    root = data_root or (Path(run.data.root) if run.data.root else None)
    if root is not None and not root.exists():
        raise UsageError(
            f"{root} is not there: name the folder of the run's clips with --data-root"
        )
    return Job(
        folder=folder,
        variant=run.variant,
        source=Source(run.data.source or run.dataset, root, run.surrogate, cache.absolute()),
        preset=run.preset,
        config=run.settings,
        seed=run.seed,
        device=device,
        folds=run.folds,
    )
