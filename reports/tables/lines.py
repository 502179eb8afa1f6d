"""The printed lines of a table: headings, values, differences."""

from __future__ import annotations

from typing import NamedTuple

from reports.tables.table import NOT_MEASURED, PUBLISHED_ONLY, Cell, Row, Table

NOTHING = "–"

INTERVAL = "95 %"

DIFFERENCE = "difference"

ACROSS_CLIPS = "surrogate against real clips"


class Line(NamedTuple):
    """One line for readers: method, source, a cell per column, marks, numbers of the best cells."""

    method: str
    source: str
    cells: tuple[Cell | None, ...]
    marks: tuple[str, ...]
    best: frozenset[int] = frozenset()

    @property
    def texts(self) -> list[str]:
        """What stands in the cells."""
        return [cell.text if cell else NOTHING for cell in self.cells]


def lines(table: Table) -> list[Line]:
    """The lines of a table as a reader sees them: a method's name stands on its first line only."""
    result: list[Line] = []
    previous = None
    for index, row in enumerate(table.rows):
        new = row.variant != previous or not row.variant
        if new and is_published(row):
            line = published_line(row, table.labelled)
            result.append(line._replace(best=_best_places(table, index, "published")))
            new = False
        if is_measured(row):
            cells, best = tuple(row.measured.values()), _best_places(table, index, "measured")
            result.append(Line(row.method if new else "", row.source, cells, row.marks, best))
        if row.intervals:
            result.append(_interval_line(row))
        if any(row.difference.values()):
            result.append(difference_line(row))
        previous = row.variant
    return result


def _best_places(table: Table, index: int, side: str) -> frozenset[int]:
    columns = enumerate(table.columns)
    return frozenset(place for place, each in columns if (index, side, each.name) in table.best)


def _interval_line(row: Row) -> Line:
    """The intervals of the values above; no value for machines, which find two in the row."""
    ends = [row.intervals.get(column) for column in row.measured]
    cells = (Cell(None, f"{each[0]:.4f}–{each[1]:.4f}") if each else None for each in ends)
    return Line("", INTERVAL, tuple(cells), ())


def difference_line(row: Row) -> Line:
    """Measured less published. On generated clips it compares different things, and says so."""
    marks = (ACROSS_CLIPS,) if "surrogate" in row.marks else ()
    return Line("", DIFFERENCE, tuple(row.difference.values()), marks)


def published_line(row: Row, labelled: bool) -> Line:
    """What the paper prints of a method; labelled: with its venue and year, or its type."""
    name = f"{row.method}, {row.about}" if labelled and row.about else row.method
    source = PUBLISHED_ONLY if row.source == PUBLISHED_ONLY else "published"
    marks = (*row.published_marks, *((NOT_MEASURED,) if row.source == NOT_MEASURED else ()))
    return Line(name, source, tuple(row.published.values()), marks)


def is_measured(row: Row) -> bool:
    """Whether a row has a measured side."""
    return row.source not in (PUBLISHED_ONLY, NOT_MEASURED)


def is_published(row: Row) -> bool:
    """Whether a row has a published side."""
    return any(row.published.values())
