"""Metrics of a run, computed from its folds, and the protocol behind them (no torch)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from itertools import chain
from typing import Any

from baselines.fixed import CROSS_ENTROPY
from bench.config.settings import INNER_VAL, ORACLE, recorded_rules
from bench.methods.released import released_ways
from bench.protocol.metrics import fold_mean, pooled_metrics
from bench.protocol.naming import split_title
from bench.runs.folds import FoldRecord, trained_share
from bench.runs.job import Job
from bench.runs.marks import GENERATED, GIVEN
from bench.runs.predictions import fold_answers
from bench.runs.searches import run_searches


def run_metrics(
    folds: Sequence[FoldRecord],
    classes: Sequence[str],
    parts: Sequence[str],
    rules: Sequence[str],
) -> dict[str, Any]:
    """Scores pooled over the folds of a run, under its own rule and every recorded one.

    parts: the data sets that have slices of their own; rules: the recorded selection rules.
    """

    def clips_by(rule: str | None) -> list[dict[str, Any]]:
        answers = chain.from_iterable(fold_answers(fold, fold.subject, rule) for fold in folds)
        return list(map(asdict, answers))

    clips = clips_by(None)
    selections = {rule: pooled_metrics(clips_by(rule), classes, parts) for rule in rules}
    return {
        **pooled_metrics(clips, classes, parts),
        "selections": selections,
        "aggregations": {"fold_mean": fold_mean(clips, classes)},
    }


def run_scores(
    job: Job, folds: Sequence[FoldRecord], classes: Sequence[str], parts: Sequence[str]
) -> dict[str, Any]:
    """The content of `metrics.json`: `run_metrics`, the protocol, the share of trained folds.

    `trained` is None where the folds minimise another loss than cross-entropy; `contradicted` is
    there where the `predict` of any fold's classifier answers otherwise than its scores, `tied`
    where classes share the largest score of clips, `begins_alike` where much of a network is the
    same before training with every seed.
    """
    loss = job.method.training(job.config).loss
    contradicted = sum(fold.contradicted for fold in folds)
    tied = sum(fold.tied for fold in folds)
    begins_alike = max((fold.begins_alike for fold in folds), default=0.0)
    return {
        **({"contradicted": contradicted} if contradicted else {}),
        **({"tied": tied} if tied else {}),
        **({"begins_alike": begins_alike} if begins_alike else {}),
        **run_metrics(folds, classes, parts, recorded_rules(job.config.protocol)),
        "trained": trained_share(folds, len(classes)) if loss == CROSS_ENTROPY else None,
        "protocol": protocol_record(job),
    }


def protocol_record(job: Job) -> dict[str, Any]:
    """How the scores were made: selection rule, search scope, leaks, origin of the genotype."""
    protocol = job.config.protocol
    origin = _genotype_origin(job)
    causes: list[str] = []
    if origin == GIVEN:
        causes = ["genotype given"]  # whatever it was searched on may hold the test subjects
    elif job.method.learns and origin != GENERATED:
        causes = [*job.searches.leaks]
    if protocol.selection == ORACLE and job.method.has_epochs:
        causes.append(f"selection={ORACLE}")
    rules = recorded_rules(protocol)
    return {
        "aggregation": "pooled",
        "split": split_title(job.config.to_dict()),
        "search_scope": protocol.search_scope,
        "selection": protocol.selection,
        "rules": list(rules),
        "as_released": list(released_ways(job.variant, job.config)),
        "trained_without_inner_part": INNER_VAL in rules and job.method.has_epochs,
        "leaky": bool(causes),
        "leaks": causes,
        "genotype": origin,
        "surrogate": job.source.surrogate,
        "shuffled_labels": job.config.data.shuffle_labels,
    }


def _genotype_origin(job: Job) -> str:
    """`searched`, `random` (nothing is learnt), `given` by the user with --genotype, or `fixed`.

    `generated`: given, and searched on generated clips alone.
    """
    searches = run_searches(job.folder, job.searches)
    if any(search.given for search in searches):
        return GENERATED if all(search.generated for search in searches) else GIVEN
    return job.method.origin
