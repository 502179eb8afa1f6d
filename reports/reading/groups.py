"""Finished runs gathered for a table: which seeds belong together, which configuration is shown.

A group never mixes: one variant, one data set, surrogate or real, one preset, one configuration.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from statistics import fmean
from typing import Any, NamedTuple

from bench.errors import BenchError, DataError
from bench.runs.code import changed_code, recorded_code
from bench.runs.marks import GENERATED, GIVEN, SUPPLIED, size_marks
from bench.runs.record import RunRecord, trained_network
from reports.reading.marks import (
    BELOW_BASELINE,
    CLIPS_DIFFER,
    CODE_CHANGED,
    ONE_SEED,
    SEEDS_AGREE,
    SEEDS_DIFFER,
    SMOKE,
    distinct,
    is_searched,
    is_smoke,
    leak_marks,
    search_marks,
    seeds_agree,
    shortfall,
    training_mark,
    unusual_settings,
)
from reports.reading.names import DATASETS
from rnas.errors import MethodError
from rnas.settings import FIRST_ORDER

ROUNDING = 1e-9
"""Means of equal scores may differ in their last digits."""

GENOTYPES = "genotypes given"
"""What `differing` calls those of --genotype."""

UNDATED = datetime.min.replace(tzinfo=UTC)


class GroupKey(NamedTuple):
    """What the seeds of one group have in common."""

    variant: str
    dataset: str
    surrogate: bool
    preset: str
    config_hash: str

    @classmethod
    def of(cls, record: RunRecord) -> GroupKey:
        """The key of the group that a run belongs to."""
        return cls(
            record.variant, record.dataset, record.surrogate, record.preset, record.config_hash
        )

    @property
    def configuration(self) -> str:
        """Preset and configuration hash, as in the name of the run folder."""
        return f"{self.preset}-{self.config_hash}"

    def __str__(self) -> str:
        kind = " surrogate" if self.surrogate else ""
        return f"{self.variant} on {self.dataset}{kind} ({self.configuration})"


@dataclass(frozen=True)
class RunGroup:
    """The seeds of one configuration, sorted by seed. Raises DataError where runs would mix."""

    records: tuple[RunRecord, ...]

    def __post_init__(self) -> None:
        keys = {GroupKey.of(record) for record in self.records}
        if len(keys) != 1:
            listed = "; ".join(sorted(map(str, keys))) or "none"
            raise DataError(
                f"a table cell takes the seeds of one configuration, got {listed}; "
                "choose with --preset or --config-hash"
            )

    @property
    def key(self) -> GroupKey:
        """What all its runs have in common."""
        return GroupKey.of(self.records[0])

    @property
    def started(self) -> datetime:
        """When its latest run began."""
        return max(_started(record) for record in self.records)

    @property
    def scored(self) -> tuple[RunRecord, ...]:
        """The seeds with metrics; where some have every fold, only those."""
        with_metrics = [record for record in self.records if record.metrics is not None]
        complete = [r for r in with_metrics if r.folds_done >= r.folds_total]
        return tuple(complete or with_metrics)

    @property
    def metrics(self) -> tuple[dict[str, Any], ...]:
        """The metrics of the seeds that are scored."""
        return tuple(record.metrics for record in self.scored if record.metrics is not None)

    @property
    def profiled(self) -> tuple[RunRecord, ...]:
        """The seeds with a profile."""
        return tuple(record for record in self.records if record.profile is not None)

    @property
    def profiles(self) -> tuple[dict[str, Any], ...]:
        """The profiles of the seeds that have one."""
        return tuple(record.profile for record in self.records if record.profile is not None)

    @property
    def size_marks(self) -> tuple[str, ...]:
        """Marks of the sizes of its networks."""
        return size_marks(self.profiles)

    @property
    def shuffled(self) -> bool:
        """Whether the labels were permuted: a control, never shown in place of a result."""
        return bool(self.records[0].setting("data", "shuffle_labels"))

    @property
    def clips(self) -> str:
        """Which clips these are, in words: the data set, and how hard generated ones are."""
        name = self._place
        if not self.key.surrogate:
            return name
        level, version = (
            self.records[0].setting("data", key) for key in ("difficulty", "surrogate_version")
        )
        known = (level, version and f"version {version}")
        return ", ".join([f"{name} surrogate", *filter(None, known)])

    @property
    def _place(self) -> str:
        return DATASETS.get(self.key.dataset, self.key.dataset)

    @property
    def strategy(self) -> str:
        """How its architecture is searched; empty where it is not."""
        first = self.records[0]
        return first.setting("search", "strategy", FIRST_ORDER) if first.method.learns else ""

    @property
    def name(self) -> str:
        """The variant, with its search strategy where that is not the paper's."""
        other = self.strategy not in ("", FIRST_ORDER)
        return f"{self.key.variant} ({self.strategy})" if other else self.key.variant

    @cached_property
    def conditions(self) -> tuple[str, ...]:
        """Marks that hold for every value of these runs: generated clips, an unconverged search."""
        return (
            *(("surrogate",) if self.key.surrogate else ()),
            *((SMOKE,) if is_smoke(self.key.preset, self.records[0].config) else ()),
            *((f"{SEEDS_DIFFER}: {', '.join(odd)}",) if (odd := differing(self.records)) else ()),
            *((f"{BELOW_BASELINE}: {self._place}",) if self._below_baseline() else ()),
            *distinct(mark for record in self.records for mark in unusual_settings(record)),
            *distinct(mark for record in self.records for mark in search_marks(record)),
            *((SEEDS_AGREE,) if seeds_agree(self.records) else ()),
            *((ONE_SEED,) if self._one_search_seed() else ()),
            *((CODE_CHANGED,) if any(map(changed_code, self.records)) else ()),
            *((CLIPS_DIFFER,) if any(record.clips_differ for record in self.records) else ()),
        )

    @property
    def uar(self) -> float | None:
        """Mean UAR over its scored seeds; None where there is none."""
        found = [each["uar"] for each in self.metrics if each["uar"] is not None]
        return fmean(found) if found else None

    def _below_baseline(self) -> bool:
        best, own = self.records[0].baseline_uar, self.uar
        if best is None or own is None or self.shuffled:
            return False
        return own < best - ROUNDING

    def _one_search_seed(self) -> bool:
        runs = self.scored or self.records
        return len(runs) == 1 and is_searched(runs[0])

    @property
    def leaks(self) -> tuple[str, ...]:
        """Marks of scores that held-out subjects had a part in, with the setting that lets them."""
        return distinct(mark for scores in self.metrics for mark in leak_marks(scores))

    @cached_property
    def shortfalls(self) -> tuple[str, ...]:
        """Marks of scores that rest on fewer folds, subjects or classes than the data set has.

        And the share of the folds that were trained.
        """
        missing = (mark for record in self.scored for mark in shortfall(record))
        return distinct((*missing, *training_mark(self.scored)))


