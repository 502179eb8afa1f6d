"""Table 3: the settings that the paper prints, and what each variant says of itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from bench.methods.spaces import InSpace
from reports.published import PublishedRow, published_table
from reports.tables.beside_published import blank_row, unpublished_row
from reports.tables.paper_table import PaperTable
from reports.tables.table import Cell, Column, Row

if TYPE_CHECKING:
    from bench.methods.registry import Variant
    from reports.reading.groups import RunGroup
    from rnas.space import SearchSpace

PUBLISHED = published_table(3)

COLUMNS = (
    Column("par_norm", "Normalised"),
    Column("pc", "PC"),
    Column("d_op", "D ops"),
    Column("h_op", "H ops"),
    Column("st_att", "ST att."),
    Column("b", "b"),
    Column("operations", "Operations"),
)

NOTE = (
    "Registered: what the variants of this package say of themselves; "
    "b = 1 passes all channels through the operations, b = 4 a quarter of them."
)


def _rows(groups: Sequence[RunGroup], variants: Mapping[str, Variant]) -> tuple[Row, ...]:
    """The published settings beside those of each registered variant; runs have no part in it."""
    printed = PUBLISHED.variants
    ours = [
        unpublished_row(name)
        for name, variant in variants.items()
        if "ablation" in variant.groups and name not in printed
    ]
    rows = (*PUBLISHED.rows, *ours)
    return tuple(_settings_row(row, variants.get(row.variant)) for row in rows)


def _settings_row(printed: PublishedRow, variant: Variant | None) -> Row:
    row = blank_row(printed, COLUMNS, variant)
    if not isinstance(variant, InSpace):
        return replace(row, marks=(row.source,))
    measured = _settings_of(variant.space)
    differing = [
        column
        for column, cell in row.published.items()
        if cell is not None and cell.value != measured[column].value
    ]
    marks = (f"differs: {', '.join(differing)}",) if differing else ()
    return replace(row, source="registered", measured=measured, marks=(*row.marks, *marks))


def _settings_of(space: SearchSpace) -> dict[str, Cell]:
    operations = len(space.operations)
    return {
        "par_norm": _text_cell("α, β, η" if space.edge_norm else "α, β"),
        "pc": _truth_cell(space.partial > 1),
        "d_op": _truth_cell(any(_is_darts(name) for name in space.operations)),
        "h_op": _truth_cell(any(_is_hybrid(name) for name in space.operations)),
        "st_att": _truth_cell(space.attention),
        "b": Cell(space.partial, str(space.partial)),
        "operations": Cell(operations, str(operations)),
    }


def _is_darts(operation: str) -> bool:
    return "_pool_" in operation or operation.startswith(("sep_conv_", "dil_conv_"))


def _is_hybrid(operation: str) -> bool:
    """Two convolutions joined element by element, as in `add_1_3`."""
    return operation.startswith(("add_", "max_", "avg_")) and not _is_darts(operation)


def _text_cell(text: str) -> Cell:
    return Cell(text, text)


def _truth_cell(truth: bool) -> Cell:
    return Cell(truth, "yes" if truth else "no")


TABLE = PaperTable(
    published=PUBLISHED,
    columns=COLUMNS,
    usable=lambda group: False,
    shows=lambda name, variants: False,
    rows=_rows,
    caption=lambda groups: ". Registered: the variants of this package.",
    notes=lambda groups: (NOTE,),
)
