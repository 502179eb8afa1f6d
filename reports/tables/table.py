"""A table as a value: cells, rows with a published and a measured side, the best of each column."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from reports.reading.marks import distinct

HEALTH = "health"
"""In place of a number: the table of `reports.tables.health`, which the paper does not have."""

PUBLISHED_ONLY = "published only"
NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Cell:
    """One value of a table: the value for machines (None: the text says why), text for readers.

    Over several seeds `value` is their mean and `sd` their sample standard deviation.
    """

    value: float | bool | str | None
    text: str
    sd: float | None = None
    seeds: int = 1


def mean_cell(values: Sequence[float | None], text: Callable[[float], str]) -> Cell | None:
    """The values that are there: alone, or as mean ± sample standard deviation; None of none."""
    numbers = [value for value in values if value is not None and not math.isnan(value)]
    if not numbers:
        return None
    mean = statistics.fmean(numbers)
    if len(numbers) == 1:
        return Cell(mean, text(mean))
    sd = statistics.stdev(numbers)
    return Cell(mean, f"{text(mean)} ± {text(sd)}", sd, len(numbers))


@dataclass(frozen=True)
class Row:
    """A method under one set of conditions.

    `published` and `measured` have every column of the table; a cell without a value is None.
    `source` says where `measured` comes from: "measured" (runs), "slice" (parts of a composite
    run), "registered" (what the variant says of itself); or that it is empty: "not measured"
    for a registered variant, "published only" for a method that is not registered.
    `marks` concern the measured side, `published_marks` the published one; `about` is venue and
    year or type of the published method, `configuration` preset and hash of the measured one;
    `note` is its footnote: what a fixed network is, or why a method is published only.
    """

    method: str
    variant: str
    source: str
    published: Mapping[str, Cell | None]
    measured: Mapping[str, Cell | None]
    marks: tuple[str, ...] = ()
    published_marks: tuple[str, ...] = ()
    about: str = ""
    configuration: str = ""
    runs: tuple[str, ...] = ()
    note: str = ""

    @property
    def difference(self) -> Mapping[str, Cell | None]:
        """Measured less published, where both are numbers; None elsewhere."""
        return {
            column: _difference(cell, self.published.get(column))
            for column, cell in self.measured.items()
        }


@dataclass(frozen=True)
class Table:
    """A table of the paper with what was measured beside it; `runs` are the folders used."""

    number: int | str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return "Search health" if self.number == HEALTH else f"Table {self.number}"

    @property
    def runs(self) -> tuple[str, ...]:
        return distinct(chain.from_iterable(row.runs for row in self.rows))

    @property
    def best(self) -> frozenset[tuple[int, str, str]]:
        """(row, "published" or "measured", column) of the best values: the highest score, or the
        lowest cost.

        Measured values compete where they are of one configuration, on real or on generated clips,
        of whole data sets or of slices, of as many folds; one that stands alone is no best.
        """
        if self.number in (3, HEALTH):
            return frozenset()
        contests: dict[tuple, list[tuple[float, int]]] = {}
        for index, row in enumerate(self.rows):
            kind = (row.source, row.configuration, "surrogate" in row.marks, *_clip_marks(row))
            sides = (("published", row.published, ()), ("measured", row.measured, kind))
            for side, cells, conditions in sides:
                for column, cell in cells.items():
                    if (number := _number(cell)) is not None:
                        contest = contests.setdefault((side, column, conditions), [])
                        contest.append((number, index))
        better = min if self.number == 5 else max
        return frozenset(
            (index, side, column)
            for (side, column, _), entries in contests.items()
            if len({index for _, index in entries}) > 1
            for number, index in entries
            if number == better(entries)[0]
        )


def _difference(measured: Cell | None, published: Cell | None) -> Cell | None:
    ours, theirs = _number(measured), _number(published)
    if ours is None or theirs is None:
        return None
    decimals = len(published.text.partition(".")[2])
    return Cell(ours - theirs, f"{ours - theirs:+.{decimals}f}")


def _number(cell: Cell | None) -> float | None:
    value = cell.value if cell else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _clip_marks(row: Row) -> tuple[str, ...]:
    """Marks that say which clips these are: networks for different data sets do not compete in
    Table 5, nor scores of some folds with those of all."""
    return tuple(mark for mark in row.marks if mark.startswith(("on ", "incomplete ")))
