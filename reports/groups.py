"""Finished runs gathered for a table: which seeds belong together, which configuration is shown.

A group never mixes: one variant, one data set, surrogate or real, one preset, one configuration.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.data.sets.challenge import expected_counts
from bench.errors import DataError
from bench.runs.marks import SUPPLIED
from bench.runs.record import trained_network

if TYPE_CHECKING:
    from bench.runs.record import RunRecord

DATASETS = {"composite": "composite", "smic": "SMIC", "casme2": "CASME II", "samm": "SAMM"}
"""Data sets with columns in Tables 2 and 4 -> how a reader calls them, in the paper's order."""

SMOKE = "smoke: nothing converged"
"""Mark of every result of the preset that only shows that the plumbing holds."""

UNLIKE = "seeds trained unlike"
"""Mark of seeds between which a method's own input or recipe has changed."""

SCORES = ("acc", "uar", "uf1")
COSTS = ("params", "checkpoint_mb")
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
                "choose with --preset or --config"
            )

    @property
    def key(self) -> GroupKey:
        return GroupKey.of(self.records[0])

    @property
    def started(self) -> datetime:
        """When its latest run began."""
        return max(_started(record) for record in self.records)

    @property
    def scored(self) -> tuple[RunRecord, ...]:
        """The seeds with metrics; seeds with every fold alone, where there are any."""
        with_metrics = [record for record in self.records if record.metrics is not None]
        complete = [r for r in with_metrics if r.folds_done >= r.folds_total]
        return tuple(complete or with_metrics)

    @property
    def profiled(self) -> tuple[RunRecord, ...]:
        """The seeds with a profile."""
        return tuple(record for record in self.records if record.profile is not None)

    @property
    def shuffled(self) -> bool:
        """Whether the labels were permuted: a control, never shown in place of a result."""
        return bool(_setting(self.records[0], "data", "shuffle_labels"))

    @property
    def clips(self) -> str:
        """Which clips these are, in words: the data set, and how hard generated ones are."""
        name = DATASETS.get(self.key.dataset, self.key.dataset)
        if not self.key.surrogate:
            return name
        level = _setting(self.records[0], "data", "difficulty")
        return f"{name} surrogate, {level}" if level else f"{name} surrogate"

    @property
    def conditions(self) -> tuple[str, ...]:
        """Marks of everything that these runs yield: generated clips, an unconverged search."""
        return (
            *(("surrogate",) if self.key.surrogate else ()),
            *((SMOKE,) if self.key.preset == "smoke" else ()),
            *((UNLIKE,) if self._trained_unlike() else ()),
            *distinct(mark for record in self.records for mark in _unusual_settings(record)),
        )

    def _trained_unlike(self) -> bool:
        networks = [trained_network(record.run.get("network")) for record in self.records]
        return any(network != networks[0] for network in networks)

    @property
    def leaks(self) -> tuple[str, ...]:
        """Marks of scores that held-out subjects had a part in, with the setting that lets them."""
        return distinct(mark for record in self.scored for mark in _leaks(record))

    @property
    def shortfalls(self) -> tuple[str, ...]:
        """Marks of scores that rest on fewer folds, subjects or classes than the data set has."""
        return distinct(mark for record in self.scored for mark in _shortfall(record))


def carried_marks(groups: Sequence[RunGroup], marks: Iterable[str]) -> tuple[str, ...]:
    """The marks of a variant as these runs of it carry them: what all of them were given counts."""
    records = (record for group in groups for record in group.records)
    given = set.intersection(*(set(record.run.get("marks", ())) for record in records))
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
    """The latest configuration of each variant, data set and kind; a note wherever others exist."""
    rivals: dict[tuple, list[RunGroup]] = {}
    for group in groups:
        rivals.setdefault((*group.key[:3], group.shuffled), []).append(group)
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


def defect(record: RunRecord) -> str | None:
    """What a record's files lack that a table needs, in one line; None if nothing."""
    checks = (
        ("run.json", record.run, _bad_run),
        ("metrics.json", record.metrics, _bad_metric),
        ("profile.json", record.profile, _bad_cost),
    )
    for name, content, bad in checks:
        key = None if content is None else bad(content)
        if key:
            return (
                f"{record.folder / name}: {key!r} is missing or of the wrong kind; left out; "
                "delete the file and repeat the command that wrote it"
            )
    return None


