"""Tables as LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, groupby, pairwise

from reports.reading.marks import distinct
from reports.tables.lines import INTERVAL, Line, lines
from reports.tables.table import Column, Table


def latex(tables: Sequence[Table]) -> str:
    """Floats over the whole page, for a document that loads booktabs."""
    return "% needs \\usepackage{booktabs}\n" + "\n\n".join(map(_latex, tables))


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
    if line.source == INTERVAL:
        cells = [rf"{{\tiny {cell}}}" for cell in cells]
    bold = [rf"\textbf{{{c}}}" if n in line.best else c for n, c in enumerate(cells)]
    return [escape(line.method), escape(line.source) + raised, *bold]


def _narrow(text: str) -> str:
    """A cell with its standard deviation in small print: nine such columns are wide."""
    mean, _, sd = text.partition(" ± ")
    return escape(mean) + (rf"{{\tiny$\pm${sd}}}" if sd else "")


def _tabular(columns: Sequence[Column], body: Sequence[Sequence[str]]) -> str:
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
    headers = ["Method", "Source", *(escape(column.heading) for column in columns)]
    return tabulate(body, headers, tablefmt=booktabs, disable_numparse=True)


def _spanning_heads(columns: Sequence[Column]) -> tuple[str, ...]:
    """The line of data sets over their metrics and the rules below it; nothing without them."""
    spans = [(over, len(list(them))) for over, them in groupby(c.over for c in columns)]
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
        "×": r"$\times$",
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
