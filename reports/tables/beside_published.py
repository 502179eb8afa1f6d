"""Rows beside the published ones: the paper's in its order, then what the paper has no row for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from bench.methods.registry import RANDOM_PREFIX
from reports.published import PublishedRow, PublishedTable, published_only
from reports.reading.groups import RunGroup
from reports.reading.marks import distinct
from reports.tables.table import NOT_MEASURED, PUBLISHED_ONLY, Cell, Column, Row

if TYPE_CHECKING:
    from bench.methods.registry import Variant
    from bench.runs.record import RunRecord


def rows_beside_published(
    published: PublishedTable,
    columns: Sequence[Column],
    groups: Sequence[RunGroup],
    variants: Mapping[str, Variant],
    rows_of: Callable[[Sequence[RunGroup], Row], list[Row]],
) -> tuple[Row, ...]:
    """The paper's rows in its order, each with its runs; then runs of what it has no row for."""
    by_variant: dict[str, list[RunGroup]] = {}
    for group in groups:
        by_variant.setdefault(group.key.variant, []).append(group)
    listed = {row.variant for row in published.rows}
    unlisted = sorted(by_variant.keys() - listed, key=lambda n: (n.startswith(RANDOM_PREFIX), n))
    ours = [unpublished_row(name) for name in unlisted]
    rows: list[Row] = []
    for row in (*published.rows, *ours):
        blank = blank_row(row, columns, variants.get(row.variant))
        runs = by_variant.get(row.variant, ())
        rows += rows_of(runs, blank) if runs else [_without_runs(blank)]
    return tuple(rows)


def folders(records: Iterable[RunRecord]) -> tuple[str, ...]:
    """The folders that a row names as its runs."""
    return tuple(str(record.folder) for record in records)


def unpublished_row(variant: str) -> PublishedRow:
    """The row of a method that the paper does not have."""
    return PublishedRow(variant, variant, {})


def blank_row(printed: PublishedRow, columns: Sequence[Column], variant: Variant | None) -> Row:
    """A row with its published side alone, and the marks that the variant itself carries."""
    published = {
        name: None if text is None else Cell(printed.value(name), text)
        for name, text in printed.cells.items()
    }
    unpublished = all(cell is None for cell in published.values())
    carried = [mark for mark in (variant.marks if variant else ()) if mark != "ours"]
    return Row(
        method=printed.method,
        variant=printed.variant,
        source=NOT_MEASURED if variant else PUBLISHED_ONLY,
        published={column.name: published.get(column.name) for column in columns},
        measured={column.name: None for column in columns},
        marks=distinct((*((_origin(printed, variant),) if unpublished else ()), *carried)),
        published_marks=printed.marks,
        about=f"{printed.venue} {printed.year}".strip() if printed.year else printed.type,
        note=_note(printed, variant),
    )


def _without_runs(blank: Row) -> Row:
    """A row of the paper alone; of a method that could be measured no footnote is due yet."""
    note = blank.note if blank.source == PUBLISHED_ONLY else ""
    return replace(blank, marks=(blank.source,), note=note)


def _origin(printed: PublishedRow, variant: Variant | None) -> str:
    """Of a method that the table of the paper does not have: what it is."""
    if printed.variant.startswith(RANDOM_PREFIX):
        return "random control"
    if variant and variant.reference and "ours" not in variant.marks:
        return "not in this table"
    return "ours, not in the paper"


def _note(printed: PublishedRow, variant: Variant | None) -> str:
    """The footnote of a fixed network, or of a method that cannot be run here."""
    if variant is None:
        return published_only().get(printed.method, "")
    return variant.footnote
