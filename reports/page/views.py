"""The content of the page of one run, as plain values for the templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from bench.runs.record import DataRecord, RunRecord
from reports.reading.names import DATASETS
from reports.tables.html import HtmlMark

COMMAND_LINE = "--set"
"""Origin of a setting; the other is `preset <name>`."""


@dataclass(frozen=True)
class Setting:
    """A setting of a run that is not the default; `origin` is COMMAND_LINE or `preset <name>`."""

    key: str
    value: Any
    default: Any
    origin: str
    help: str
    published: bool


@dataclass(frozen=True)
class ScoreRow:
    """Scores of all clips, or of a slice, by metric; `absent` names classes without a clip."""

    name: str
    values: Mapping[str, float | None]
    clips: int | None
    subjects: int | None
    absent: tuple[str, ...]


@dataclass(frozen=True)
class Confusion:
    """A confusion matrix: rows true, columns predicted."""

    name: str
    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    def share(self, row: int, column: int) -> float | None:
        """A count as a share of its row; None where the class has no clip."""
        total = sum(self.counts[row])
        return self.counts[row][column] / total if total else None


@dataclass(frozen=True)
class Edge:
    """An edge of a genotype: hidden node (from 1), source, operation."""

    node: int
    source: str
    operation: str


@dataclass(frozen=True)
class Search:
    """The decoded architecture of one search; `probability` is None where nothing was searched."""

    fold: str
    path: str
    probability: float | None
    uniform_path: str
    uniform_probability: float
    gauge_free_path: str | None
    edges: tuple[Edge, ...]

    @property
    def is_uniform(self) -> bool:
        """Whether uniform β decodes to the same path."""
        return self.path == self.uniform_path


@dataclass(frozen=True)
class Prediction:
    """A clip with its true and its predicted class, as indices."""

    clip: str
    true: int
    predicted: int

    @property
    def right(self) -> bool:
        """Whether the prediction is correct."""
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
        """The data set's name in the paper."""
        return DATASETS.get(self.dataset, self.dataset)

    @property
    def right(self) -> int:
        """Number of correct predictions."""
        return sum(prediction.right for prediction in self.predictions)

    def right_of(self, label: int) -> str:
        """Correct predictions of a class, as `3 of 4`; empty where the subject has no clip."""
        own = [prediction for prediction in self.predictions if prediction.true == label]
        return f"{sum(p.right for p in own)} of {len(own)}" if own else ""


@dataclass(frozen=True)
class Drawing:
    """A figure of the run as an `<svg>` element."""

    name: str
    svg: Markup


@dataclass(frozen=True)
class RunView:
    """Everything on the page of a run.

    `anchor` is unique in the report and safe in a URL; `missing` names the folds without a result;
    `troubles` has a line for every file that cannot be read.
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
        """Heading of the run's page."""
        return f"{self.record.variant} on {self.place}"

    @property
    def data(self) -> DataRecord:
        """The entry `data` of `run.json`."""
        return self.record.data

    @property
    def classes(self) -> Sequence[str]:
        """Names of the classes, from the metrics or else from `run.json`."""
        return (self.record.metrics or {}).get("classes") or self.data.classes

    @property
    def params(self) -> int | None:
        """Parameters of the derived network; None without a profile."""
        return (self.record.profile or {}).get("params")

    @property
    def finished(self) -> bool:
        """Whether the run has metrics."""
        return self.record.metrics is not None
