"""From the files of a run's folds to its metrics and what they must be read with (no torch)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.config.settings import INNER_VAL, ORACLE, recorded_rules
from bench.methods.released import released_ways
from bench.protocol.metrics import fold_mean, pooled_metrics
from bench.runs.folder import GIVEN
from bench.runs.job import Job
from bench.system.files import read_json


def run_metrics(
    folds: Sequence[dict[str, Any]],
    classes: Sequence[str],
    parts: Sequence[str],
    rules: Sequence[str],
) -> dict[str, Any]:
    """Scores pooled over the fold files of a run, under its own rule and every recorded one.

    parts: the data sets that have slices of their own; rules: the recorded selection rules.
    """
    clips = [{**clip, "subject": fold["subject"]} for fold in folds for clip in fold["clips"]]
    selections = {
        rule: pooled_metrics(
            [{**clip, "pred": clip["selected"][rule]} for clip in clips], classes, parts
        )
        for rule in rules
    }
    return {
        **pooled_metrics(clips, classes, parts),
        "selections": selections,
        "aggregations": {"fold_mean": fold_mean(clips, classes)},
    }


def protocol_record(job: Job) -> dict[str, Any]:
    """What a reader must know before comparing the scores of a run with others."""
    protocol = job.config.protocol
    origin = _genotype_origin(job)
    causes: list[str] = []
    if origin == "given":
        causes = ["genotype given"]  # whatever it was searched on may hold the test subjects
    elif job.method.learns:
        causes = [*job.searches.leaks]
    if protocol.selection == ORACLE:
        causes.append(f"selection={ORACLE}")
    rules = recorded_rules(protocol)
    return {
        "aggregation": "pooled",
        "search_scope": protocol.search_scope,
        "selection": protocol.selection,
        "rules": list(rules),
        "as_released": list(released_ways(job.variant, job.config)),
        "trained_without_inner_part": INNER_VAL in rules,
        "leaky": bool(causes),
        "leaks": causes,
        "genotype": origin,
        "surrogate": job.source.surrogate,
        "shuffled_labels": job.config.data.shuffle_labels,
    }


def _genotype_origin(job: Job) -> str:
    """`searched`, `random` (nothing is learnt), `given` by the user with --genotype, or `fixed`."""
    files = {job.folder.genotype(fold) for fold in job.searches.names}
    if any(GIVEN in read_json(file) for file in files):
        return "given"
    return job.method.origin
