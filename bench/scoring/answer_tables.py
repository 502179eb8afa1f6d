"""Tables of answers: their columns, and where a text or JSON holds one."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from types import MappingProxyType
from typing import Any

from bench.errors import DataError, printable, quoted
from bench.scoring.chances import CHANCE_LISTS
from bench.system.tables import NAMES, Line, Table, delimiter_of, first_cells, plain_title

COLUMNS = ("dataset", "subject", "clip", "true", "pred")
SPELLINGS = MappingProxyType(
    {
        **NAMES,
        "true": (
            *("true", "ytrue", "truth", "groundtruth", "gt", "truelabel", "trueclass", "actual"),
            *("actuallabel", "actualclass", "target", "label"),
        ),
        "pred": (
            *("pred", "ypred", "predicted", "prediction", "predictedlabel", "predlabel"),
            *("predictedclass", "predclass", "predictionlabel", "yhat", "output"),
        ),
        "surrogate": ("surrogate",),
        "leaks": ("leaks",),
    }
)
"""Column -> the titles that are taken for it."""

TITLES = frozenset(title for titles in SPELLINGS.values() for title in titles)


def table_text(text: str) -> str:
    """The text of a table, remarks above its titles blanked; empty where it is none.

    The titles may be a remark themselves, as NumPy writes them.
    """
    lines = text.splitlines(keepends=True)
    plain = (n for n, line in enumerate(lines) if line.strip() and not line.startswith("#"))
    first = next(plain, len(lines))
    row = lines[first : first + 1]
    for number, line in reversed(list(enumerate(lines[: first + 1]))):
        if _heads_table(line) and not (line.startswith("#") and _is_other(line, row)):
            return "\n" * number + "".join(lines[number:])
    return ""


def without_remarks(text: str) -> tuple[str, list[int]]:
    """A table with its lines that begin with # blanked, and the numbers of those that were rows.

    The first line stays, and all where every row begins so: clips may be called `#1`.
    """
    lines = text.splitlines(keepends=True)
    titles, *rows = _row_starts(lines)
    marked = [n for n in rows if lines[n].lstrip().startswith("#")]
    if marked == rows:
        return text, []
    told = [n + 1 for n in marked if len(first_cells(lines[n], delimiter_of(lines[titles]))) > 1]
    for n in marked:
        lines[n] = "\n"
    return "".join(lines), told


def _row_starts(lines: Sequence[str]) -> list[int]:
    """The places of the lines that begin a row of a table, that of its titles first."""
    starts = [n for n, line in enumerate(lines) if line.strip()]
    first = starts[len(starts) > 1 and lines[starts[0]].strip('" \n').lower().startswith("sep=")]
    reader = csv.reader(lines[first:], delimiter=delimiter_of(lines[first]), skipinitialspace=True)
    found = [first]
    try:
        for _ in reader:
            found.append(first + reader.line_num)
    except csv.Error:  # told by who reads the cells
        pass
    return [n for n in found if n < len(lines) and lines[n].strip()]


def _is_other(titles: str, row: Sequence[str]) -> bool:
    """Whether a row is none of the table that has these titles."""
    delimiter = delimiter_of(titles)
    return bool(row) and len(first_cells(row[0], delimiter)) != len(first_cells(titles, delimiter))


def _heads_table(line: str) -> bool:
    """Whether a line is the first of a table with clips and labels, however it spells them."""
    if line.strip().lower().startswith("sep="):
        return True
    titles = first_cells(line, delimiter_of(line))
    plain = set(map(plain_title, titles))
    named = all(not plain.isdisjoint(SPELLINGS[name]) for name in ("subject", "clip"))
    return named or _name_answers(titles)


def _name_answers(titles: Iterable[str]) -> bool:
    """Whether these are the titles of clips and labels: two of the three will do."""
    plain = set(map(plain_title, titles))
    return sum(not plain.isdisjoint(SPELLINGS[name]) for name in ("clip", "true", "pred")) > 1


def records(content: Any, name: str) -> Table | None:
    """Records with clips and labels as a table; None for other JSON.

    A list of them, one alone, column -> values, or as pandas writes them unasked: column -> row ->
    value. DataError where pandas was asked for another form.
    """
    if orient := _other_orient(content):
        raise DataError(
            f"{name} is a table as pandas writes it with orient={orient!r}: write it with "
            "orient='records'"
        )
    listed = content if isinstance(content, list) else [content]
    if not all(isinstance(each, dict) for each in listed):
        return None
    alone = len(listed) == 1 and _name_answers(listed[0])
    columns = list(listed[0].values()) if alone else []
    if columns and all(isinstance(c, dict) and c.keys() == columns[0].keys() for c in columns):
        columns = [[column[row] for row in columns[0]] for column in columns]
    if columns and all(isinstance(column, list) for column in columns):
        lengths = {title: len(column) for title, column in zip(listed[0], columns, strict=True)}
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"{title} {length}" for title, length in lengths.items())
            raise DataError(f"{name} has columns of unequal length: {printable(told)}")
        listed = [dict(zip(listed[0], row, strict=True)) for row in zip(*columns, strict=True)]
    titles = tuple(dict.fromkeys(key for each in listed for key in each))
    if not _name_answers(titles):
        return None
    for number, each in enumerate(listed, 1):
        for title, cell in each.items():
            if isinstance(cell, list | dict) and plain_title(title) not in CHANCE_LISTS:
                raise DataError(
                    f"{name} record {number}: {quoted(printable(title))} holds several values; "
                    "expected one record a clip"
                )
    cells = ([each.get(title) for title in titles] for each in listed)
    words = (tuple("" if cell is None else str(cell).strip() for cell in row) for row in cells)
    lines = tuple(Line(number, row) for number, row in enumerate(words, 1))
    return Table(name, titles, lines, unit="record")


def _other_orient(content: Any) -> str:
    """The form in which pandas wrote JSON that is none of records or columns; empty if it is."""
    if isinstance(content, list):
        return "values" if content and all(isinstance(row, list) for row in content) else ""
    if not isinstance(content, dict):
        return ""
    if isinstance(content.get("data"), list):
        return "split" if "columns" in content else "table" if "schema" in content else ""
    rows = [*content.values()]
    in_rows = rows and all(isinstance(row, dict) and _name_answers(row) for row in rows)
    return "index" if in_rows else ""
