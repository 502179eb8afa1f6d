"""A `Table` as Markdown, LaTeX, HTML, CSV or JSON.

For readers each method has a line for what is published and, for each of its measured rows, a line
for the values and one for their difference from the published ones, so that the numbers to compare
stand above one another; the best values are bold. For machines every line or row repeats all
that it needs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from bench.system.files import escaped
from reports.reading.intervals import Ends
from reports.reading.marks import MARK_MEANINGS
from reports.tables.latex import latex
from reports.tables.lines import (
    Line,
    difference_line,
    is_measured,
    is_published,
    lines,
    published_line,
)
from reports.tables.table import Cell, Row, Table

ENDS = ("low", "high")
"""What the ends of an interval are called."""


def render(tables: Sequence[Table], style: str) -> str:
    """The tables in one of STYLES, without a newline at the end.

    JSON is one object for one table, else a list; between two sheets of CSV is an empty line.
    """
    return STYLES[style](tables)


def markdown(tables: Sequence[Table]) -> str:
    """A caption, a pipe table and a list of notes for each."""
    return "\n\n".join(map(_markdown, tables))


def html(tables: Sequence[Table]) -> str:
    """One self-contained page."""
    from reports.tables.html import tables_page

    return tables_page(tables)


def csv(tables: Sequence[Table]) -> str:
    """One line per method and source; deviations and intervals have columns of their own."""
    return "\n\n".join(map(_csv, tables))


def to_json(tables: Sequence[Table]) -> str:
    """The tables as `as_dict` has them."""
    values = [as_dict(table) for table in tables]
    return json.dumps(values[0] if len(values) == 1 else values, indent=2, ensure_ascii=False)


STYLES = {"md": markdown, "latex": latex, "csv": csv, "json": to_json, "html": html}


def as_dict(table: Table) -> dict:
    """The JSON contract: `table`, `columns`, `rows` of method, published, measured, marks."""
    return {
        "table": table.number,
        "caption": table.caption,
        "columns": [column.name for column in table.columns],
        "rows": [_row_dict(row) for row in table.rows],
        "notes": list(table.notes),
        "runs": list(table.runs),
    }


def _row_dict(row: Row) -> dict:
    measured = row.measured.items()
    return {
        "method": row.method,
        "variant": row.variant or None,
        "source": row.source,
        "published": _values(row.published),
        "measured": _values(row.measured),
        "difference": _values(row.difference),
        "sd": {column: cell.sd for column, cell in measured if cell and cell.sd is not None},
        "seeds": {column: cell.seeds for column, cell in measured if cell},
        "interval": {
            column: {"low": low, "high": high} for column, (low, high) in row.intervals.items()
        },
        "marks": list(row.marks),
        "published_marks": list(row.published_marks),
        "about": row.about,
        "note": row.note,
        "configuration": row.configuration or None,
        "runs": list(row.runs),
    }


def _values(cells: Mapping[str, Cell | None]) -> dict:
    return {column: cell.value if cell else None for column, cell in cells.items()}


def _records(table: Table) -> list[dict]:
    """The lines of a table for a sheet: every line names its method, variant and table."""
    records = []
    previous = None
    for row in table.rows:
        about = {"table": table.number, "method": row.method, "variant": row.variant}
        if is_published(row) and (row.variant != previous or not row.variant):
            line = published_line(row, False)
            records.append(_record(about, line.source, row.published, {}, line.marks))
        if is_measured(row):
            records.append(_record(about, row.source, row.measured, row.intervals, row.marks))
        if any(row.difference.values()):
            line = difference_line(row)
            records.append(_record(about, line.source, row.difference, {}, line.marks))
        previous = row.variant
    return records


def _record(
    about: Mapping[str, object],
    source: str,
    cells: Mapping[str, Cell | None],
    intervals: Mapping[str, Ends],
    marks: Sequence[str],
) -> dict:
    spread = {f"{column}_sd": cell.sd if cell else None for column, cell in cells.items()}
    for column in cells:
        ends = intervals.get(column, (None, None))
        spread |= {f"{column}_{end}": value for end, value in zip(ENDS, ends, strict=True)}
    return {**about, "source": source, **_values(cells), **spread, "marks": "; ".join(marks)}


def _csv(table: Table) -> str:
    import pandas

    sheet = pandas.DataFrame(_records(table))
    spreads = tuple(f"_{name}" for name in ("sd", *ENDS))
    empty = [name for name in sheet if name.endswith(spreads) and sheet[name].isna().all()]
    sheet = sheet.drop(columns=empty).map(escaped).rename(columns=escaped)
    return sheet.to_csv(index=False, lineterminator="\n").rstrip("\n")


def _markdown(table: Table) -> str:
    from tabulate import tabulate

    body = [_markdown_texts(line) for line in lines(table)]
    headers = [
        "Method",
        "Source",
        *(f"{c.over} {c.heading}".strip() for c in table.columns),
        "Marks",
    ]
    align = ("left", "left", *["right"] * len(table.columns), "left")
    grid = tabulate(body, headers, tablefmt="pipe", colalign=align, disable_numparse=True)
    notes = [f"- {note}" for note in table.notes]
    return "\n\n".join(
        [f"**{table.title}. {table.caption}**", grid, *(["\n".join(notes)] if notes else [])]
    )


def _markdown_texts(line: Line) -> list[str]:
    marks = "; ".join(map(_brief, line.marks))
    cells = [_emphasised(line, place, "**{}**") for place in range(len(line.cells))]
    return [text.replace("|", r"\|") for text in (line.method, line.source, *cells, marks)]


def _emphasised(line: Line, place: int, style: str) -> str:
    text = line.texts[place]
    return style.format(text) if place in line.best else text


def _brief(mark: str) -> str:
    """A mark without what the notes below the table say of it."""
    word, _, rest = mark.partition(": ")
    return word if rest == MARK_MEANINGS.get(word) else mark
