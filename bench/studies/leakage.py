"""How much a leaky protocol inflates a score: the runs that measure it, and their results.

The table {all, fold} x {last, inner_val, oracle} comes from ordinary runs with true labels, and
from runs with permuted labels, where any score above the clean one is due to leakage. One training
run yields all three selection rules, so `oracle` and `last` are compared on the same weights. In
leave-one-subject-out the chance level is not 1/classes (the held-out subject is missing from the
class priors), so scores are compared with the mean and interval of the permuted runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Final, Literal

import numpy as np

from bench.config.settings import INNER_VAL, LAST, ORACLE, SELECTION_RULES, Config
from bench.data.clips import ClipSet
from bench.engine.request import Request, jobs_of
from bench.methods import registry
from bench.protocol.metrics import UAR, UF1, metrics
from bench.runs.job import Job
from bench.runs.predictions import run_predictions
from bench.runs.typed import read_object
from bench.scoring.statistics import LEVEL, bootstrap, paired_bootstrap
from bench.seeds import derive_seed

SearchScope = Literal["fold", "all"]

SCOPES: tuple[SearchScope, ...] = ("fold", "all")
"""The clean scope first."""

NO_SEARCH: Final = "none"
"""The scope of methods without a search: random controls, fixed networks."""

SCORES = (UAR.name, UF1.name)


@dataclass(frozen=True)
class Cell:
    """A cell of the table: the subjects that the search sees, and the epoch that is scored."""

    scope: str
    rule: str

    @property
    def leaks(self) -> tuple[str, ...]:
        """The settings through which held-out subjects influence the score."""
        return (
            *(("search_scope=all",) if self.scope == "all" else ()),
            *(("selection=oracle",) if self.rule == ORACLE else ()),
        )


@dataclass(frozen=True)
class Study:
    """The runs behind one variant's table, by scope; `shuffled` holds one per permutation."""

    variant: str
    true: dict[str, tuple[Job, ...]]
    shuffled: dict[str, tuple[Job, ...]]

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes that were run, the clean one first."""
        return tuple(self.true)

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Every scope with every selection rule."""
        return tuple(Cell(scope, rule) for scope, rule in product(self.scopes, SELECTION_RULES))

    @property
    def clean(self) -> Cell:
        """The cell without leakage."""
        return Cell(self.scopes[0], LAST)

    @property
    def jobs(self) -> tuple[Job, ...]:
        """All runs: true labels first, then permutation by permutation.

        In this order an interrupted study has whole permutations.
        """
        true = [job for jobs in self.true.values() for job in jobs]
        return (*true, *(job for jobs in self.by_permutation for job in jobs))

    @property
    def by_permutation(self) -> list[tuple[Job, ...]]:
        """Per permutation its runs, one per scope."""
        return list(zip(*self.shuffled.values(), strict=True))


def studies(request: Request, permutations: int, clip_set: ClipSet) -> tuple[Study, ...]:
    """One study per variant of the request, over all its seeds; permutation k has seed k.

    It covers all search scopes and selection rules, whatever those of the request.
    """
    return tuple(_study(request, variant, permutations, clip_set) for variant in request.variants)


def _study(request: Request, variant: str, permutations: int, clip_set: ClipSet) -> Study:
    searched = registry.variant(variant).learns
    true: dict[str, tuple[Job, ...]] = {}
    shuffled: dict[str, tuple[Job, ...]] = {}
    scopes: tuple[Literal[SearchScope, "none"], ...] = SCOPES if searched else (NO_SEARCH,)
    for scope in scopes:
        config = measuring(request.config_of(variant), "all" if scope == NO_SEARCH else scope)
        control = replace(config, data=replace(config.data, shuffle_labels=True))
        permuted = replace(request.under(control, variant), seeds=tuple(range(permutations)))
        true[scope] = jobs_of(request.under(config, variant), clip_set)
        shuffled[scope] = jobs_of(permuted, clip_set)
    return Study(variant, true, shuffled)


def measuring(config: Config, scope: SearchScope) -> Config:
    """The settings of a run that records every selection rule; it is scored by `last`."""
    protocol = replace(
        config.protocol, search_scope=scope, selection="last", rules=",".join(SELECTION_RULES)
    )
    data = replace(config.data, shuffle_labels=False)
    return replace(config, protocol=protocol, data=data)


# Results of the runs


def measure(study: Study) -> dict[str, Any]:
    """The table of a study whose runs with true labels are finished.

    `cells`: per cell and score the value with its interval over subjects (`true`); over the
    finished permutations (`shuffled`) the mean, the interval of the mean, the prediction interval
    of a further permutation (`band_low`, `band_high`) and the share of values within the clean
    cell's prediction interval (`inside`); `p`: the p-value of the permutation test. `inflation`:
    the difference between a leaky choice and the clean one, all else equal.
    """
    finished = [place for place, jobs in enumerate(study.by_permutation) if _finished(jobs)]
    true = {cell: _true_matrices(study.true[cell.scope], cell.rule) for cell in study.cells}
    shuffled = {cell: _shuffled_scores(study, cell, finished) for cell in study.cells}
    return {
        "variant": study.variant,
        "kind": registry.variant(study.variant).kind,
        "seeds": [job.seed for job in study.true[study.scopes[0]]],
        "permutations": len(finished),
        "subjects": len(study.jobs[0].folds),
        "clean": {"search_scope": study.clean.scope, "selection": study.clean.rule},
        "cells": [_cell_record(cell, study.clean, true, shuffled) for cell in study.cells],
        "inflation": [
            _inflation_record(leaky, clean, true, shuffled) for leaky, clean in _pairs(study)
        ],
        "runs": [str(job.folder.path) for job in study.jobs if job.folder.metrics.exists()],
    }


