"""Reading the rows of a coding spreadsheet by the titles of its columns."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from bench.data.disk.workbooks import (
    MOST_BYTES,
    TEXT_SUFFIXES,
    Sheet,
    hidden_places,
    read_sheets,
    struck_rows,
)
from bench.errors import DataError, printable, quoted
from bench.system.files import file_bytes
from bench.system.tables import MOMENTS, OLE, ZIP, Line, Table, plain_title

_HEADER_WITHIN = 100
"""Number of rows in which the header is searched; SAMM has 13 rows of preamble before it."""

USUAL = MappingProxyType(
    {
        "emotion": ("emotion", "estimatedemotion", "emotionlabel", "label", "expression"),
        **MOMENTS,
    }
)
"""Field -> plain titles that releases and their copies use for it."""


@dataclass(frozen=True)
class Row:
    """One coded clip: `number` as spreadsheet programs count rows, `cells` by field name."""

    number: int
    cells: Mapping[str, object]

    def text(self, field: str) -> str:
        """The cell as displayed: `1`, never `1.0`; empty where it is blank."""
        return _shown(self.cells.get(field))

    def frame_number(self, field: str) -> int | None:
        """The cell as a frame number, None for other content."""
        digits = re.fullmatch(r"([0-9]{1,9})(?:\.0*)?", self.text(field))
        return int(digits[1]) if digits else None


def read_rows(path: Path, columns: Mapping[str, str]) -> list[Row]:
    """Rows below the header of a table; rows blank in all `columns` are left out.

    The file is told by its content: .xlsx, .xls (with the extra `xls`), or text with any usual
    delimiter and encoding. `columns` maps a field to its column's title; case, spaces and
    punctuation in titles are ignored, and the first sheet with all columns is read. Raises
    DataError for a file that is no table, for missing columns (it names them and those found), and
    for two columns of one title that differ.
    """
    sheets = read_sheets(path)
    for sheet in sheets.values():
        header = _header_row(sheet, columns)
        if header is not None:
            return _rows_below(path, sheet, header, columns)
    raise _no_header(path, list(sheets.values()), columns)


def workbook_table(path: Path) -> Table:
    """The only sheet of a workbook that is not blank, its first row as titles, as a text's table.

    Raises DataError as `read_rows`, and where several sheets have content.
    """
    sheets = {name: sheet for name, sheet in read_sheets(path).items() if sheet}
    if len(sheets) > 1:
        named = ", ".join(quoted(printable(name)) for name in sheets)
        raise DataError(f"{printable(path)} has the sheets {named}: save the one meant as CSV")
    rows = {n: tuple(map(_shown, row)) for sheet in sheets.values() for n, row in sheet.items()}
    width = max((i for row in rows.values() for i, cell in enumerate(row, 1) if cell), default=0)
    blank = ("",) * width
    titles, *lines = (Line(n, (*row, *blank)[:width]) for n, row in (rows or {1: ()}).items())
    return Table(printable(path.name), titles.cells, tuple(lines))


def sheets_with(path: Path, columns: Mapping[str, str]) -> list[str]:
    """The names of the sheets of a table that have all columns: the first is read."""
    sheets = read_sheets(path).items()
    return [name for name, sheet in sheets if _header_row(sheet, columns) is not None]


def hidden_parts(path: Path, columns: Mapping[str, str]) -> str:
    """What a spreadsheet program hides or strikes through of what is read, in words, if anything.

    The sheet, rows (as filters do, or of height 0) and columns, and struck-through rows; of .xls
    the sheet alone is known, of text nothing. Raises DataError as `read_rows`.
    """
    content = file_bytes(path, MOST_BYTES)
    if not content.startswith((OLE, ZIP)):
        return ""
    sheets = read_sheets(path)
    headers = {name: _header_row(sheet, columns) for name, sheet in sheets.items()}
    name, header = next(((n, h) for n, h in headers.items() if h is not None), ("", None))
    if header is None:
        return ""
    sheet = sheets[name]
    away, rows, places = hidden_places(content, name)
    read = [row.number for row in _rows_below(path, sheet, header, columns)]
    wanted = {plain_title(title) for title in columns.values()}
    titles = [
        quoted(printable(cell))
        for place, cell in enumerate(sheet[header])
        if place in places and plain_title(cell) in wanted
    ]
    unseen = [number for number in read if number in rows]
    told = [f"sheet {quoted(printable(name))}"] if away else []
    if unseen:
        told.append(f"{len(unseen)} of {len(read)} rows, the first row {unseen[0]}")
    told += [f"column(s) {', '.join(titles)}"] if titles else []
    told = [f"hidden in it, and read all the same: {'; '.join(told)}"] if told else []
    wide = [i for i, cell in enumerate(sheet[header]) if plain_title(cell) in wanted]
    lines = struck_rows(content, name, wide)
    struck = [number for number in read if number in lines]
    if struck:
        told.append(
            f"struck through, and read all the same: {len(struck)} of {len(read)} rows, the first "
            f"row {struck[0]}"
        )
    return "; ".join([*told, "delete what is not meant"]) if told else ""


def other_columns(path: Path, columns: Mapping[str, str]) -> list[str]:
    """Which columns that are not read have a usual title of one that is, and differ from it.

    In words, one each. Cells without content do not differ, nor does a column of other words that
    gives each emotion one of them, such as its class. Raises DataError as `read_rows`.
    """
    read = {plain_title(title) for title in columns.values()}
    told = []
    for sheet in read_sheets(path).values():
        header = _header_row(sheet, columns)
        if header is None:
            continue
        titles = [plain_title(cell) for cell in sheet[header]]
        for field, title in columns.items():
            first = titles.index(plain_title(title))
            for place, other in enumerate(titles):
                if other in read or other not in USUAL.get(field, ()):
                    continue
                both = _both_filled(sheet, header, first, place)
                if odd := _rows_that_differ(both, field == "emotion"):
                    name = quoted(printable(sheet[header][place]))
                    told.append(
                        f"column {quoted(title)} is read; {name} beside it says otherwise in "
                        f"{len(odd)} of {len(both)} rows, the first row {odd[0]}"
                    )
        break
    return told


def _both_filled(sheet: Sheet, header: int, first: int, second: int) -> dict[int, tuple[str, str]]:
    """Row number -> the cells of two columns, without letter case, where both have content."""
    width = max(first, second)
    pairs = {
        number: (_shown(cells[first]).casefold(), _shown(cells[second]).casefold())
        for number, cells in sheet.items()
        if number > header and len(cells) > width
    }
    return {number: pair for number, pair in pairs.items() if all(pair)}


def _rows_that_differ(both: Mapping[int, tuple[str, str]], are_words: bool) -> list[int]:
    """Rows of `_both_filled` whose cells differ; of other words, by which is usual for the one."""
    words, others = ({pair[side] for pair in both.values()} for side in (0, 1))
    if not are_words or others <= words:
        return [number for number, (one, other) in both.items() if one != other]
    usual: dict[str, Counter[str]] = {}
    for one, other in both.values():
        usual.setdefault(one, Counter())[other] += 1
    most = {one: counts.most_common(1)[0][0] for one, counts in usual.items()}
    return [number for number, (one, other) in both.items() if other != most[one]]


def has_columns(path: Path, columns: Mapping[str, str]) -> bool:
    """Whether a file is a table that has all of the columns."""
    try:
        read_rows(path, columns)
    except DataError:
        return False
    return True


FILLED = "filled from the row above, as merged cells are read, the first in row {}"
"""What was done to blank cells."""


def filled_down(rows: Sequence[Row], fields: Sequence[str]) -> tuple[list[Row], list[int]]:
    """The rows with blank cells of `fields` as in the row above, and the numbers of those filled.

    The first cell of merged ones is the only one that has content, in every format. A later field
    is filled only where the ones before it were blank too: cells merge from the left.
    """
    done: list[Row] = []
    filled = []
    for row in rows:
        cells = dict(row.cells)
        for field in fields:
            if row.text(field) or not done:
                break
            cells[field] = done[-1].cells[field]
        if cells != row.cells:
            filled.append(row.number)
        done.append(Row(row.number, cells))
    return done, filled


def _shown(cell: object) -> str:
    """A cell as displayed: `1`, never `1.0`; empty where it is blank."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def _header_row(sheet: Sheet, columns: Mapping[str, str]) -> int | None:
    wanted = {plain_title(title) for title in columns.values()}
    for number, cells in sheet.items():
        if number <= _HEADER_WITHIN and wanted <= {plain_title(cell) for cell in cells}:
            return number
    return None


