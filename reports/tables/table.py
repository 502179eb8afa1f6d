"""A table as a value: cells, rows with a published and a measured side, the best of each column."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from reports.reading.intervals import Ends
from reports.reading.marks import distinct

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
    `note` is its footnote: what a fixed network is, or why a method is published only; `intervals`:
    those of measured scores, 95 % over subjects, of the columns that have one.
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
    intervals: Mapping[str, Ends] = field(default_factory=dict)

    @property
    def difference(self) -> Mapping[str, Cell | None]:
        """Measured less published, where both are numbers; None elsewhere."""
        return {
            column: _difference(cell, self.published.get(column))
            for column, cell in self.measured.items()
        }


@dataclass(frozen=True)
class Column:
    """A column: its name in files, what stands over it, and which of its values is the best.

    over: what spans it and its neighbours, such as the data set of scores; better: `max` where
    the highest value is the best, `min` where the lowest is, None where none is.
    """

    name: str
    heading: str
    over: str = ""
    better: Callable[[Sequence[float]], float] | None = None


@dataclass(frozen=True)
class Table:
    """A table with its rows; `runs` are the folders used.

    number: that of the paper's table, or the name of one that the paper does not have;
    labelled: whether what a row is `about` stands behind its method.
    """

    number: int | str
    title: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    labelled: bool = False

    @property
    def runs(self) -> tuple[str, ...]:
        """The folders of all runs in it."""
        return distinct(chain.from_iterable(row.runs for row in self.rows))

    @property
    def best(self) -> frozenset[tuple[int, str, str]]:
        """(row, "published" or "measured", column) of the best values.

        Measured values compete where they are of one configuration, on real or on generated clips,
        of whole data sets or of slices, of as many folds; one that stands alone is no best.
        """
        better = {column.name: column.better for column in self.columns if column.better}
        contests: dict[tuple, list[tuple[float, int]]] = {}
        for index, row in enumerate(self.rows):
            kind = (row.source, row.configuration, "surrogate" in row.marks, *_clip_marks(row))
            sides = (("published", row.published, ()), ("measured", row.measured, kind))
            for side, cells, conditions in sides:
                for name in better:
                    if (number := _number(cells.get(name))) is not None:
                        contest = contests.setdefault((side, name, conditions), [])
                        contest.append((number, index))
        return frozenset(
            (index, side, name)
            for (side, name, _), entries in contests.items()
            if len({index for _, index in entries}) > 1
            for number, index in entries
            if number == better[name]([each for each, _ in entries])
        )


def _difference(measured: Cell | None, published: Cell | None) -> Cell | None:
    ours, theirs = _number(measured), _number(published)
    if ours is None or theirs is None or published is None:
        return None
    decimals = len(published.text.partition(".")[2])
    return Cell(ours - theirs, f"{ours - theirs:+.{decimals}f}")


def _number(cell: Cell | None) -> float | None:
    value = cell.value if cell else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _clip_marks(row: Row) -> tuple[str, ...]:
    """Marks that say which clips these are.

    Sizes of networks for different data sets do not compete, nor scores of some folds with those
    of all.
    """
    return tuple(mark for mark in row.marks if mark.startswith(("on ", "incomplete ")))
