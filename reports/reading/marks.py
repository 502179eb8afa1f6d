"""Marks of a row and what they mean: surrogate, smoke, leaky, seeds that differ."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from statistics import fmean
from typing import TYPE_CHECKING, Any

from bench.config.loading import load_config
from bench.data.clips import FRESH
from bench.data.sets.challenge import expected_counts
from bench.errors import BenchError
from bench.protocol.naming import FOLDS_TITLE, LOSO_TITLE, SET_TITLE
from bench.runs.folds import ENOUGH_TRAINED, TRAINED_BELOW
from bench.runs.marks import (
    CLIPS_NOT_RECORDED,
    COUNTS_DIFFER,
    DEAD_WEIGHTS,
    LOWER_BOUND,
    PRETRAINED,
    PRETRAINED_GENERATED,
    SHUFFLED,
    learnt_from,
)
from bench.runs.searches import SearchRecord, run_searches
from reports.reading.names import DATASETS
from rnas.settings import DECIDES, FIRST_ORDER

if TYPE_CHECKING:
    from bench.runs.record import RunRecord


SMOKE_PRESET = "smoke"

SMOKE = f"{SMOKE_PRESET}: nothing converged"
"""Mark of every result of the preset that only shows that the plumbing holds, or of its size."""

SMOKE_EPOCHS = (("search", "epochs"), ("train", "epochs"), ("train", "recipe_epochs"))
"""Settings of which a preset of one's own has as few as that one, or fewer."""

NOT_TRAINED = "not trained"

DECODINGS_DIFFER = "decodings differ"
"""Mark of searches that two readings of the same β decode to different paths."""

SEEDS_DIFFER = "seeds differ"
"""Mark of seeds that were made with other files, code or recipes under the same settings."""

BELOW_BASELINE = "below linear baseline"
"""Mark of scores that a classical baseline on the same clips is above."""

CANNOT_DECIDE = "cannot decide"
"""Mark of searches whose α, η and β could not move far enough to choose."""

ONE_GENOTYPE = "one genotype in all folds"
"""Mark of searches of which each left out other people, and which found the very same."""

SEEDS_AGREE = "one genotype in all seeds"
"""Mark of searches of several seeds that all found the very same."""

FROM_LOG = "read from a log"
"""Mark of predictions that were made elsewhere."""

TRAINED_WITHOUT = "trained without a class"
"""Mark of runs in which some folds have no training clip of a class."""

CODE_CHANGED = "code changed"
"""Mark of runs of which a package has brought other code since."""

CLIPS_DIFFER = "clips differ"
"""Mark of runs with the same choice of clips whose clips are not the same."""

FOREIGN = "foreign file"
"""Mark of runs in whose folder lies a result of a fold that they do not have."""

CONTRADICTED = "predict differs"
"""Mark of classifiers whose `predict` answers otherwise than the scores that count."""

TIED = "equal scores"
"""Mark of answers that are the first of several classes with the largest score."""

BEGINS_ALIKE = "begins alike"
"""Mark of networks of which much is the same before training with every seed."""

ONE_SEED = "one search seed"
"""Mark of a result of a single seed of a search."""

CAVEATS = (
    "surrogate",
    "smoke",
    "leaky",
    NOT_TRAINED,
    BELOW_BASELINE,
    CANNOT_DECIDE,
    CODE_CHANGED,
    CLIPS_DIFFER,
    SHUFFLED,
    "reconstruction",
)
"""Marks with which a number is not what it seems to a reader who misses them."""


def is_caveat(mark: str) -> bool:
    """Whether a page must not let the marked number look like a clean one."""
    return mark.partition(":")[0] in CAVEATS or mark.startswith("incomplete ")


