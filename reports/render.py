"""A `Table` as Markdown, LaTeX, HTML, CSV or JSON.

For readers each method has a line for what is published and, for each of its measured rows, a line
for the values and one for their difference from the published ones, so that the numbers to compare
stand above one another; the best values are bold. For machines every line or row repeats all
that it needs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import accumulate, groupby, pairwise
from typing import NamedTuple

from reports.groups import distinct
from reports.tables.marks import MARK_MEANINGS
from reports.tables.table import NOT_MEASURED, PUBLISHED_ONLY, Cell, Row, Table

HEADINGS = {
    "composite": "Comp.",
    "smic": "SMIC",
    "casme2": "CASME II",
    "samm": "SAMM",
    "acc": "Acc",
    "uar": "UAR",
    "uf1": "UF1",
    "par_norm": "Normalised",
    "pc": "PC",
    "d_op": "D ops",
    "h_op": "H ops",
    "st_att": "ST att.",
    "b": "b",
    "operations": "Operations",
    "params_m": "Params (M)",
    "memory_mb": "Memory (MB)",
    "dataset": "Data set",
    "seeds": "Seeds",
    "searches": "Searches",
    "skip_share": "Skip",
    "none_mass": "None",
    "entropy": "Entropy",
    "alpha": "α",
    "eta": "η",
    "beta": "β",
    "supernet_acc": "Supernet acc",
    "gap": "Gap",
    "uniform_path": "Uniform path",
    "path": "Same path",
    "cell": "Same cell",
    "folds": "folds",
    "chance": "by chance",
}
NOTHING = "–"
DIFFERENCE = "difference"
ACROSS_CLIPS = "surrogate against real clips"
LABELLED = (2, 5)
"""Tables that print venue and year, or type, with each method."""


class Line(NamedTuple):
    """One line for readers: method, source, a cell per column, marks, numbers of the best cells."""

    method: str
    source: str
    cells: tuple[Cell | None, ...]
    marks: tuple[str, ...]
    best: frozenset[int] = frozenset()

    @property
    def texts(self) -> list[str]:
        return [cell.text if cell else NOTHING for cell in self.cells]


def render(tables: Sequence[Table], style: str) -> str:
    """The tables in one of STYLES, without a newline at the end.

    JSON is one object for one table, else a list; CSV is one sheet, where several tables leave
    the columns of the others empty.
    """
    return STYLES[style](tables)


def markdown(tables: Sequence[Table]) -> str:
    return "\n\n".join(map(_markdown, tables))


def html(tables: Sequence[Table]) -> str:
    """One self-contained page."""
    from reports.html.tables import tables_page

    return tables_page(tables)


def latex(tables: Sequence[Table]) -> str:
    """Floats over the whole page, for a document that loads booktabs."""
    return "% needs \\usepackage{booktabs}\n" + "\n\n".join(map(_latex, tables))


def csv(tables: Sequence[Table]) -> str:
    """One line per method and source, with a column of standard deviations per numeric column."""
    import pandas

    frames = [pandas.DataFrame(_records(table)) for table in tables]
    return pandas.concat(frames).to_csv(index=False, lineterminator="\n").rstrip("\n")


def to_json(tables: Sequence[Table]) -> str:
    values = [as_dict(table) for table in tables]
    return json.dumps(values[0] if len(values) == 1 else values, indent=2, ensure_ascii=False)


STYLES = {"md": markdown, "latex": latex, "csv": csv, "json": to_json, "html": html}


def as_dict(table: Table) -> dict:
    """The JSON contract: `table`, `columns`, `rows` of method, published, measured, marks."""
    return {
        "table": table.number,
        "caption": table.caption,
        "columns": list(table.columns),
        "rows": [_row_dict(row) for row in table.rows],
        "notes": list(table.notes),
        "runs": list(table.runs),
    }


def lines(table: Table) -> list[Line]:
    """The lines of a table as a reader sees them: a method's name stands on its first line only."""
    result: list[Line] = []
    previous = None
    for index, row in enumerate(table.rows):
        new = row.variant != previous or not row.variant
        if new and _is_published(row):
            line = _published_line(row, table.number in LABELLED)
            result.append(line._replace(best=_best_places(table, index, "published")))
            new = False
        if _is_measured(row):
            cells, best = tuple(row.measured.values()), _best_places(table, index, "measured")
            result.append(Line(row.method if new else "", row.source, cells, row.marks, best))
        if any(row.difference.values()):
            result.append(_difference_line(row))
        previous = row.variant
    return result


def _best_places(table: Table, index: int, side: str) -> frozenset[int]:
    columns = enumerate(table.columns)
    return frozenset(place for place, name in columns if (index, side, name) in table.best)


def _difference_line(row: Row) -> Line:
    """Measured less published. On generated clips it compares different things, and says so."""
    marks = (ACROSS_CLIPS,) if "surrogate" in row.marks else ()
    return Line("", DIFFERENCE, tuple(row.difference.values()), marks)


def _published_line(row: Row, labelled: bool) -> Line:
    name = f"{row.method}, {row.about}" if labelled and row.about else row.method
    source = PUBLISHED_ONLY if row.source == PUBLISHED_ONLY else "published"
    marks = (*row.published_marks, *((NOT_MEASURED,) if row.source == NOT_MEASURED else ()))
    return Line(name, source, tuple(row.published.values()), marks)


