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

ABOUT = ("method", "variant", "reference", "venue", "year", "marks", "type")
"""Columns of the data files that tell of a method; the others hold what a table reports of it."""


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
        try:
            return self.number(column)
        except ValueError:
            return text

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

    @property
    def variants(self) -> tuple[str, ...]:
        """The variants that it has a row for."""
        return tuple(row.variant for row in self.rows if row.variant)


@cache
def published_table(number: int) -> PublishedTable:
    """Table 2, 3, 4 or 5 of the paper. Raises KeyError for any other number."""
    source = _sources()[f"table{number}"]
    lines = data_lines(f"table{number}.csv")
    columns = tuple(name for name in lines[0] if name not in ABOUT)
    rows = tuple(_row(line, columns) for line in lines)
    return PublishedTable(number, source["title"], source["caption"], columns, rows)


@cache
def method_names() -> Mapping[str, str]:
    """Variant -> its method's name as the paper prints it, in Table 2 where that has it."""
    rows = (row for number in (5, 4, 2) for row in published_table(number).rows)
    return MappingProxyType({row.variant: row.method for row in rows if row.variant})


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
