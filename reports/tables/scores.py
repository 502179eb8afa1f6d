"""Tables 2 and 4: accuracy, UAR and UF1 of runs, and of the slices of composite runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from reports.published import published_table
from reports.reading.groups import RunGroup, carried_marks, dataset_order
from reports.reading.marks import distinct
from reports.reading.names import DATASETS
from reports.tables.beside_published import folders, rows_beside_published
from reports.tables.captions import caption
from reports.tables.notes import footnotes, legend, seed_marks
from reports.tables.table import Cell, Row, Table, mean_cell

if TYPE_CHECKING:
    from bench.methods.registry import Variant


def scores_table(number: int, groups: Sequence[RunGroup], variants: Mapping[str, Variant]) -> Table:
    """Table 2 or 4 with the scores of these groups; a note names data sets without a column."""
    published = published_table(number)
    in_columns = [group for group in groups if group.key.dataset in DATASETS]
    rows = rows_beside_published(number, in_columns, variants, _score_rows)
    return Table(
        number,
        caption(number, in_columns),
        published.columns,
        rows,
        (*_elsewhere(groups), *legend(rows), *footnotes(rows)),
    )


def _score_rows(groups: Sequence[RunGroup], blank: Row) -> list[Row]:
    """Rows of one variant: runs under the same conditions share one, then come its slices."""
    conditions: dict[tuple, list[RunGroup]] = {}
    for group in sorted(groups, key=dataset_order):
        key = (group.key.surrogate, group.key.configuration, group.leaks)
        conditions.setdefault(key, []).append(group)
    rows = []
    for key in sorted(conditions):
        rows.append(_run_row(conditions[key], blank))
        rows += [_slice_row(group, blank) for group in conditions[key] if _has_slices(group)]
    return rows


def _run_row(groups: Sequence[RunGroup], blank: Row) -> Row:
    measured = {
        column: score_cell([record.metrics for record in group.scored], metric)
        for group in groups
        for column, dataset, metric in _parted(blank.measured)
        if dataset == group.key.dataset
    }
    return replace(
        blank,
        source="measured",
        measured=blank.measured | measured,
        marks=distinct(
            chain(
                *(group.conditions for group in groups),
                *(group.leaks for group in groups),
                carried_marks(groups, blank.marks),
                *(group.shortfalls for group in groups),
                seed_marks({DATASETS[g.key.dataset]: len(g.scored) for g in groups}),
            )
        ),
        configuration=groups[0].key.configuration,
        runs=folders(chain.from_iterable(group.scored for group in groups)),
    )


def _slice_row(group: RunGroup, blank: Row) -> Row:
    """What a composite run says of each data set, the challenge's own meaning of the columns.

    It has no published side: the paper does not say that its single-set columns are slices.
    """
    per_set = {name: _slices(group, name) for name in DATASETS}
    measured = {
        column: score_cell(per_set[dataset], metric)
        for column, dataset, metric in _parted(blank.measured)
    }
    absent = [
        f"no {word} in {DATASETS[name]}"
        for name, slices in per_set.items()
        for metrics in slices
        for word in metrics.get("absent", ())
    ]
    seeds = seed_marks({DATASETS["composite"]: len(group.scored)})
    return replace(
        blank,
        method=f"{blank.method} (slice)",
        source="slice",
        published=dict.fromkeys(blank.published),
        published_marks=(),
        measured=measured,
        marks=distinct(
            chain(
                ("slice",),
                group.conditions,
                group.leaks,
                carried_marks([group], blank.marks),
                group.shortfalls,
                absent,
                seeds,
            )
        ),
        configuration=group.key.configuration,
        runs=folders(group.scored),
        note="",  # it stands below the row of the whole run
    )


def score_cell(metrics: Sequence[Mapping[str, Any]], metric: str) -> Cell | None:
    """Mean and sample standard deviation of `acc`, `uar` or `uf1` over seeds, 4 decimals.

    A class without a clip is named where that leaves nothing to average; never a zero.
    """
    cell = mean_cell([each.get(metric) for each in metrics], "{:.4f}".format)
    absent = distinct(word for each in metrics for word in each.get("absent", ()))
    if cell is None and absent:
        return Cell(None, f"no {', '.join(absent)}")
    return cell


def _slices(group: RunGroup, dataset: str) -> list[Mapping[str, Any]]:
    """A data set's slice of each seed, where the run had clips of it at all."""
    found = (record.metrics["slices"].get(dataset) for record in group.scored)
    return [each for each in found if each and each.get("clips") != 0]


def _has_slices(group: RunGroup) -> bool:
    return group.key.dataset == "composite" and any(r.metrics["slices"] for r in group.scored)


def _parted(columns: Iterable[str]) -> Iterable[tuple[str, str, str]]:
    """(column, data set, metric) of each score column: composite_acc is Acc of the composite."""
    return ((column, *column.split("_")) for column in columns)


def _elsewhere(groups: Sequence[RunGroup]) -> tuple[str, ...]:
    """A note on runs whose data set has no column here."""
    others = distinct(g.key.dataset for g in groups if g.key.dataset not in DATASETS)
    if not others:
        return ()
    return (f"Runs on other data sets have no column here: {', '.join(others)}.",)