def _is_measured(row: Row) -> bool:
    return row.source not in (PUBLISHED_ONLY, NOT_MEASURED)


def _is_published(row: Row) -> bool:
    return any(row.published.values())


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
        if _is_published(row) and (row.variant != previous or not row.variant):
            line = _published_line(row, False)
            records.append(_record(about, line.source, row.published, line.marks))
        if _is_measured(row):
            records.append(_record(about, row.source, row.measured, row.marks))
        if any(row.difference.values()):
            line = _difference_line(row)
            records.append(_record(about, line.source, row.difference, line.marks))
        previous = row.variant
    return records


def _record(
    about: Mapping[str, object],
    source: str,
    cells: Mapping[str, Cell | None],
    marks: Sequence[str],
) -> dict:
    spread = {f"{column}_sd": cell.sd if cell else None for column, cell in cells.items()}
    return {**about, "source": source, **_values(cells), **spread, "marks": "; ".join(marks)}


def _markdown(table: Table) -> str:
    from tabulate import tabulate

    body = [_markdown_texts(line) for line in lines(table)]
    headers = ["Method", "Source", *(" ".join(_heading(c)).strip() for c in table.columns), "Marks"]
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
    word, _, _ = mark.partition(": ")
    return word if word in MARK_MEANINGS else mark


def _heading(column: str) -> tuple[str, str]:
    """The two lines over a column: data set and metric, or nothing and the column's name."""
    dataset, _, metric = column.partition("_")
    if metric in HEADINGS and dataset in HEADINGS:
        return HEADINGS[dataset], HEADINGS[metric]
    return "", HEADINGS[column]


def _latex(table: Table) -> str:
    """A float whose caption, cells and notes print literally; marks are numbered below it."""
    body = lines(table)
    marks = distinct(mark for line in body for mark in line.marks)
    numbered = [rf"\textsuperscript{{{n}}}\,{escape(mark)}" for n, mark in enumerate(marks, 1)]
    notes = [*(["; ".join(numbered)] if numbered else []), *map(escape, table.notes)]
    return "\n".join(
        (
            r"\begin{table*}",
            r"\centering\scriptsize\setlength{\tabcolsep}{3pt}",
            rf"\caption{{{escape(table.caption)}}}",
            _tabular(table.columns, [_latex_texts(line, marks) for line in body]),
            "\\par\\raggedright " + "\\par\n".join(notes),
            r"\end{table*}",
        )
    )


def _latex_texts(line: Line, marks: Sequence[str]) -> list[str]:
    numbers = ",".join(str(marks.index(mark) + 1) for mark in line.marks)
    raised = rf"\textsuperscript{{{numbers}}}" if numbers else ""
    cells = [_narrow(text) for text in line.texts]
    bold = [rf"\textbf{{{c}}}" if n in line.best else c for n, c in enumerate(cells)]
    return [escape(line.method), escape(line.source) + raised, *bold]


def _narrow(text: str) -> str:
    """A cell with its standard deviation in small print: nine such columns are wide."""
    mean, _, sd = text.partition(" ± ")
    return escape(mean) + (rf"{{\tiny$\pm${sd}}}" if sd else "")


def _tabular(columns: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """A booktabs tabular of escaped cells."""
    from tabulate import DataRow, TableFormat, tabulate
    from tabulate import Line as Rule

    begin = rf"\begin{{tabular}}{{ll{'r' * len(columns)}}}"
    top = (begin, r"\toprule", *_spanning_heads(columns))
    row = DataRow("", " & ", r" \\")
    booktabs = TableFormat(
        lineabove=Rule("\n".join(top), "", "", ""),
        linebelowheader=Rule(r"\midrule", "", "", ""),
        linebetweenrows=None,
        linebelow=Rule("\\bottomrule\n\\end{tabular}", "", "", ""),
        headerrow=row,
        datarow=row,
        padding=0,
        with_header_hide=None,
    )
    headers = ["Method", "Source", *(escape(_heading(column)[1]) for column in columns)]
    return tabulate(body, headers, tablefmt=booktabs, disable_numparse=True)


def _spanning_heads(columns: Sequence[str]) -> tuple[str, ...]:
    """The line of data sets over their metrics and the rules below it; nothing without them."""
    spans = [(over, len(list(them))) for over, them in groupby(_heading(c)[0] for c in columns)]
    if not any(over for over, _ in spans):
        return ()
    heads = " & ".join(rf"\multicolumn{{{width}}}{{c}}{{{over}}}" for over, width in spans)
    ends = list(accumulate((width for _, width in spans), initial=2))
    rules = "".join(
        rf"\cmidrule(lr){{{start + 1}-{end}}}"
        for (over, _), (start, end) in zip(spans, pairwise(ends), strict=True)
        if over
    )
    return (rf" & & {heads} \\", rules)


_ESCAPES = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        **{symbol: f"\\{symbol}" for symbol in "&%$#_{}"},
        "±": r"$\pm$",
        "α": r"$\alpha$",
        "β": r"$\beta$",
        "η": r"$\eta$",
        "–": r"\textendash{}",
    }
)


def escape(text: str) -> str:
    """Text as LaTeX prints it literally; the symbols of the tables in math mode."""
    return text.translate(_ESCAPES).replace("--", "-{}-")  # an option is no dash
