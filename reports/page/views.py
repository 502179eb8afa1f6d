"""What the page of one run shows, as plain values for the templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from bench.runs.record import DataRecord, RunRecord
from reports.reading.names import DATASETS
from reports.tables.html import HtmlMark

DEFAULT = "default"
COMMAND_LINE = "--set"
"""Who chose a setting: nobody, or the person who ran it."""


@dataclass(frozen=True)
class Setting:
    """One setting of a run. `origin`: who chose the value, in words; `default` as text."""

    key: str
    value: Any
    default: Any
    origin: str
    help: str
    published: bool

    @property
    def changed(self) -> bool:
        return self.origin != DEFAULT


@dataclass(frozen=True)
class ScoreRow:
    """Scores of all clips, or of a slice; `absent` names classes without a clip."""

    name: str
    uar: float | None
    uf1: float | None
    acc: float | None
    clips: int | None
    subjects: int | None
    absent: tuple[str, ...]


@dataclass(frozen=True)
class Confusion:
    """How often each true class (rows) was predicted as each class (columns)."""

    name: str
    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    def share(self, row: int, column: int) -> float | None:
        """The part of the clips of a true class; None where it has none."""
        total = sum(self.counts[row])
        return self.counts[row][column] / total if total else None


@dataclass(frozen=True)
class Edge:
    """A line of a genotype: a hidden node, what enters it, through which operation."""

    node: int
    source: str
    operation: str


@dataclass(frozen=True)
class Search:
    """What one search decoded to. `probability` is None where nothing was searched."""

    fold: str
    path: str
    probability: float | None
    uniform_path: str
    uniform_probability: float
    edges: tuple[Edge, ...]

    @property
    def is_uniform(self) -> bool:
        return self.path == self.uniform_path


@dataclass(frozen=True)
class Prediction:
    """A clip with its true and its predicted class, as indices."""

    clip: str
    true: int
    predicted: int

    @property
    def right(self) -> bool:
        return self.true == self.predicted


@dataclass(frozen=True)
class Subject:
    """The predictions of a fold: one subject of one data set."""

    fold: str
    name: str
    dataset: str
    predictions: tuple[Prediction, ...]

    @property
    def place(self) -> str:
        """The data set as a reader calls it."""
        return DATASETS.get(self.dataset, self.dataset)

    @property
    def right(self) -> int:
        return sum(prediction.right for prediction in self.predictions)

    def right_of(self, label: int) -> str:
        """`3 of 4` clips of a class; empty where the subject has none."""
        own = [prediction for prediction in self.predictions if prediction.true == label]
        return f"{sum(p.right for p in own)} of {len(own)}" if own else ""


@dataclass(frozen=True)
class Drawing:
    """A figure of the run as an `<svg>` element."""

    name: str
    svg: Markup


@dataclass(frozen=True)
class RunView:
    """Everything on the page of a run. `anchor` is unique in the report and safe in an address;
    `missing` names the folds without a result, `troubles` are lines on files that cannot be read.
    """

    anchor: str
    record: RunRecord
    place: str
    marks: tuple[HtmlMark, ...]
    scores: tuple[ScoreRow, ...]
    confusions: tuple[Confusion, ...]
    settings: tuple[Setting, ...]
    provenance: tuple[tuple[str, str], ...]
    origin: str
    network: tuple[tuple[str, str], ...]
    health: tuple[tuple[str, str], ...]
    agreement: tuple[tuple[str, str], ...]
    searches: tuple[Search, ...]
    data_facts: tuple[tuple[str, str], ...]
    data_problems: tuple[str, ...]
    subjects: tuple[Subject, ...]
    missing: tuple[str, ...]
    drawings: tuple[Drawing, ...]
    undrawn: Mapping[str, str]
    profile: tuple[tuple[str, str], ...]
    failures: tuple[Mapping[str, Any], ...]
    troubles: tuple[str, ...]

    @property
    def title(self) -> str:
        return f"{self.record.variant} on {self.place}"

    @property
    def label(self) -> str:
        """The run in a list of runs: also which configuration and seed."""
        record = self.record
        return f"{self.title}, {record.preset}-{record.config_hash}, seed {record.seed}"

    @property
    def data(self) -> DataRecord:
        """What `run.json` says of the clips."""
        return self.record.data

    @property
    def classes(self) -> Sequence[str]:
        """Names of the classes, from wherever the run tells them."""
        return (self.record.metrics or {}).get("classes") or self.data.classes

    @property
    def params(self) -> int | None:
        """Parameters of the derived network, where they were counted."""
        return (self.record.profile or {}).get("params")

    @property
    def finished(self) -> bool:
        return self.record.metrics is not None
