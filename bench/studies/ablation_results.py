"""The results of an ablation study: what each factor of Table 3 is worth, with what chance does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

import numpy as np

from bench.methods import registry
from bench.protocol.metrics import Metric, metrics
from bench.runs.folds import read_fold, trained_share
from bench.runs.predictions import run_predictions
from bench.runs.searches import read_search
from bench.scoring.statistics import (
    Interval,
    exchange_test,
    holm,
    paired_replicates_bootstrap,
    replicates_bootstrap,
)
from bench.seeds import derive_seed
from bench.studies.ablation import BASE, Arm, Comparison, Study, network_macs


def measure(study: Study) -> dict[str, Any]:
    """The table of a finished study, and its networks one by one.

    `rows`: per factor and place where it acts the difference of each score, RNAS-MER minus the
    ablation. `estimate`, `low`, `high`: two-way bootstrap over replicates and subjects; `p`:
    permutation test over replicates; `p_holm`: corrected over these rows; `spread`: standard
    deviation of the paired differences, or of the scores between searches of one kind; `trained`:
    share of its networks with a low training loss; `macs_ratio`: geometric mean;
    `search_macs_ratio`: of what searches computed, None where none did. `zero_line`: the same of
    each kind of search minus random search. `networks`: every run, below `study.place`.

    Raises BenchError where a run is not finished.
    """
    results = {arm: _results(arm, study.place) for arm in study.arms}
    return {
        "protocol": study.size.protocol,
        "genotypes": study.size.genotypes,
        "searches": study.size.searches,
        "subjects": next(iter(results.values())).matrices.shape[2],
        "leaks": list(study.searches[0].searches.leaks) if study.searches else [],
        "rows": _rows(study.factors, results),
        "zero_line": _rows(study.zero_line, results),
        "networks": [
            {"arm": arm.name, "acts": arm.acts, **run}
            for arm, found in results.items()
            for run in found.runs
        ],
    }


@dataclass(frozen=True)
class Results:
    """What the networks of an arm did.

    matrices: confusion matrices (R, seeds, S, C, C); runs: a record of each run.
    """

    matrices: np.ndarray
    runs: tuple[dict[str, Any], ...]

    def scores(self, metric: Metric) -> np.ndarray:
        """A score of each replicate (R,), pooled over subjects, averaged over seeds."""
        return metric.function(self.matrices.sum(axis=2)).mean(axis=1)


def _results(arm: Arm, place: Path) -> Results:
    matrices = np.stack(
        [[run_predictions(job.folder).matrices for job in seeds] for seeds in arm.runs]
    )
    classes = matrices.shape[-1]
    runs: list[dict[str, Any]] = []
    for replicate, seeds in enumerate(arm.runs):
        for seed, job in enumerate(seeds):
            folds = [read_fold(job.folder.fold(name)) for name in job.folds]
            searches = [read_search(job.folder.genotype(name)) for name in job.searches.names]
            genotypes = [search.genotype for search in searches]
            macs = [network_macs(job.config, genotype, classes) for genotype in genotypes]
            costs = [search.cost.macs for search in searches if search.cost]
            pooled = matrices[replicate, seed].sum(axis=0)
            runs.append(
                {
                    "replicate": replicate,
                    "seed": job.seed,
                    **{name: metric.of(pooled) for name, metric in metrics().items()},
                    "trained": trained_share(folds, classes),
                    "loss": float(np.mean([fold.losses[-1] for fold in folds])),
                    "macs": float(np.mean(macs)),
                    "search_macs": fmean(costs) if costs else None,
                    "channels": registry.variant(BASE).configured_space(job.config).channels,
                    "genotypes": [genotype.to_dict() for genotype in dict.fromkeys(genotypes)],
                    "run": str(job.folder.path.relative_to(place)),
                }
            )
    return Results(matrices, tuple(runs))


def _rows(
    comparisons: Sequence[Comparison], results: Mapping[Arm, Results]
) -> list[dict[str, Any]]:
    rows = [_row(each, results[each.first], results[each.second]) for each in comparisons]
    for name in metrics():
        scores = [row["scores"][name] for row in rows]
        for score, corrected in zip(scores, holm([each["p"] for each in scores]), strict=True):
            score["p_holm"] = corrected
    return rows


def _row(comparison: Comparison, first: Results, second: Results) -> dict[str, Any]:
    compare = paired if comparison.first.trials else unpaired
    macs = [np.log([run["macs"] for run in each.runs]).mean() for each in (first, second)]
    costs = [[run["search_macs"] for run in each.runs] for each in (first, second)]
    known = None not in chain.from_iterable(costs)
    return {
        "title": comparison.title,
        "variant": comparison.variant,
        "acts": comparison.first.acts,
        "first": comparison.first.name,
        "second": comparison.second.name,
        "n": len(comparison.first.runs),
        "scores": {name: compare(first, second, metric) for name, metric in metrics().items()},
        "trained": fmean(run["trained"] for run in (*first.runs, *second.runs)),
        "macs_ratio": float(np.exp(macs[0] - macs[1])),
        "search_macs_ratio": fmean(costs[0]) / fmean(costs[1]) if known else None,
    }


def paired(first: Results, second: Results, metric: Metric) -> dict[str, Any]:
    """The difference of a score between the two networks of each genotype."""
    one, other = first.scores(metric), second.scores(metric)
    interval = paired_replicates_bootstrap(
        first.matrices, second.matrices, metric.function, generator=_generator(metric)
    )
    return _score_record(interval, one, other, "samples", np.var(one - other, ddof=1))


def unpaired(first: Results, second: Results, metric: Metric) -> dict[str, Any]:
    """The difference of a score between searches of two kinds."""
    one, other = first.scores(metric), second.scores(metric)
    interval = replicates_bootstrap(
        first.matrices, second.matrices, metric.function, generator=_generator(metric)
    )
    variance = (np.var(one, ddof=1) + np.var(other, ddof=1)) / 2
    return _score_record(interval, one, other, "independent", variance)


def _score_record(
    interval: Interval,
    one: np.ndarray,
    other: np.ndarray,
    exchanged: Literal["samples", "independent"],
    variance: float,
) -> dict[str, Any]:
    test = exchange_test(one, other, exchanged, generator=np.random.default_rng(0))
    return {
        "estimate": interval.estimate,
        "low": interval.low,
        "high": interval.high,
        "p": test.p,
        "spread": float(np.sqrt(variance)),
    }


def _generator(metric: Metric) -> np.random.Generator:
    return np.random.default_rng(derive_seed(0, "ablation", metric.name))