def _bad_run(run: Any) -> str | None:
    """The part of the configuration that holds no settings, marks that are no words, or a network
    that is no mapping."""
    config = run.get("config", {})
    if not isinstance(config, Mapping):
        return "config"
    marks = run.get("marks", [])
    if not (isinstance(marks, list) and all(isinstance(mark, str) for mark in marks)):
        return "marks"
    if not isinstance(run.get("network") or {}, Mapping):
        return "network"
    sections = config.items()
    return next(
        (f"config.{name}" for name, each in sections if not isinstance(each, Mapping)), None
    )


def _bad_metric(metrics: Any) -> str | None:
    """The first key of a metrics file that a table cannot use."""
    key = _not_a_number(metrics, SCORES)
    if key:
        return key
    for name in ("protocol", "slices"):
        if not isinstance(metrics.get(name), Mapping):
            return name
    slices = metrics["slices"].items()
    return next((f"slices.{name}" for name, each in slices if _not_a_number(each, SCORES)), None)


def _bad_cost(profile: Any) -> str | None:
    return _not_a_number(profile, COSTS)


def _not_a_number(content: Any, keys: Iterable[str]) -> str | None:
    """The first of the keys that holds neither a number nor null; infinity is none."""
    if not isinstance(content, Mapping):
        return "the whole content"
    return next((key for key in keys if not _is_figure(content.get(key, ""))), None)


def _is_figure(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and abs(value) != math.inf)


def _started(record: RunRecord) -> datetime:
    """The start that run.json states; a run without a readable date is the oldest of all."""
    try:
        date = datetime.fromisoformat(record.run["started"])
    except (KeyError, TypeError, ValueError):
        return UNDATED
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _choice_note(shown: RunGroup, others: Sequence[RunGroup]) -> str:
    names = ", ".join(group.key.configuration for group in others)
    return (
        f"{shown.key} is the latest of {len(others) + 1}; also there: {names} "
        "(choose with --preset NAME or --config HASH)"
    )


def _unusual_settings(record: RunRecord) -> Iterable[str]:
    """Settings that change what a number means, where they are not the usual ones."""
    if _setting(record, "data", "shuffle_labels"):
        yield "shuffled labels"
    if _setting(record, "space", "size") == "published":
        yield "size=published"
    if _setting(record, "protocol", "as_released") and record.run.get("kind") == "fixed":
        yield "as released"
    class_map = record.run.get("data", {}).get("class_map", "challenge")
    if class_map != "challenge":
        yield f"class map {class_map}"


def _setting(record: RunRecord, section: str, name: str) -> Any:
    """A setting of a run's configuration; None where run.json has no such setting."""
    return record.run.get("config", {}).get(section, {}).get(name)


def _leaks(record: RunRecord) -> Iterable[str]:
    protocol = record.metrics["protocol"]
    if not protocol.get("leaky"):
        return
    causes = protocol.get("leaks") or [
        f"{setting}={value}"
        for setting, value in (("search_scope", "all"), ("selection", "oracle"))
        if protocol.get(setting) == value
    ]
    yield f"leaky: {', '.join(causes)}" if causes else "leaky"


def _shortfall(record: RunRecord) -> Iterable[str]:
    """Folds that are not finished, subjects that were never asked for, classes without a clip."""
    name = DATASETS.get(record.dataset, record.dataset)
    if record.folds_done < record.folds_total:
        yield f"incomplete {record.folds_done}/{record.folds_total} folds ({name})"
    everyone = subject_count(record.dataset)
    if everyone and record.folds_total < everyone:
        yield f"{record.folds_total} of {everyone} subjects ({name})"
    for absent in record.metrics.get("absent", ()):
        yield f"no {absent} in {name}"


def subject_count(dataset: str) -> int | None:
    """Subjects of a data set in the challenge list; None for a set that is not in it."""
    counts = expected_counts()
    parts = tuple(counts) if dataset == "composite" else (dataset,)
    return sum(len(counts[part]) for part in parts) if set(parts) <= set(counts) else None


def distinct(marks: Iterable[str]) -> tuple[str, ...]:
    """The marks in order, each once."""
    return tuple(dict.fromkeys(marks))
