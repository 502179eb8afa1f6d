"""A table of the paper as a value: what it prints, and how runs fill its measured side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.published import PublishedTable, paper
from reports.reading.groups import RunGroup, dataset_order, gather, latest
from reports.reading.marks import distinct
from reports.tables.notes import footnotes, legend, named_configurations
from reports.tables.table import Column, Row, Table

if TYPE_CHECKING:
    from bench.methods.registry import Variant
    from bench.runs.record import RunRecord


@dataclass(frozen=True)
class PaperTable:
    """A table of the paper.

    published: the published side;
    columns: those that the paper prints, then ours;
    labelled: whether venue and year, or the type, stand behind each method;
    usable: whether a group of runs has what the table shows;
    shows: whether runs of a variant, by its name among the registered ones, stand in this table;
    rows: all rows, published and measured, of the groups that are shown;
    caption: what follows the name of the paper in the caption;
    notes: what a reader must know beside the meaning of marks and footnotes on methods.
    """

    published: PublishedTable
    columns: tuple[Column, ...]
    usable: Callable[[RunGroup], bool]
    shows: Callable[[str, Mapping[str, Variant]], bool]
    rows: Callable[[Sequence[RunGroup], Mapping[str, Variant]], tuple[Row, ...]]
    caption: Callable[[Sequence[RunGroup]], str]
    notes: Callable[[Sequence[RunGroup]], tuple[str, ...]]
    labelled: bool = False

    def filled(self, records: Iterable[RunRecord], variants: Mapping[str, Variant]) -> Table:
        """The table with the measured values of these runs.

        Of several configurations of a variant on a data set the latest is shown, a note names the
        others.
        """
        usable = [group for group in gather(records) if self.usable(group)]
        shown, choices = latest([g for g in usable if self.shows(g.key.variant, variants)])
        rows = self.rows(shown, variants)
        source = f"{paper()['venue']} {paper()['year']}"
        table = Table(
            number=self.published.number,
            title=f"Table {self.published.number}",
            caption=f"{self.published.title}. Published: {source}{self.caption(shown)}",
            columns=self.columns,
            rows=rows,
            notes=(*choices, *self.notes(shown), *legend(rows), *footnotes(rows)),
            labelled=self.labelled,
        )
        return named_configurations(table)


def measured_on(groups: Sequence[RunGroup], protocol: str = "") -> str:
    """The sentence of a caption on the measured side: data sets, presets and protocol."""
    if not groups:
        return "Measured: no finished run."
    ordered = sorted(groups, key=dataset_order)
    sets = distinct(f"{group.clips} (preset {group.key.preset})" for group in ordered)
    return f"Measured: {', '.join(sets)}{protocol}."
