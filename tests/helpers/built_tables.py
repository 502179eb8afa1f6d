"""Tables of the registered variants and the rows in them."""

from bench.methods.registry import variants
from reports.tables.build import build_table


def table(number, *records):
    return build_table(number, records, variants())


def rows_of(table, variant):
    return [row for row in table.rows if row.variant == variant]


def texts(cells):
    return {column: cell.text for column, cell in cells.items() if cell}
