"""Tables as HTML: a fragment for the report, a page of their own for `bench tables`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from reports.html.templating import asset, fill, script_digest
from reports.reading.marks import MARK_MEANINGS, is_caveat
from reports.tables.lines import DIFFERENCE, INTERVAL, NOTHING, Line, lines
from reports.tables.table import Cell, Table


@dataclass(frozen=True)
class HtmlCell:
    """A cell: what a reader sees, what it is sorted by (None: last), and whether it is the best."""

    text: str
    order: float | None = None
    best: bool = False


@dataclass(frozen=True)
class HtmlMark:
    """A mark with its meaning for a tooltip; the notes below the table say the same."""

    text: str
    meaning: str

    @property
    def words(self) -> tuple[str, ...]:
        """The mark and its causes: `leaky` and `search_scope=all`."""
        return tuple(self.text.replace(": ", ", ").split(", "))

    @property
    def caveat(self) -> bool:
        """Whether the marked number must not look like a clean one."""
        return is_caveat(self.text)


@dataclass(frozen=True)
class HtmlLine:
    """A line of a table.

    It names its method even where the line above has it already (`again`), so that it can be
    sorted; `follows`: it stays below the line of the values whose interval or difference it is;
    joint: what parts two numbers of a cell, and what stands before the second in a line of its own.
    """

    method: str
    again: bool
    source: str
    follows: bool
    cells: tuple[HtmlCell, ...]
    joint: tuple[str, str]
    marks: tuple[HtmlMark, ...]


def table_html(table: Table) -> Markup:
    """One table as an HTML fragment, with its caption, and its notes below it."""
    lines = list(_lines(table))
    return fill(
        "table.html",
        table=table,
        kinds=[_kind(lines, place) for place in range(len(table.columns))],
        lines=lines,
    )


def tables_page(tables: Sequence[Table]) -> str:
    """Tables on a self-contained HTML page, sorted by a click on a heading."""
    script = asset("report.js")
    return str(
        fill(
            "tables.html",
            tables=[table_html(table) for table in tables],
            style=asset("report.css"),
            script=script,
            digest=script_digest(script),
        )
    )


def _lines(table: Table) -> Iterator[HtmlLine]:
    method = ""
    for line in lines(table):
        method = line.method or method
        yield HtmlLine(
            method=method,
            again=not line.method,
            source=line.source,
            follows=line.source in (INTERVAL, DIFFERENCE),
            cells=tuple(_cell(line, place) for place in range(len(line.cells))),
            joint=("–", "to ") if line.source == INTERVAL else (" ± ", "± "),
            marks=tuple(map(html_mark, line.marks)),
        )


def _kind(lines: Sequence[HtmlLine], place: int) -> str:
    """How a column is sorted: as numbers where it has any, else as text."""
    return "number" if any(line.cells[place].order is not None for line in lines) else "text"


def _cell(line: Line, place: int) -> HtmlCell:
    cell = line.cells[place]
    text = cell.text if cell else NOTHING
    return HtmlCell(text, _order(cell), place in line.best)


def _order(cell: Cell | None) -> float | None:
    """What a cell is sorted by: its number; yes after no; nothing for text."""
    value = cell.value if cell else None
    return float(value) if isinstance(value, int | float) else None


def html_mark(mark: str) -> HtmlMark:
    """The mark without what the notes say of it; a tooltip says it again."""
    word, _, rest = mark.partition(": ")
    if word in MARK_MEANINGS:
        meaning = MARK_MEANINGS[word]
        return HtmlMark(word if rest == meaning else mark, meaning)
    causes = [MARK_MEANINGS[cause] for cause in rest.split(", ") if cause in MARK_MEANINGS]
    return HtmlMark(mark, "; ".join(causes))