def _rows_below(path: Path, sheet: Sheet, header: int, columns: Mapping[str, str]) -> list[Row]:
    titles = [plain_title(cell) for cell in sheet[header]]
    places = {field: titles.index(plain_title(title)) for field, title in columns.items()}
    _refuse_shifted(path, sheet, header)
    below = [cells for number, cells in sheet.items() if number > header]
    for title in columns.values():
        same = [place for place, each in enumerate(titles) if each == plain_title(title)]
        if len({tuple(cells[place : place + 1] for cells in below) for place in same}) > 1:
            raise DataError(
                f"spreadsheet {printable(path)} has the column {title} twice, with other cells: "
                "leave one of the two"
            )
    rows = [
        Row(number, {f: cells[p] if p < len(cells) else None for f, p in places.items()})
        for number, cells in sheet.items()
        if number > header
    ]
    return [row for row in rows if any(row.text(field) for field in columns)]


def _refuse_shifted(path: Path, sheet: Sheet, header: int) -> None:
    """DataError where rows of a text have more cells than its titles, as by a comma in a cell.

    In a workbook cells stand where they are, and remarks beside a table are none of its cells.
    """
    if path.suffix.lower() not in TEXT_SUFFIXES:
        return
    width = len(sheet[header])
    longer = [n for n, row in sheet.items() if n > header and any(row[width:])]
    if longer:
        others = f" (so it is with {len(longer) - 1} more)" * (len(longer) > 1)
        raise DataError(
            f"spreadsheet {printable(path)} row {longer[0]} has {len(sheet[longer[0]])} cells, its "
            f"header {width}{others}: a comma within a cell needs quotes round the cell"
        )


def _no_header(path: Path, sheets: Sequence[Sheet], columns: Mapping[str, str]) -> DataError:
    """The error for missing columns, based on the row with most of the wanted titles."""
    wanted = {plain_title(title): title for title in columns.values()}
    candidates = [row for sheet in sheets for n, row in sheet.items() if n <= _HEADER_WITHIN]
    best = max(
        candidates, key=lambda row: len(wanted.keys() & set(map(plain_title, row))), default=()
    )
    have = {plain_title(cell) for cell in best}
    missing = ", ".join(title for plain, title in wanted.items() if plain not in have)
    found = ", ".join(printable(cell)[:40] for cell in best if cell is not None) or "nothing"
    return DataError(
        f"spreadsheet {printable(path)} lacks the column(s) {missing}; its header has "
        f"{found[:300]}: use the release's own file or rename the columns."
    )
