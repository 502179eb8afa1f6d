"""Reading the rows of a coding spreadsheet by the titles of its columns."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import DataError, printable
from bench.system.tables import plain_title

if TYPE_CHECKING:
    from openpyxl.worksheet._read_only import ReadOnlyWorksheet

_HEADER_WITHIN = 100
"""Number of rows in which the header is searched; SAMM has 13 rows of preamble before it."""

_MOST_ROWS = 1 << 20
_MOST_COLUMNS = 200
_MOST_BYTES = 32 << 20
"""Limits: the rows of a spreadsheet program, more columns than any release has, unpacked bytes."""

Sheet = Mapping[int, tuple]
"""Row number -> cells."""


@dataclass(frozen=True)
class Row:
    """One coded clip: `number` as spreadsheet programs count rows, `cells` by field name."""

    number: int
    cells: Mapping[str, object]

    def text(self, field: str) -> str:
        """The cell as displayed: `1`, never `1.0`; empty where it is blank."""
        cell = self.cells[field]
        if cell is None:
            return ""
        if isinstance(cell, float) and cell.is_integer():
            return str(int(cell))
        return str(cell).strip()

    def frame_number(self, field: str) -> int | None:
        """The cell as a frame number, None for other content."""
        digits = re.fullmatch(r"([0-9]{1,9})(?:\.0*)?", self.text(field))
        return int(digits[1]) if digits else None


def read_rows(path: Path, columns: Mapping[str, str]) -> list[Row]:
    """Rows below the header of an .xlsx file; rows blank in all `columns` are left out.

    `columns` maps a field to its column's title; case, spaces and punctuation in titles are
    ignored, and the first sheet with all columns is read. Raises DataError for a file that is no
    spreadsheet, and for missing columns (it names them and those found).
    """
    sheets = _read_sheets(path)
    for sheet in sheets:
        header = _header_row(sheet, columns)
        if header is not None:
            return _rows_below(sheet, header, columns)
    raise _no_header(path, sheets, columns)


def _read_sheets(path: Path) -> list[Sheet]:
    import openpyxl

    try:
        _refuse_bomb(path)
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        try:
            return [_all_rows(sheet) for sheet in book.worksheets]
        finally:
            book.close()
    except Exception as error:  # a damaged archive may raise anything
        reason = printable(f"{type(error).__name__}: {error}")[:120]
        raise DataError(
            f"spreadsheet {printable(path)} cannot be read as .xlsx ({reason}): "
            "replace it by the release's own file."
        ) from error


def _refuse_bomb(path: Path) -> None:
    """ValueError for an archive that would fill the memory when unpacked.

    The sizes that it states can be relied on: zipfile unpacks no more than them.
    """
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > _MOST_BYTES:
        raise ValueError(f"it unpacks to {unpacked >> 20} MB, expected at most {_MOST_BYTES >> 20}")


def _all_rows(sheet: ReadOnlyWorksheet) -> Sheet:
    """Row number -> cells, without blank rows: a formatted column has a million of them."""
    sheet.reset_dimensions()  # some programs write a wrong extent, which would cut off rows
    # Without limits, a row number of a trillion in a damaged file would be counted up to.
    rows = sheet.iter_rows(max_row=_MOST_ROWS, max_col=_MOST_COLUMNS, values_only=True)
    kept, blank = {}, None
    for number, cells in enumerate(rows, start=1):
        if cells is blank:  # openpyxl returns the same tuple for all rows missing in the file
            continue
        if all(cell is None for cell in cells):
            blank = cells
        else:
            kept[number] = cells
    return kept


def _header_row(sheet: Sheet, columns: Mapping[str, str]) -> int | None:
    wanted = {plain_title(title) for title in columns.values()}
    for number, cells in sheet.items():
        if number <= _HEADER_WITHIN and wanted <= {plain_title(cell) for cell in cells}:
            return number
    return None


def _rows_below(sheet: Sheet, header: int, columns: Mapping[str, str]) -> list[Row]:
    titles = [plain_title(cell) for cell in sheet[header]]
    places = {field: titles.index(plain_title(title)) for field, title in columns.items()}
    rows = [
        Row(number, {field: cells[place] for field, place in places.items()})
        for number, cells in sheet.items()
        if number > header
    ]
    return [row for row in rows if any(row.text(field) for field in columns)]


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