def _finished(jobs: Sequence[Job]) -> bool:
    return all(job.folder.metrics.exists() for job in jobs)


def _pairs(study: Study) -> list[tuple[Cell, Cell]]:
    """Pairs that differ in one choice: oracle - last, inner_val - last, all - fold."""
    rules = [
        (Cell(scope, rule), Cell(scope, LAST))
        for rule, scope in product((ORACLE, INNER_VAL), study.scopes)
    ]
    if NO_SEARCH in study.scopes:
        return rules
    return [*rules, *((Cell("all", rule), Cell("fold", rule)) for rule in SELECTION_RULES)]


def _true_matrices(jobs: Sequence[Job], rule: str) -> np.ndarray:
    """Confusion matrices (seeds, subjects, classes, classes) of a selection rule."""
    return np.stack([run_predictions(job.folder, rule).matrices for job in jobs])


def _shuffled_scores(study: Study, cell: Cell, finished: Sequence[int]) -> dict[str, np.ndarray]:
    """Per score its values in the finished permutations, (permutations,)."""
    jobs = study.shuffled[cell.scope]
    files = (jobs[place].folder.metrics for place in finished)
    found = [read_object(file, "selections")["selections"][cell.rule] for file in files]
    return {name: np.array([metrics[name] for metrics in found], float) for name in SCORES}


def _cell_record(cell: Cell, clean: Cell, true: dict, shuffled: dict) -> dict[str, Any]:
    return {
        "search_scope": cell.scope,
        "selection": cell.rule,
        "leaky": bool(cell.leaks),
        "leaks": list(cell.leaks),
        **{
            name: _score_record(name, true[cell], shuffled[cell][name], shuffled[clean][name])
            for name in SCORES
        },
    }


def _score_record(
    name: str, matrices: np.ndarray, shuffled: np.ndarray, clean: np.ndarray
) -> dict[str, Any]:
    generator = np.random.default_rng(derive_seed(0, "leakage", name))
    interval = bootstrap(matrices, metrics()[name].function, generator=generator)
    reached = int((shuffled >= interval.estimate).sum())
    return {
        "true": interval.to_dict(),
        "shuffled": {**mean_record(shuffled), **_band(shuffled), "inside": inside(shuffled, clean)},
        "p": (1 + reached) / (1 + len(shuffled)),
    }


def _inflation_record(leaky: Cell, clean: Cell, true: dict, shuffled: dict) -> dict[str, Any]:
    def differences(name: str) -> dict[str, Any]:
        generator = np.random.default_rng(derive_seed(0, "inflation", name))
        interval = paired_bootstrap(
            true[leaky], true[clean], metrics()[name].function, generator=generator
        )
        apart = mean_record(shuffled[leaky][name] - shuffled[clean][name])
        return {"true": interval.to_dict(), "shuffled": apart}

    return {
        "of": {"search_scope": leaky.scope, "selection": leaky.rule},
        "over": {"search_scope": clean.scope, "selection": clean.rule},
        "same_weights": leaky.scope == clean.scope,
        **{name: differences(name) for name in SCORES},
    }


def mean_record(values: np.ndarray) -> dict[str, Any]:
    """Mean of the permutations with its confidence interval (Student's t), and the values.

    The interval is None for fewer than two permutations.
    """
    from scipy.stats import ttest_1samp

    record = {"mean": float(values.mean()) if len(values) else None, "values": values.tolist()}
    if len(values) < 2:
        return {**record, "low": None, "high": None}
    if np.ptp(values) == 0:
        return {**record, "low": float(values[0]), "high": float(values[0])}
    interval = ttest_1samp(values, 0).confidence_interval(LEVEL)
    return {**record, "low": float(interval.low), "high": float(interval.high)}


def inside(values: np.ndarray, clean: np.ndarray) -> float | None:
    """Share of values within the prediction interval of the other permutations' clean values.

    Each value's own permutation is left out of its interval, so that the share of the clean cell
    itself can be below 1: with 20 permutations about 90 % lie inside where both have the same
    distribution. None for fewer than three permutations.
    """
    if len(values) < 3:
        return None
    bands = [_band(np.delete(clean, place)) for place in range(len(clean))]
    hits = [
        band["band_low"] <= value <= band["band_high"]
        for value, band in zip(values, bands, strict=True)
    ]
    return float(np.mean(hits))


def _band(values: np.ndarray) -> dict[str, float | None]:
    """The 95 % prediction interval of a further permutation; the whole range of fewer than 39.

    A further value lies in the range of n values with probability (n - 1)/(n + 1).
    """
    if not len(values):
        return {"band_low": None, "band_high": None}
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], method="weibull")
    return {"band_low": float(low), "band_high": float(high)}
