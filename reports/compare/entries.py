"""What is compared: configurations with the answers of each of their seeds."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bench.data.sets.catalogue import DATASETS
from bench.errors import BenchError, DataError, printable
from bench.protocol.metrics import metrics
from bench.runs.folder import RunFolder
from bench.runs.marks import SHUFFLED
from bench.runs.predictions import ClipKey, Predictions, run_predictions
from bench.scoring.logs import Reading, read_log
from bench.scoring.report import selected_protocol
from reports.reading.finished import set_name
from reports.reading.groups import RunGroup
from reports.reading.marks import FROM_LOG, distinct

if TYPE_CHECKING:
    from bench.runs.record import RunRecord


def scores_of(record: RunRecord) -> dict[str, Any]:
    """The metrics of a run; BenchError where it has none yet."""
    if record.metrics is None:
        raise BenchError(f"{record.folder} has no metrics.json: it is not finished")
    return record.metrics


class Protocol(NamedTuple):
    """What decides how a score is formed; runs that differ in it are not compared unasked.

    search_scope: None where nothing was searched; inner_part: whether training went without the
    clips that the rule inner_val holds out.
    """

    split: str
    aggregation: str
    search_scope: str | None
    selection: str
    inner_part: bool
    genotype: str | None

    @classmethod
    def of(cls, record: RunRecord) -> Protocol:
        """The protocol of a run that is scored."""
        stated = scores_of(record)["protocol"]
        origin = stated.get("genotype", "searched")
        return cls(
            split=stated.get("split", record.split),
            aggregation=stated["aggregation"],
            search_scope=stated["search_scope"] if origin == "searched" else None,
            selection=stated["selection"],
            inner_part=bool(stated.get("trained_without_inner_part", False)),
            genotype="given" if origin == "given" else None,
        )

    def differences(self, other: Protocol, allowed: Collection[str] = ()) -> list[str]:
        """`selection: last against oracle` for every part that differs and is not `allowed` to.

        Where nothing was searched (a random control, a fixed network) any scope is the same.
        """
        found = []
        for name, one, two in zip(self._fields, self, other, strict=True):
            nothing_searched = name == "search_scope" and None in (one, two)
            if one != two and name not in allowed and not nothing_searched:
                found.append(f"{name}: {one} against {two}")
        return found


@dataclass(frozen=True)
class Entry:
    """One configuration on one data set: its finished seeds, and their answers in clip order.

    notes: those of the log (`bench.scoring.logs.Log`) that it was read from.
    """

    name: str
    group: RunGroup
    predictions: tuple[Predictions, ...]
    notes: tuple[str, ...] = ()

    @property
    def records(self) -> tuple[RunRecord, ...]:
        """Its runs, by seed."""
        return self.group.records

    @property
    def first(self) -> RunRecord:
        """The run of its first seed."""
        return self.records[0]

    @property
    def dataset(self) -> str:
        """`smic`, or `smic-surrogate`."""
        return set_name(self.first)

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of its runs."""
        return tuple(record.seed for record in self.records)

    @property
    def protocol(self) -> Protocol:
        """What all its runs have in common in how they are scored."""
        return Protocol.of(self.first)

    @property
    def marks(self) -> tuple[str, ...]:
        """Everything that its scores must be read with."""
        own = (mark for record in self.records for mark in record.marks)
        group = self.group
        return distinct((*group.leaks, *group.conditions, *group.shortfalls, *own))

    @cached_property
    def matrices(self) -> np.ndarray:
        """(seeds, S, C, C): confusion matrices per subject."""
        return np.stack([each.matrices for each in self.predictions])

    def scores(self, metric: str) -> np.ndarray:
        """(seeds,): the pooled score of each seed."""
        return metrics()[metric].function(self.matrices.sum(axis=1))


def make_entries(groups: Iterable[RunGroup], logs: Iterable[Entry] = ()) -> list[Entry]:
    """An entry per configuration and log, named so that no two on a data set are called the same.

    Raises BenchError where a run is not finished or its folds are corrupt.
    """
    entries = [
        Entry(
            group.name,
            group,
            tuple(_answers(record) for record in group.records),
        )
        for group in groups
    ]
    return named_apart([*entries, *(_among(entries, log) for log in logs)])


