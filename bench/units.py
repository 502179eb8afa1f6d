"""What each unit of a plan does. All state lies in the run folder."""

from __future__ import annotations

from functools import partial

from bench.config import recorded_rules
from bench.data import find_dataset
from bench.evaluation import evaluate_fold
from bench.files import read_json, write_json
from bench.memory import measure_peaks
from bench.phases import Report, configured_space, job_clips, read_genotype
from bench.plan import FOLD, METRICS, PROFILE, SEARCH, Unit
from bench.profiling import profile
from bench.results import protocol_record, run_metrics
from bench.searching import search
from bench.workload import Workload
from rnas.derived import DerivedNetwork


def perform(unit: Unit, report: Report) -> None:
    """Does a unit and writes its output; raises BenchError or MethodError where it cannot."""
    {SEARCH: search, FOLD: evaluate_fold, METRICS: score, PROFILE: measure}[unit.phase](
        unit, report
    )


def score(unit: Unit, report: Report) -> None:
    """Pools the predictions of all folds into `metrics.json`."""
    job = unit.job
    folds = [read_json(job.folder.fold(fold)) for fold in job.folds]
    classes = read_json(job.folder.run)["data"]["classes"]
    parts, rules = find_dataset(job.source.dataset).parts, recorded_rules(job.config.protocol)
    metrics = run_metrics(folds, classes, parts, rules)
    write_json(unit.output, {**metrics, "protocol": protocol_record(job)})


def measure(unit: Unit, report: Report) -> None:
    """Parameters, operations and peak memory of the decoded network into `profile.json`."""
    job = unit.job
    clip_set, _ = job_clips(job)
    space = configured_space(job.variant, job.config)
    genotype = read_genotype(job.folder.genotype(job.search_fold(job.folds[0])))
    classes, data = len(clip_set.classes), job.config.data
    shape = (3, data.frames, data.size, data.size)
    build = partial(DerivedNetwork, space, genotype, classes)
    peaks = measure_peaks(
        Workload(build, shape, classes, job.device, job.config), job.config.train.batch
    )
    write_json(unit.output, {**profile(build(), shape), **peaks.to_dict()})
