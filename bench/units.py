"""What each unit of a plan does. All state lies in the run folder."""

from __future__ import annotations

from functools import partial
from typing import Any

from bench import registry
from bench.config import recorded_rules
from bench.data import find_dataset
from bench.evaluation import evaluate_fold
from bench.files import read_json, write_json
from bench.memory import measure_peaks
from bench.metrics import fold_mean, pooled_metrics
from bench.phases import Report, configured_space, job_clips, read_genotype
from bench.plan import FOLD, METRICS, PROFILE, SEARCH, Job, Unit
from bench.profiling import profile
from bench.searching import GIVEN, search
from bench.selection import INNER_VAL, ORACLE
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
    clips = [{**clip, "subject": fold["subject"]} for fold in folds for clip in fold["clips"]]
    run = read_json(job.folder.run)
    classes, parts = run["data"]["classes"], find_dataset(job.source.dataset).parts
    selections = {
        rule: pooled_metrics(
            [{**clip, "pred": clip["selected"][rule]} for clip in clips], classes, parts
        )
        for rule in recorded_rules(job.config.protocol)
    }
    record = {
        **pooled_metrics(clips, classes, parts),
        "selections": selections,
        "aggregations": {"fold_mean": fold_mean(clips, classes)},
        "protocol": protocol_record(job),
    }
    write_json(unit.output, record)


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


def protocol_record(job: Job) -> dict[str, Any]:
    """What a reader must know before comparing the scores of a run with others."""
    protocol = job.config.protocol
    origin = _genotype_origin(job)
    causes = []
    if origin == "given":
        causes = ["genotype given"]  # whatever it was searched on may hold the test subjects
    elif origin == "searched" and protocol.search_scope == "all":
        causes = ["search_scope=all"]
    if protocol.selection == ORACLE:
        causes.append(f"selection={ORACLE}")
    rules = recorded_rules(protocol)
    return {
        "aggregation": "pooled",
        "search_scope": protocol.search_scope,
        "selection": protocol.selection,
        "rules": list(rules),
        "trained_without_inner_part": INNER_VAL in rules,
        "leaky": bool(causes),
        "leaks": causes,
        "genotype": origin,
        "surrogate": job.source.surrogate,
        "shuffled_labels": job.config.data.shuffle_labels,
    }


def _genotype_origin(job: Job) -> str:
    """`searched`, `random` (nothing is learnt), or `given` by the user with --genotype."""
    files = {job.folder.genotype(job.search_fold(fold)) for fold in job.folds}
    if any(GIVEN in read_json(file) for file in files):
        return "given"
    return "random" if registry.variant(job.variant).kind == "random" else "searched"