def differing(records: Sequence[RunRecord]) -> tuple[str, ...]:
    """What the runs were made with and neither settings nor clips' fingerprint tell apart.

    The method's own recipe and space, code of packages, the apexes, the content of files that
    settings and --genotype name. What an older run has not recorded differs from nothing.
    """
    made = [_made_with(record) for record in records]
    found = []
    for what in made[0]:
        known = [each[what] for each in made if each[what] is not None]
        if not all(_same(known[0], each) for each in known):
            found.append(what)
    return tuple(found)


def _same(one: Any, other: Any) -> bool:
    """Whether two records say the same, of what both know."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return all(one[key] == other[key] for key in one.keys() & other.keys())
    return one == other


def _made_with(record: RunRecord) -> dict[str, Any]:
    data, code = record.data, recorded_code(record)
    return {
        "recipe": trained_network(record.network),
        "space": record.space,
        "code": code,
        "apexes": data.apexes,
        "landmarks": data.landmarks,
        "magnifier weights": data.magnifier,
        "pretrained network": record.pretrained and record.pretrained.sha256,
        GENOTYPES: _given_genotypes(record),
    }


def _given_genotypes(record: RunRecord) -> list[dict[str, Any]] | None:
    """The genotypes that a run was given and trained; None where it was given none."""
    protocol = (record.metrics or {}).get("protocol") or {}
    if protocol.get("genotype") not in (GIVEN, GENERATED):
        return None
    from bench.runs.searches import run_searches  # imports numpy

    try:
        found = run_searches(record.files, record.searches)
        return [search.genotype.to_dict() for search in found] or None
    except (BenchError, MethodError):  # `bench validate` says what is wrong with a file
        return None


def carried_marks(groups: Sequence[RunGroup], marks: Iterable[str]) -> tuple[str, ...]:
    """The marks of a variant for these runs of it.

    The mark of an input that it lacks becomes that of its substitute where all runs were given one.
    """
    records = (record for group in groups for record in group.records)
    given = set.intersection(*(set(record.marks) for record in records))
    return tuple(SUPPLIED[mark] if SUPPLIED.get(mark) in given else mark for mark in marks)


def gather(records: Iterable[RunRecord]) -> tuple[RunGroup, ...]:
    """Every group among the records, by variant, data set, surrogate, preset, configuration."""
    by_key: dict[GroupKey, list[RunRecord]] = {}
    for record in records:
        by_key.setdefault(GroupKey.of(record), []).append(record)
    return tuple(
        RunGroup(tuple(sorted(by_key[key], key=lambda record: record.seed)))
        for key in sorted(by_key)
    )


def latest(groups: Sequence[RunGroup]) -> tuple[tuple[RunGroup, ...], tuple[str, ...]]:
    """The latest configuration of each variant, data set, kind, protocol and search strategy.

    A note wherever others exist.
    """
    rivals: dict[tuple, list[RunGroup]] = {}
    for group in groups:
        kind = (group.shuffled, group.records[0].split, group.strategy)
        rivals.setdefault((*group.key[:3], *kind), []).append(group)
    shown, notes = [], []
    for contenders in rivals.values():
        first, *others = sorted(contenders, key=lambda group: group.started, reverse=True)
        shown.append(first)
        if others:
            notes.append(_choice_note(first, others))
    return tuple(shown), tuple(notes)


def dataset_order(group: RunGroup) -> tuple[int, str, bool]:
    """The paper's order of data sets, then other sets by name; real clips before surrogates."""
    names = list(DATASETS)
    name = group.key.dataset
    return (names.index(name) if name in names else len(names), name, group.key.surrogate)


