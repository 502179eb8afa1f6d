"""The printed lines of a table: headings, values, differences."""

from __future__ import annotations

from typing import NamedTuple

from reports.tables.table import NOT_MEASURED, PUBLISHED_ONLY, Cell, Row, Table

HEADINGS = {
    "composite": "Comp.",
    "smic": "SMIC",
    "casme2": "CASME II",
    "samm": "SAMM",
    "acc": "Acc",
    "uar": "UAR",
    "uf1": "UF1",
    "par_norm": "Normalised",
    "pc": "PC",
    "d_op": "D ops",
    "h_op": "H ops",
    "st_att": "ST att.",
    "b": "b",
    "operations": "Operations",
    "params_m": "Params (M)",
    "memory_mb": "Memory (MB)",
    "dataset": "Data set",
    "seeds": "Seeds",
    "searches": "Searches",
    "skip_share": "Skip",
    "none_mass": "None",
    "entropy": "Entropy",
    "alpha": "α",
    "eta": "η",
    "beta": "β",
    "supernet_acc": "Supernet acc",
    "gap": "Gap",
    "uniform_path": "Uniform path",
    "path": "Same path",
    "cell": "Same cell",
    "folds": "folds",
    "chance": "by chance",
}

NOTHING = "–"

DIFFERENCE = "difference"

ACROSS_CLIPS = "surrogate against real clips"

LABELLED = (2, 5)
"""Tables that print venue and year, or type, with each method."""


class Line(NamedTuple):
    """One line for readers: method, source, a cell per column, marks, numbers of the best cells."""

    method: str
    source: str
    cells: tuple[Cell | None, ...]
    marks: tuple[str, ...]
    best: frozenset[int] = frozenset()

    @property
    def texts(self) -> list[str]:
        return [cell.text if cell else NOTHING for cell in self.cells]


def lines(table: Table) -> list[Line]:
    """The lines of a table as a reader sees them: a method's name stands on its first line only."""
    result: list[Line] = []
    previous = None
    for index, row in enumerate(table.rows):
        new = row.variant != previous or not row.variant
        if new and is_published(row):
            line = published_line(row, table.number in LABELLED)
            result.append(line._replace(best=_best_places(table, index, "published")))
            new = False
        if is_measured(row):
            cells, best = tuple(row.measured.values()), _best_places(table, index, "measured")
            result.append(Line(row.method if new else "", row.source, cells, row.marks, best))
        if any(row.difference.values()):
            result.append(difference_line(row))
        previous = row.variant
    return result


def _best_places(table: Table, index: int, side: str) -> frozenset[int]:
    columns = enumerate(table.columns)
    return frozenset(place for place, name in columns if (index, side, name) in table.best)


def difference_line(row: Row) -> Line:
    """Measured less published. On generated clips it compares different things, and says so."""
    marks = (ACROSS_CLIPS,) if "surrogate" in row.marks else ()
    return Line("", DIFFERENCE, tuple(row.difference.values()), marks)


def published_line(row: Row, labelled: bool) -> Line:
    name = f"{row.method}, {row.about}" if labelled and row.about else row.method
    source = PUBLISHED_ONLY if row.source == PUBLISHED_ONLY else "published"
    marks = (*row.published_marks, *((NOT_MEASURED,) if row.source == NOT_MEASURED else ()))
    return Line(name, source, tuple(row.published.values()), marks)


def is_measured(row: Row) -> bool:
    return row.source not in (PUBLISHED_ONLY, NOT_MEASURED)


def is_published(row: Row) -> bool:
    return any(row.published.values())


def heading(column: str) -> tuple[str, str]:
    """The two lines over a column: data set and metric, or nothing and the column's name."""
    dataset, _, metric = column.partition("_")
    if metric in HEADINGS and dataset in HEADINGS:
        return HEADINGS[dataset], HEADINGS[metric]
    return "", HEADINGS[column]
