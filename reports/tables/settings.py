"""Table 3: the settings that the paper prints, and what each variant says of itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from bench.methods.variants import InSpace
from reports.published import PublishedRow, published_table
from reports.tables.beside_published import blank_row, printed_variants, unpublished_row
from reports.tables.captions import caption
from reports.tables.notes import legend
from reports.tables.table import Cell, Row, Table

if TYPE_CHECKING:
    from bench.methods.registry import Variant


def settings_table(variants: Mapping[str, Variant]) -> Table:
    """The published settings beside what each registered variant says of itself."""
    published = published_table(3)
    columns = (*published.columns, "b", "operations")
    rows = [_settings_row(row, columns, variants.get(row.variant)) for row in published.rows]
    printed = printed_variants(3)
    for name, variant in variants.items():
        if "ablation" in variant.groups and name not in printed:
            rows.append(_settings_row(unpublished_row(name, published.columns), columns, variant))
    notes = (
        "Registered: what the variants of this package say of themselves; "
        "b = 1 passes all channels through the operations, b = 4 a quarter of them.",
    )
    return Table(3, caption(3, ()), columns, tuple(rows), (*notes, *legend(rows)))


def _settings_row(printed: PublishedRow, columns: Sequence[str], variant: Variant | None) -> Row:
    row = blank_row(printed, columns, variant)
    if not isinstance(variant, InSpace):
        return replace(row, marks=(row.source,))
    measured = _settings_of(variant)
    differing = [
        column
        for column, cell in row.published.items()
        if cell is not None and cell.value != measured[column].value
    ]
    marks = (f"differs: {', '.join(differing)}",) if differing else ()
    return replace(row, source="registered", measured=measured, marks=(*row.marks, *marks))


def _settings_of(variant: InSpace) -> dict[str, Cell]:
    space = variant.space
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