def _among(runs: Iterable[Entry], log: Entry) -> Entry:
    """A log on the set of the runs with the same clips: it knows no manifest's name."""
    clips, kind = _clips(log), log.first.surrogate
    same = (run.first for run in runs if run.first.surrogate == kind and _clips(run) == clips)
    if run := next(same, None):
        return replace(log, group=RunGroup((replace(log.first, dataset=run.dataset),)))
    return log


def _clips(entry: Entry) -> set[ClipKey]:
    return {answer.key.plain for answer in entry.predictions[0].answers}


def log_entry(path: Path, reading: Reading) -> Entry:
    """The predictions in a file, made elsewhere, as those of a run with one seed.

    Of its protocol is known what the file states. Raises BenchError as `read_log`.
    """
    from bench.runs.record import DataRecord, RunRecord

    log = read_log(path, reading)
    sets = log.predictions.datasets
    people = tuple(dict.fromkeys(log.predictions.people))
    whole = set(sets) == set(DATASETS["composite"].parts)
    stated = (printable(mark) for mark in log.protocol.get("marks") or ())
    record = RunRecord(
        dataset="composite" if whole else "+".join(sorted(sets)),
        surrogate=bool(log.protocol["surrogate"]),
        variant=path.stem,
        preset="log",
        config_hash=hashlib.sha256(repr(log.predictions.answers).encode()).hexdigest()[:8],
        seed=0,
        folds=people,
        finished=people,
        kind="fixed",
        marks=(FROM_LOG, *stated, *[SHUFFLED] * bool(log.protocol.get("shuffled_labels"))),
        folder=path,
        data=DataRecord(classes=log.predictions.classes),
        metrics={
            **log.predictions.metrics(),
            "trained": None,
            "protocol": {**log.protocol, "genotype": "fixed"},
        },
    )
    return Entry(path.stem, RunGroup((record,)), (log.predictions.in_order(),), log.notes)


def by_rule(group: RunGroup, rule: str) -> RunGroup:
    """The same runs as another selection rule scores them, from the same trained weights.

    Raises DataError where a run has not recorded the rule.
    """
    return RunGroup(tuple(_scored_by(record, rule) for record in group.records))


def _scored_by(record: RunRecord, rule: str) -> RunRecord:
    scores = scores_of(record)
    recorded = scores.get("selections", {})
    if rule not in recorded:
        raise DataError(
            f"{record.folder} has not recorded selection={rule}, only "
            f"{', '.join(recorded) or scores['protocol']['selection']}; runs record rules "
            "with --set protocol.rules=last,inner_val,oracle"
        )
    protocol = selected_protocol(scores["protocol"], rule)
    return replace(record, metrics={**scores, **recorded[rule], "protocol": protocol})


def _answers(record: RunRecord) -> Predictions:
    """The answers that a record is scored by, sorted by clip."""
    rule = scores_of(record)["protocol"]["selection"]
    own = record.setting("protocol", "selection")
    found = run_predictions(RunFolder(record.folder), None if rule == own else rule)
    return found.in_order()


def single_seeds(groups: Iterable[RunGroup]) -> list[RunGroup]:
    """Every run by itself."""
    return [RunGroup((record,)) for group in groups for record in group.records]


def named_apart(entries: Sequence[Entry]) -> list[Entry]:
    """Adds to names that are not unique what tells them apart.

    Protocol, configuration (of a log its file), seed, folder.
    """
    for suffix in _SUFFIXES:
        taken = Counter((entry.dataset, entry.name) for entry in entries)
        twice = {name for (_, name), count in taken.items() if count > 1}
        told = {name: {suffix(e) for e in entries if e.name == name} for name in twice}
        entries = [
            replace(entry, name=f"{entry.name} ({suffix(entry)})")
            if len(told.get(entry.name, ())) > 1
            else entry
            for entry in entries
        ]
    return list(entries)


def _conditions(entry: Entry) -> str:
    protocol = entry.protocol
    scope = f"search {protocol.search_scope}, " if protocol.search_scope else ""
    return f"{scope}{protocol.selection}"


def _configuration(entry: Entry) -> str:
    return _folder(entry) if FROM_LOG in entry.first.marks else entry.group.key.configuration


def _folder(entry: Entry) -> str:
    return printable(str(entry.first.folder))


_SUFFIXES: tuple[Callable[[Entry], Any], ...] = (
    _conditions,
    _configuration,
    lambda entry: f"seed {entry.seeds[0]}",
    _folder,
)
