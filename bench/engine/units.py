"""What each unit of a plan does. All state lies in the run folder."""

from __future__ import annotations

from dataclasses import replace
from pkgutil import resolve_name
from statistics import median_low

from bench.data.sets.catalogue import find_dataset
from bench.data.sources import find_clips, prepare
from bench.engine.executing.suspicion import keep_suspicion, suspicion
from bench.engine.executing.working import await_files
from bench.engine.first_answers import require_first_answers
from bench.engine.material import job_clips, network_builder
from bench.engine.plan import FOLD, PREPARE, SEARCH, Report, Unit
from bench.engine.recorded import require_own_job
from bench.engine.searching.search import summarise_searches
from bench.errors import BenchError, SuspectError
from bench.measuring.memory import measure_peaks
from bench.measuring.profiling import profile
from bench.measuring.workload import Workload
from bench.protocol.splits import tested_labels
from bench.runs.checking.answered import unlike_data
from bench.runs.checksums import sealing
from bench.runs.folds import sealed_fold
from bench.runs.job import Job
from bench.runs.record import read_run_file
from bench.runs.results import run_scores
from bench.runs.searches import read_genotype
from bench.system.files import write_json, write_text
from bench.system.guarding import ALONE
from bench.training.compute import current_card, resolve_device
from rnas.sizes import count_parameters

WORK = {PREPARE: "bench.engine.units:prepare_clips"}
"""The work of phases that are the same for every method."""


def perform(unit: Unit, report: Report) -> None:
    """Does a unit on the device that its job's choice means here, writes its output and seals it.

    Of several threads each waits for the others, since torch's settings and random numbers are
    those of the process. Raises BenchError or MethodError where it cannot, SuspectError also where
    it was refused for that before: what passes when it is tried again would be random.
    """
    await_files([unit.job.folder.run])
    require_own_job(unit.job)
    if refused := suspicion(unit):
        raise SuspectError(refused)
    device = resolve_device(unit.job.device)
    with ALONE, current_card(device):
        here = replace(unit, job=replace(unit.job, device=device))
        if unit.phase in (SEARCH, FOLD):
            require_first_answers(here.job)
        work = resolve_name(WORK.get(unit.phase) or unit.job.method.work[unit.phase])
        try:
            with sealing(unit.job.folder, unit.name):
                work(here, report)
        except SuspectError as error:
            keep_suspicion(unit, str(error))
            raise
    if unit.phase == SEARCH:  # only now: a search that is not sealed goes on from its last step
        unit.job.folder.checkpoint(unit.fold).unlink(missing_ok=True)


def prepare_clips(unit: Unit, report: Report) -> None:
    """Fills the clip cache with what the networks of a run see."""
    job = unit.job
    prepare(job.source, job.method.data(job.config), report, job.method.inputs)
    write_text(unit.output, "")


def score(unit: Unit, report: Report) -> None:
    """Pools the predictions of all folds into `metrics.json`."""
    job = unit.job
    folds = {fold: sealed_fold(job.folder, fold) for fold in job.folds}
    classes = read_run_file(job.folder).data.classes
    expected = tested_labels(find_clips(job.source, job.config.data), job.config, job.seed)
    for fold, what in unlike_data(folds, expected, classes):
        raise BenchError(
            f"{job.folder.fold(fold) if fold else job.folder.path}: {what}; move the folder "
            "elsewhere and repeat the command"
        )
    if not job.folder.search_summary.exists():  # a killed search may have left it out
        summarise_searches(job)
    parts = find_dataset(job.source.dataset).parts
    write_json(unit.output, run_scores(job, list(folds.values()), classes, parts))


def measure(unit: Unit, report: Report) -> None:
    """Parameters, operations and peak memory of the network into `profile.json`.

    Where every fold has a network of its own, they are those of the one with the median
    parameters, whose `fold` is named.
    """
    job = unit.job
    clip_set, _ = job_clips(job)
    classes = len(clip_set.classes)
    fold = typical_fold(job, classes)
    build = network_builder(job, fold, classes)
    method = job.method
    shape, training = method.input_shape(job.config), method.training(job.config)
    config = replace(job.config, compute=method.compute(job.config))
    workload = Workload(
        build, shape, classes, job.device, config, training, resizable=method.searches
    )
    peaks = measure_peaks(workload, training.batch)
    figures = {**profile(build(), shape, training), **peaks.to_dict()}
    searched = job.searches.of(fold)
    write_json(unit.output, {**figures, "fold": searched} if searched else figures)


def typical_fold(job: Job, classes: int) -> str:
    """The fold whose network has the median of the parameters, of an even number the lower one.

    Where all folds have the same network, as without a search in each, it is the first.
    """
    if not (job.searches.there and job.searches.per_fold):
        return job.folds[0]
    space = job.method.configured_space(job.config)
    sizes = {
        fold: count_parameters(space, read_genotype(job.folder.genotype(fold)), classes)
        for fold in job.folds
    }
    return next(fold for fold, size in sizes.items() if size == median_low(sizes.values()))
