"""Table 5: parameters and memory of the networks that were measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from reports.published import published_table
from reports.reading.groups import RunGroup, carried_marks, dataset_order
from reports.reading.marks import distinct
from reports.reading.names import DATASETS
from reports.tables.beside_published import folders, rows_beside_published
from reports.tables.notes import seed_marks
from reports.tables.paper_table import PaperTable, measured_on
from reports.tables.table import Column, Row, mean_cell

if TYPE_CHECKING:
    from bench.methods.registry import Variant

PUBLISHED = published_table(5)

COLUMNS = (
    Column("params_m", "Params (M)", better=min),
    Column("memory_mb", "Memory (MB)", better=min),
    Column("live_m", "Live (M)"),
)

NOTES = (
    "Measured memory is the training checkpoint, weights and what the optimiser keeps (SGD's "
    "momentum, Adam's two moments) at 4 bytes each, in MB of 10^6 bytes; the seven NAS rows as "
    "published fit that reading, with SGD.",
    "Live: the parameters that a gradient can reach at the clip size; the other kernel taps meet "
    "only padding.",
    "Measured networks are those of the data set named; the paper does not name its own.",
)


def _rows(groups: Sequence[RunGroup], variants: Mapping[str, Variant]) -> tuple[Row, ...]:
    return rows_beside_published(PUBLISHED, COLUMNS, groups, variants, _cost_rows)


def _cost_rows(groups: Sequence[RunGroup], blank: Row) -> list[Row]:
    """One row per data set, surrogate or real: each has its own derived network."""
    return [_cost_row(group, blank) for group in sorted(groups, key=dataset_order)]


def _cost_row(group: RunGroup, blank: Row) -> Row:
    profiles = group.profiles
    name = DATASETS.get(group.key.dataset, group.key.dataset)
    counts = [each.get("live_parameters") for each in profiles]
    live = [None if count is None else count / 1e6 for count in counts]
    return replace(
        blank,
        source="measured",
        measured={
            "params_m": mean_cell([each["params"] / 1e6 for each in profiles], _cost_text),
            "memory_mb": mean_cell([each["checkpoint_mb"] for each in profiles], _cost_text),
            "live_m": mean_cell(live, _cost_text),
        },
        marks=distinct(
            (
                f"on {name}",
                *group.conditions,
                *group.size_marks,
                *carried_marks([group], blank.marks),
                *seed_marks({name: len(profiles)}),
            )
        ),
        configuration=group.key.configuration,
        runs=folders(group.profiled),
    )


def _cost_text(value: float) -> str:
    """Two decimals as in the paper; four where two would leave one digit or none."""
    return f"{value:.2f}" if value >= 0.1 else f"{value:.4f}"


TABLE = PaperTable(
    published=PUBLISHED,
    columns=COLUMNS,
    usable=lambda group: bool(group.profiled),
    shows=lambda name, variants: True,
    rows=_rows,
    caption=lambda groups: f". {measured_on(groups)}",
    notes=lambda groups: NOTES,
    labelled=True,
)
