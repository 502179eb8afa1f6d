"""Marks of a row and what they mean: surrogate, smoke, leaky, seeds that differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from bench.data.clips import FRESH
from bench.data.sets.challenge import expected_counts
from bench.runs.folds import TRAINED_BELOW
from reports.reading.names import DATASETS

if TYPE_CHECKING:
    from bench.runs.record import RunRecord


SMOKE = "smoke: nothing converged"
"""Mark of every result of the preset that only shows that the plumbing holds."""

NOT_TRAINED = "not trained"
ENOUGH_TRAINED = 0.95
"""Least share of trained folds of a score that says something of its method."""

RECIPES_DIFFER = "seeds differ in recipe"
"""Mark of seeds between which a method's own input or recipe has changed."""


def unusual_settings(record: RunRecord) -> Iterable[str]:
    """Marks of settings that change what a score means, where they are not the defaults."""
    if record.setting("data", "shuffle_labels"):
        yield "shuffled labels"
    if record.setting("space", "size") == "published":
        yield "size=published"
    if record.setting("protocol", "as_released") and not record.method.searches:
        yield "as released"
    for factor in ("operations", "partial", "edge_norm", "attention"):
        value = record.setting("space", factor)
        if value not in (None, "own", 0):
            yield f"{factor}={value}"
    if record.fresh:
        yield FRESH
    class_map = record.data.class_map
    if class_map != "challenge":
        yield f"class map {class_map}"


def leak_marks(metrics: Mapping[str, Any]) -> Iterable[str]:
    """The mark of scores that held-out subjects had a part in, with the settings that cause it."""
    protocol = metrics["protocol"]
    if not protocol.get("leaky"):
        return
    causes = protocol.get("leaks") or [
        f"{setting}={value}"
        for setting, value in (("search_scope", "all"), ("selection", "oracle"))
        if protocol.get(setting) == value
    ]
    yield f"leaky: {', '.join(causes)}" if causes else "leaky"


def shortfall(record: RunRecord) -> Iterable[str]:
    """Marks of unfinished folds, subjects left out of the run, and classes without a clip."""
    name = DATASETS.get(record.dataset, record.dataset)
    if record.folds_done < record.folds_total:
        yield f"incomplete {record.folds_done}/{record.folds_total} folds ({name})"
    everyone = subject_count(record.dataset)
    if everyone and record.folds_total < everyone and not record.fresh:
        yield f"{record.folds_total} of {everyone} subjects ({name})"
    for absent in (record.metrics or {}).get("absent", ()):
        yield f"no {absent} in {name}"


def subject_count(dataset: str) -> int | None:
    """Subjects of a data set in the challenge list; None for a set that is not in it."""
    counts = expected_counts()
    parts = tuple(counts) if dataset == "composite" else (dataset,)
    return sum(len(counts[part]) for part in parts) if set(parts) <= set(counts) else None


def distinct(marks: Iterable[str]) -> tuple[str, ...]:
    """The marks in order, each once."""
    return tuple(dict.fromkeys(marks))


MARK_MEANINGS = {
    "smoke": "nothing converged",
    "trained": f"the last epoch's mean training loss is below {TRAINED_BELOW} ln(classes)",
    NOT_TRAINED: "fewer than 95 % of the folds are trained: the score says little of the method",
    "surrogate": "generated clips, not the licensed data set",
    "slice": "the clips of one data set within the pooled predictions of a composite run",
    "search_scope=all": "one search saw all subjects, held-out ones included",
    "selection=oracle": "the scored epoch is the best one on the test subject",
    "reconstruction": "rebuilt from a description, since the code is not public",
    "genotype given": "the architecture came from a file; its search may have seen any subject",
    "shuffled labels": "labels permuted over all clips, so that every score should be at chance",
    "from scratch": "random initial weights where the publication starts from pretrained ones",
    "recipe ours": "no training code is public: optimiser, epochs and batch are ours",
    "no MagNet": "no learned motion magnification before the patches",
    "no landmarks": "patches at fixed places of the face, not at detected landmarks",
    "learned magnification": "motion magnified by the network of Oh et al. before the patches",
    "landmarks given": "patches at the points in the file that data.landmarks names",
    "no AU labels": "no labels of action units: every pair is taken to occur together alike",
    "size=published": "width fitted to the method's own row of Table 5",
    "as released": "trained and scored as the method's released code does, where that differs",
    "gap not recorded": "searched by a version that did not yet evaluate the decoded cell alone",
    FRESH: "one network, tested on generated people that are new; nobody is left out in turn",
    RECIPES_DIFFER: "the method's own input or recipe changed from one seed to another",
    "no gap": "channels bypass the operations and no η shuts an edge: the cell cannot stand alone",
    "random control": "cells and path drawn uniformly from the search space, not searched",
}