def is_smoke(preset: str, config: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether the settings are those of `smoke`, or no epoch is more than there."""
    if preset == SMOKE_PRESET:
        return True
    most = load_config(SMOKE_PRESET).to_dict()
    return all(
        0 < config.get(section, {}).get(name, 0) <= most[section][name]
        for section, name in SMOKE_EPOCHS
    )


def unusual_settings(record: RunRecord) -> Iterable[str]:
    """Marks of settings that change what a score means, where they are not the defaults."""
    yield from learnt_from(record)
    if record.setting("space", "size") == "published":
        yield "size=published"
    if record.setting("protocol", "as_released") and not record.method.searches:
        yield "as released"
    for factor in ("operations", "partial", "edge_norm", "attention"):
        value = record.setting("space", factor)
        if value not in (None, "own", 0):
            yield f"{factor}={value}"
    if record.split != LOSO_TITLE:
        yield record.split
    for stranger in record.strangers:
        yield f"{FOREIGN}: {stranger}"
    metrics = record.metrics or {}
    if contradicted := metrics.get("contradicted"):
        yield f"{CONTRADICTED}: {contradicted} of {metrics['clips']} clips"
    if tied := metrics.get("tied"):
        yield f"{TIED}: {tied} of {metrics['clips']} clips"
    if alike := metrics.get("begins_alike"):
        yield f"{BEGINS_ALIKE}: {alike:.0%} of the weights"
    class_map = record.data.class_map
    if class_map != "challenge":
        yield f"class map {class_map}"


def is_searched(record: RunRecord) -> bool:
    """Whether the run searched its architecture itself, rather than draw it or be given it."""
    return bool(_own_searches(record))


def search_marks(record: RunRecord) -> Iterable[str]:
    """Marks of how a run has searched.

    A strategy that is not the paper's, too short a reach, decodings that differ in any search.
    """
    if not (searches := _own_searches(record)):
        return
    strategy = record.setting("search", "strategy", FIRST_ORDER)
    if strategy != FIRST_ORDER:
        yield f"strategy {strategy}"
    if len(_genotypes(searches)) == 1 < len(searches):
        yield ONE_GENOTYPE
    if any(search.reach is not None and search.reach < DECIDES for search in searches):
        yield CANNOT_DECIDE
    if any(search.gauge_free_path not in (None, search.path) for search in searches):
        yield DECODINGS_DIFFER


def seeds_agree(records: Sequence[RunRecord]) -> bool:
    """Whether the searches of several seeds found one genotype, no search being undecided."""
    searches = [found for record in records if (found := _own_searches(record))]
    every = [search for found in searches for search in found]
    undecided = any(search.path_is_uniform for search in every)
    return len(searches) > 1 and not undecided and len(_genotypes(every)) == 1


def _genotypes(searches: Sequence[SearchRecord]) -> set[tuple[object, ...]]:
    return {(search.path, search.edges, search.operations) for search in searches}


def _own_searches(record: RunRecord) -> Sequence[SearchRecord]:
    """The decoded searches of a run that searched itself.

    None where its genotype was drawn or given, or a record is corrupt, which others report.
    """
    if not record.method.learns:
        return ()
    with suppress(BenchError):
        found = run_searches(record.files, record.searches)
        return () if any(search.given for search in found) else found
    return ()


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
    chosen = record.setting("data", "subjects") or record.setting("data", "subject_count")
    own = record.data.people if chosen else None
    everyone, tested = subject_count(record.dataset) or own, _subjects_tested(record)
    if everyone and tested and tested < everyone:
        yield f"{tested} of {everyone} subjects ({name})"
    for problem in record.data.problems:
        if problem.get("kind") == "absent":
            yield f"{TRAINED_WITHOUT}: {problem['where']} in some folds ({name})"
    for absent in (record.metrics or {}).get("absent", ()):
        yield f"no {absent} in {name}"


def _subjects_tested(record: RunRecord) -> int | None:
    """Subjects in a split that is to test all; None where it is not, or it is not known yet."""
    if record.split == LOSO_TITLE:
        return record.folds_total
    if record.split.startswith(FOLDS_TITLE):
        return (record.metrics or {}).get("subjects")
    return None


def subject_count(dataset: str) -> int | None:
    """Subjects of a data set in the challenge list; None for a set that is not in it."""
    counts = expected_counts()
    parts = tuple(counts) if dataset == "composite" else (dataset,)
    return sum(len(counts[part]) for part in parts) if set(parts) <= set(counts) else None


def training_mark(records: Sequence[RunRecord]) -> Iterable[str]:
    """The share of trained folds of a method's seeds on a data set, where it is known."""
    shares = [share for record in records if (share := record.trained) is not None]
    if shares:
        share, dataset = fmean(shares), records[0].dataset
        word = "trained" if share >= ENOUGH_TRAINED else NOT_TRAINED
        yield f"{word}: {math.floor(100 * share)} % of folds ({DATASETS.get(dataset, dataset)})"


def distinct(marks: Iterable[str]) -> tuple[str, ...]:
    """The marks in order, each once."""
    return tuple(dict.fromkeys(marks))


MARK_MEANINGS = {
    "smoke": "nothing converged",
    "trained": f"the last epoch's mean training loss is below {TRAINED_BELOW} ln(classes)",
    NOT_TRAINED: f"fewer than {ENOUGH_TRAINED:.0%} of the folds are trained: the score says little "
    "of the method",
    "surrogate": "generated clips, not the licensed data set",
    "slice": "the clips of one data set within the pooled predictions of a composite run",
    "search_scope=all": "one search saw all subjects, held-out ones included",
    "selection=oracle": "the scored epoch is the best one on the test subject",
    "reconstruction": "rebuilt from a description, since the code is not public",
    "genotype given": "the architecture came from a file; its search may have seen any subject",
    SHUFFLED: "labels permuted over all clips, so that every score should be at chance",
    "from scratch": "random initial weights where the publication starts from pretrained ones",
    "recipe ours": "no training code is public: optimiser, epochs and batch are ours",
    "no MagNet": "no learned motion magnification before the patches",
    "no landmarks": "patches at fixed places of the face, not at detected landmarks",
    "learned magnification": "motion magnified by the network of Oh et al. before the patches",
    "landmarks given": "patches at the points in the file that data.landmarks names",
    "no ImageNet or CK+ pretraining": "random initial weights, no macro-expressions in training, "
    "and so no discriminator of the two",
    "not magnified": "optical flow of clips as they are; as published, of magnified ones",
    "magnified": "optical flow of clips magnified as data.magnify says",
    "classifier only": "the network that answers, without the parts that only help to train it",
    "no generator": "trained on the clips' own frames alone, not also on generated ones",
    PRETRAINED: "networks start from the weights of a model file, trained on other people",
    PRETRAINED_GENERATED: "networks start from weights that were trained on generated clips alone",
    CLIPS_NOT_RECORDED: "an older model file: it may have seen the tested clips by another name",
    "no AU labels": "no labels of action units: every pair is taken to occur together alike",
    "size=published": "width fitted to the method's own row of Table 5",
    "as released": "trained and scored as the method's released code does, where that differs",
    "gap not recorded": "searched by a version that did not yet evaluate the decoded cell alone",
    FROM_LOG: "predictions made elsewhere: of their protocol only what the file states is known",
    FOLDS_TITLE: "several subjects at a time are left out of training and tested",
    SET_TITLE: "all people of a data set are tested by a network trained on other sets",
    TRAINED_WITHOUT: "some folds train without a single clip of a class, and cannot know it",
    FRESH: "one network, tested on generated people that are new; nobody is left out in turn",
    COUNTS_DIFFER: "torch, fvcore and ptflops count different MACs; torch's are shown",
    LOWER_BOUND: "no counter knows the products in the operators that are named",
    DEAD_WEIGHTS: "under 70 % of the parameters can learn: the others' taps meet only padding",
    DECODINGS_DIFFER: "Viterbi over β and the shares of what enters each state give other paths",
    SEEDS_DIFFER: "under the same settings what stands behind the mark is not the same: the "
    "method's own recipe or space, code, the apexes, or what a file held that a setting or "
    "--genotype names",
    "no gap": "channels bypass the operations and no η shuts an edge: the cell cannot stand alone",
    BELOW_BASELINE: "a classical baseline has a higher UAR on all clips of this run",
    ONE_GENOTYPE: "each fold's search found the same: by agreement, or since it was known before",
    SEEDS_AGREE: "the search of each seed found the same: by agreement, or since what it draws is "
    "not the seed's, or it was known before",
    "strategy second_order": "searched by DARTS's second-order gradient, not by Algorithm 1",
    "strategy random_search": "the best of random genotypes on Train B, by successive halving",
    "strategy single_path": "single paths train a supernet, whose weights then score an evolution",
    CANNOT_DECIDE: "architecture steps × learning rate is under 1: α stays near uniform whatever "
    "the clips say",
    CODE_CHANGED: "a package that the run used is installed with other code now; the score is of "
    "the earlier code",
    CLIPS_DIFFER: "runs read together chose the same clips, and their labels, frames or apexes are "
    "not the same (data.fingerprint and data.apexes in run.json): these scores cannot be compared",
    FOREIGN: "a result of a fold that the run does not have lies in its folder: no score uses it",
    CONTRADICTED: "the classifier's own predict answers otherwise than its largest score, which "
    "counts",
    TIED: "several classes have the largest score of a clip, and the first of them counts",
    BEGINS_ALIKE: "weights, trained or not, are the same before training with every seed: fixed or "
    "loaded, perhaps from clips of the people who are tested; the method declares no pretraining",
    ONE_SEED: "another seed of the search may find another architecture and score",
    "random control": "cells and path drawn uniformly from the search space, not searched",
}


def mark_words(marks: Iterable[str]) -> tuple[str, ...]:
    """The parts of marks that may have a meaning, each once: `leaky: a, b` is leaky, a and b."""
    return distinct(word for mark in marks for word in mark.replace(": ", ", ").split(", "))


def mark_meanings(marks: Iterable[str]) -> tuple[str, ...]:
    """`mark: what it means` of those that have a meaning."""
    known = (word for word in mark_words(marks) if word in MARK_MEANINGS)
    return tuple(f"{word}: {MARK_MEANINGS[word]}" for word in known)
