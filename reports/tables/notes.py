"""Marks of rows, and the notes below a table that explain them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain

from reports.published import mark_meanings
from reports.reading.marks import MARK_MEANINGS, distinct, mark_words
from reports.tables.lines import INTERVAL
from reports.tables.table import Row, Table


def seed_marks(seeds: Mapping[str, int]) -> tuple[str, ...]:
    """How many seeds stand behind a row's cells, where any has more than one."""
    counts = set(seeds.values())
    if counts == {1}:
        return ()
    if len(counts) == 1:
        return (f"{counts.pop()} seeds",)
    return (f"seeds: {', '.join(f'{name} {count}' for name, count in seeds.items())}",)


def named_configurations(table: Table) -> Table:
    """The table with a warning, and each row's configuration named, where not all are alike."""
    different = distinct(row.configuration for row in table.rows if row.configuration)
    if len(different) < 2:
        return table
    rows = tuple(
        replace(row, marks=(*row.marks, row.configuration)) if row.configuration else row
        for row in table.rows
    )
    warning = f"Measured rows differ in configuration: {', '.join(different)}."
    return replace(table, rows=rows, notes=(warning, *table.notes))


def legend(rows: Sequence[Row]) -> tuple[str, ...]:
    """What the marks in these rows mean, each once, and ± and 95 % where there is one."""
    spread = any(c and c.sd is not None for row in rows for c in row.measured.values())
    known = any(row.intervals for row in rows)
    return (
        *(("mean ± sample standard deviation over seeds",) if spread else ()),
        *(
            (f"{INTERVAL}: bootstrap interval over subjects, of the mean over seeds",)
            if known
            else ()
        ),
        *explained_marks(rows),
    )


def explained_marks(rows: Sequence[Row]) -> tuple[str, ...]:
    """What the marks in these rows mean, each once."""
    words = mark_words(mark for row in rows for mark in row.marks)
    meanings = MARK_MEANINGS | dict(mark_meanings())
    printed = chain.from_iterable(row.published_marks for row in rows)
    known = [word for word in distinct(chain(words, printed)) if word in meanings]
    return tuple(f"{word}: {meanings[word]}" for word in known)


def footnotes(rows: Iterable[Row]) -> tuple[str, ...]:
    """What readers should know of each fixed network, and why a row is published only."""
    return distinct(f"{row.method}: {row.note}" for row in rows if row.note)