def select(
    records: Iterable[RunRecord], preset: str | None = None, config: str | None = None
) -> list[RunRecord]:
    """The records of a preset and of a configuration hash (or of its beginning)."""
    return [
        record
        for record in records
        if preset in (None, record.preset) and record.config_hash.startswith(config or "")
    ]


def _started(record: RunRecord) -> datetime:
    """The start that run.json states; a run without a readable date is the oldest of all."""
    try:
        date = datetime.fromisoformat(record.started or "")
    except ValueError:
        return UNDATED
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _choice_note(shown: RunGroup, others: Sequence[RunGroup]) -> str:
    names = ", ".join(group.key.configuration for group in others)
    return (
        f"{shown.key} is the latest of {len(others) + 1}; also there: {names} "
        "(choose with --preset NAME or --config-hash HASH)"
    )


def leaks(record: RunRecord) -> tuple[str, ...]:
    """Marks of what held-out subjects had a part in; from the configuration before any score."""
    if record.metrics is not None:
        return RunGroup((record,)).leaks
    rule = record.setting("protocol", "selection")
    oracle = rule == "oracle" and record.method.has_epochs
    causes = [
        *(record.searches.leaks if record.method.learns else ()),
        *(("selection=oracle",) if oracle else ()),
    ]
    return (f"leaky: {', '.join(causes)}",) if causes else ()


def run_marks(group: RunGroup, record: RunRecord) -> tuple[str, ...]:
    """Every mark of a score of a run, which is of this group."""
    own = (*leaks(record), *record.marks)
    return distinct((*group.conditions, *own, *group.shortfalls))
