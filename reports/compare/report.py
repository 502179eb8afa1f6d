"""The comparison as a whole: per data set the entries, pairs and controls; ranks over all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.config.settings import changed_settings
from bench.errors import BenchError
from bench.methods.registry import RANDOM_PREFIX, variants
from bench.protocol.metrics import metrics
from bench.runs.folder import RunFolder
from bench.runs.record import read_run
from bench.scoring.ranking import Agreement, RankTest, agreement, rank_test
from bench.scoring.statistics import Interval, score_intervals
from reports.compare.checks import check_comparable, setting_notes
from reports.compare.entries import Entry, by_rule, make_entries, scores_of
from reports.compare.pairs import (
    Control,
    Pair,
    beside_random,
    compare_pairs,
    couples_of,
    least_note,
    seed_notes,
)
from reports.reading.groups import gather
from reports.reading.marks import distinct

if TYPE_CHECKING:
    from bench.runs.record import RunRecord

Progress = Callable[[str, int, int], None]
"""Called with (what, done, total)."""


@dataclass(frozen=True)
class Plan:
    """How entries are compared.

    metric: the one that is tested and ranked; draws: resamples and permutations; allowed: fields
    of `Protocol` in which entries may differ; reference: name of the entry that the others are
    compared with, where not all are with each other.
    """

    metric: str
    draws: int
    seed: int = 0
    allowed: frozenset[str] = frozenset()
    reference: str = ""


@dataclass(frozen=True)
class Comparison:
    """The entries of one data set. `agreement`: of the seeds that all entries have."""

    dataset: str
    entries: tuple[Entry, ...]
    pairs: tuple[Pair, ...]
    controls: tuple[Control, ...]
    agreement: Agreement | None
    intervals: dict[str, dict[str, Interval]]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        answers = self.entries[0].predictions[0]
        return {
            "dataset": self.entries[0].first.dataset,
            "surrogate": self.entries[0].first.surrogate,
            "clips": len(answers.answers),
            "subjects": len(set(answers.people)),
            "entries": [_entry(entry, self.intervals[entry.name]) for entry in self.entries],
            "pairs": [pair.to_dict() for pair in self.pairs],
            "controls": [control.to_dict() for control in self.controls],
            "rank_stability": asdict(self.agreement) if self.agreement else None,
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class Report:
    """Everything that `bench compare` says. `ranks`: over blocks (data set, seed)."""

    plan: Plan
    comparisons: tuple[Comparison, ...]
    ranks: RankTest | None
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """What `bench compare --format json` prints."""
        return {
            "metric": self.plan.metric,
            "draws": self.plan.draws,
            "comparisons": [each.to_dict() for each in self.comparisons],
            "ranks": asdict(self.ranks) if self.ranks else None,
            "notes": list(self.notes),
        }


def compare(entries: Sequence[Entry], plan: Plan, progress: Progress) -> Report:
    """Compares the entries of every data set that has several.

    Raises BenchError where no data set has two, DataError and UsageError where entries cannot be
    compared (`reports.compare.checks`).
    """
    by_set: dict[str, list[Entry]] = {}
    for entry in entries:
        by_set.setdefault(entry.dataset, []).append(entry)
    several = {name: group for name, group in by_set.items() if len(group) > 1}
    if not several:
        told = "; ".join(f"{entry.name} on {entry.dataset}" for entry in entries) or "none"
        if len({name.casefold() for name in by_set}) < len(by_set):
            told += " (names that differ in upper and lower case alone: write one of them in all)"
        raise BenchError(
            f"no two configurations on the same data set to compare, got {told}; "
            "make another run, or name another with RUN or --variant"
        )
    for group in several.values():
        check_comparable(group, plan.allowed)
    comparisons = tuple(compare_on(name, group, plan, progress) for name, group in several.items())
    alone = [
        f"{g[0].name} alone is on {name}: left out" for name, g in by_set.items() if len(g) < 2
    ]
    ranks, notes = _ranks(comparisons, plan.metric)
    return Report(plan, comparisons, ranks, (*alone, *notes))


def compare_on(
    dataset: str, entries: Sequence[Entry], plan: Plan, progress: Progress
) -> Comparison:
    """The comparison of entries that may be compared; of one alone its scores and intervals."""
    couples = couples_of(entries, plan.reference)
    pairs = compare_pairs(
        couples,
        plan.metric,
        plan.draws,
        plan.seed,
        lambda done, total: progress(f"pairs on {dataset}", done, total),
    )
    controls, control_notes = _controls(entries, plan)
    shared = _shared_seeds(entries)
    notes = [
        *(note for couple in couples for note in seed_notes(*couple)),
        *least_note(pairs, len(set(entries[0].predictions[0].people)), plan.draws),
        *setting_notes(entries),
        *control_notes,
    ]
    return Comparison(
        dataset=dataset,
        entries=tuple(entries),
        pairs=tuple(pairs),
        controls=tuple(controls),
        agreement=agreement(_table(entries, shared, plan.metric)) if len(shared) > 1 else None,
        intervals={
            entry.name: score_intervals(entry.matrices, draws=plan.draws, seed=plan.seed)
            for entry in entries
        },
        notes=distinct(notes),
    )


def _controls(entries: Iterable[Entry], plan: Plan) -> tuple[list[Control], list[str]]:
    """Each searched entry beside the random networks of its space, where there are runs of them."""
    controls, notes = [], []
    for entry in entries:
        name = RANDOM_PREFIX + entry.group.key.variant
        if name not in variants():
            continue
        try:
            random = _random_entry(entry, name)
            check_comparable([entry, random], {"search_scope", "genotype"})
        except BenchError as error:
            notes.append(f"no control for {entry.name}: {error}")
            continue
        controls.append(beside_random(entry, random, plan.metric, plan.draws, plan.seed))
    return controls, notes


def _random_entry(entry: Entry, name: str) -> Entry:
    """The finished runs of the space's random variant that are configured like the entry's.

    The scope of a search does not matter to them: those of the entry's own are preferred.
    """
    configuration, *_ = entry.first.folder.absolute().parents
    files = sorted((configuration.parent.parent / name).glob("*/seed*/run.json"))
    records = [read_run(RunFolder(file.parent)) for file in files]
    alike = [
        group
        for group in gather(r for r in records if r.metrics and r.folds_done == r.folds_total)
        if _unscoped(group.records[0]) == _unscoped(entry.first)
    ]
    if not alike:
        raise BenchError(f"no finished run of {name} with its settings")
    own = entry.group.key.config_hash
    group = min(alike, key=lambda group: group.key.config_hash != own)
    rule = entry.protocol.selection
    if scores_of(group.records[0])["protocol"]["selection"] != rule:
        group = by_rule(group, rule)
    (random,) = make_entries([group])
    return random


def _unscoped(record: RunRecord) -> dict[str, Any]:
    """The settings that were changed, but for the scope of the search."""
    changed = changed_settings(record.config)
    return {key: value for key, value in changed.items() if key != "protocol.search_scope"}


def _ranks(comparisons: Sequence[Comparison], metric: str) -> tuple[RankTest | None, list[str]]:
    """The test over all blocks of the methods that every data set has."""
    named = [[entry.name for entry in each.entries] for each in comparisons]
    common = [name for name in named[0] if all(name in names for names in named)]
    blocks, notes = [], []
    for each in comparisons:
        entries = [next(e for e in each.entries if e.name == name) for name in common]
        shared = _shared_seeds(entries) if entries else ()
        if shared:
            blocks.append(_table(entries, shared, metric))
        elif entries:
            notes.append(f"no seed of all methods on {each.dataset}: its ranks are of mean scores")
            blocks.append(np.array([[entry.scores(metric).mean() for entry in entries]]))
    if len(common) < 3 or not blocks:
        return None, []
    test = rank_test(common, np.concatenate(blocks))
    dropped = sorted({name for names in named for name in names} - set(common))
    if dropped:
        notes.append(f"Ranks are of the methods on every data set, without {', '.join(dropped)}")
    if test and test.blocks > len(comparisons):
        notes.append(
            "Ranks: seeds on one data set are not independent blocks, so their p values are too "
            "small; read them as a description"
        )
    return test, notes


def _shared_seeds(entries: Sequence[Entry]) -> tuple[int, ...]:
    return tuple(sorted(set.intersection(*(set(entry.seeds) for entry in entries))))


def _table(entries: Sequence[Entry], seeds: Sequence[int], metric: str) -> np.ndarray:
    """(seeds, entries): the scores by which the entries are ranked."""
    scores = [dict(zip(entry.seeds, entry.scores(metric), strict=True)) for entry in entries]
    return np.array([[own[seed] for own in scores] for seed in seeds], float)


def _entry(entry: Entry, intervals: dict[str, Interval]) -> dict[str, Any]:
    scores = {name: entry.scores(name) for name in metrics()}
    stated = scores_of(entry.first)["protocol"]
    return {
        "name": entry.name,
        "variant": entry.group.key.variant,
        "preset": entry.group.key.preset,
        "config_hash": entry.group.key.config_hash,
        "seeds": list(entry.seeds),
        "folders": [str(Path(record.folder)) for record in entry.records],
        "protocol": stated,
        "leaky": bool(stated["leaky"]),
        "marks": list(entry.marks),
        "scores": {
            name: {
                "mean": float(values.mean()),
                "sd": float(values.std(ddof=1)) if len(values) > 1 else None,
                "values": values.tolist(),
                "interval": intervals[name].to_dict(),
            }
            for name, values in scores.items()
        },
    }
