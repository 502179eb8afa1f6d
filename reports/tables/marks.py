"""Marks of rows, and the notes below a table that explain them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain

from reports.groups import distinct
from reports.published import mark_meanings
from reports.tables.table import Row, Table

MARK_MEANINGS = {
    "smoke": "nothing converged",
    "surrogate": "generated clips, not the licensed data set",
    "slice": "the clips of one data set within the pooled predictions of a composite run",
    "search_scope=all": "one search saw all subjects, held-out ones included",
    "selection=oracle": "the scored epoch is the best one on the test subject",
    "reconstruction": "rebuilt from a description, since the code is not public",
    "genotype given": "the architecture came from a file; its search may have seen any subject",
    "shuffled labels": "labels permuted over all clips, so that every score should be at chance",
    "from scratch": "random initial weights where the publication starts from pretrained ones",
    "recipe ours": "no training code is public: optimiser, epochs and batch are ours",
    "no MagNet": "no learned motion magnification before the patches",
    "no landmarks": "patches at fixed places of the face, not at detected landmarks",
    "learned magnification": "motion magnified by the network of Oh et al. before the patches",
    "landmarks given": "patches at the points in the file that data.landmarks names",
    "no AU labels": "no labels of action units: every pair is taken to occur together alike",
    "size=published": "width fitted to the method's own row of Table 5",
    "as released": "trained and scored as the method's released code does, where that differs",
    "gap not recorded": "searched by a version that did not yet evaluate the decoded cell alone",
    "seeds trained unlike": "the method's own input or recipe changed from one seed to another",
    "no gap": "channels bypass the operations and no η shuts an edge: the cell cannot stand alone",
    "random control": "cells and path drawn uniformly from the search space, not searched",
}


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
    """What the marks in these rows mean, each once, and what ± is where there is one."""
    spread = any(c and c.sd is not None for row in rows for c in row.measured.values())
    words = ("mean ± sample standard deviation over seeds",) if spread else ()
    return (*words, *explained_marks(rows))


def explained_marks(rows: Sequence[Row]) -> tuple[str, ...]:
    """What the marks in these rows mean, each once."""
    words = chain.from_iterable(
        mark.replace(": ", ", ").split(", ") for row in rows for mark in row.marks
    )
    meanings = MARK_MEANINGS | dict(mark_meanings())
    printed = chain.from_iterable(row.published_marks for row in rows)
    known = [word for word in distinct(chain(words, printed)) if word in meanings]
    return tuple(f"{word}: {meanings[word]}" for word in known)


def footnotes(rows: Iterable[Row]) -> tuple[str, ...]:
    """What readers should know of each fixed network, and why a row is published only."""
    return distinct(f"{row.method}: {row.note}" for row in rows if row.note)
