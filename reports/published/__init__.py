"""The paper's Tables 2-5 as printed, each in a data file; `sources.toml` gives the sources.

This folder holds published numbers only, and is the only place that holds them.
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType

SCORE_COLUMNS = (
    "composite_acc",
    "composite_uar",
    "composite_uf1",
    "smic_uar",
    "smic_uf1",
    "casme2_uar",
    "casme2_uf1",
    "samm_uar",
    "samm_uf1",
)
"""The score columns of Tables 2 and 4, `<data set>_<metric>`, in the paper's order."""

COLUMNS = MappingProxyType(
    {
        2: SCORE_COLUMNS,
        3: ("par_norm", "pc", "d_op", "h_op", "st_att"),
        4: SCORE_COLUMNS,
        5: ("params_m", "memory_mb"),
    }
)
"""Table number -> the columns that hold what the paper reports about a method."""


@dataclass(frozen=True)
class PublishedRow:
    """One printed row.

    `cells` holds each column as printed ("0.750" keeps its three digits), None for N/A;
    `variant` is the registry name of the method, empty where it cannot be run; `reference` is the
    number in the paper's list; `marks` are keys of `mark_meanings()`. What a table does not print
    about a method (its venue, its type) is empty.
    """

    method: str
    variant: str
    cells: Mapping[str, str | None]
    reference: str = ""
    venue: str = ""
    year: str = ""
    type: str = ""
    marks: tuple[str, ...] = ()

    def value(self, column: str) -> float | bool | str | None:
        """A cell as a number, a truth value (yes/no of Table 3) or text; None where N/A."""
        text = self.cells[column]
        if text in ("yes", "no"):
            return text == "yes"
        return text if column == "par_norm" else self.number(column)

    def printed(self, column: str) -> str:
        """A cell as printed; ValueError where it is N/A."""
        text = self.cells[column]
        if text is None:
            raise ValueError(f"{self.method} has no {column}")
        return text

    def number(self, column: str) -> float | None:
        """A cell of a column of numbers; None where N/A."""
        text = self.cells[column]
        return None if text is None else float(text)


@dataclass(frozen=True)
class PublishedTable:
    """A table of the paper: number, our short title, printed caption, columns, rows."""

    number: int
    title: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[PublishedRow, ...]


@cache
def published_table(number: int) -> PublishedTable:
    """Table 2, 3, 4 or 5 of the paper. Raises KeyError for any other number."""
    columns = COLUMNS[number]
    source = _sources()[f"table{number}"]
    rows = tuple(_row(line, columns) for line in data_lines(f"table{number}.csv"))
    return PublishedTable(number, source["title"], source["caption"], columns, rows)


def paper() -> Mapping[str, str | int]:
    """Title, authors, venue, year and version of the paper that prints the tables."""
    return MappingProxyType(_sources()["paper"])


def mark_meanings() -> Mapping[str, str]:
    """What the paper's marks beside a method mean (OF, MaM, LF, *)."""
    return MappingProxyType(_sources()["marks"])


@cache
def published_only() -> Mapping[str, str]:
    """Method as printed -> why it cannot be run here, for methods without a registered variant."""
    return MappingProxyType(
        {line["method"]: line["reason"] for line in data_lines("published_only.csv")}
    )


def data_lines(name: str) -> list[dict[str, str]]:
    """The lines of a data file of this folder, without its comments."""
    text = resources.files(__name__).joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))


@cache
def _sources() -> dict[str, dict]:
    return tomllib.loads(
        resources.files(__name__).joinpath("sources.toml").read_text(encoding="utf-8")
    )


def _row(line: dict[str, str], columns: tuple[str, ...]) -> PublishedRow:
    cells = MappingProxyType({column: line[column] or None for column in columns})
    about = {name: line.get(name, "") for name in ("reference", "venue", "year", "type")}
    marks = tuple(line.get("marks", "").split())
    return PublishedRow(line["method"], line["variant"], cells, marks=marks, **about)
