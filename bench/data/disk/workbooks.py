"""Spreadsheets as they lie on the disk: .xlsx, .xls or text as rows of cells."""

from __future__ import annotations

import csv
import re
import zipfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from io import BytesIO, StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import DataError, printable
from bench.system.files import file_bytes
from bench.system.installed import install_command
from bench.system.tables import DELIMITERS, OLE, ZIP, decoded

if TYPE_CHECKING:
    from openpyxl.worksheet._read_only import ReadOnlyWorksheet

_MOST_ROWS = 1 << 20
_MOST_COLUMNS = 200
MOST_BYTES = 32 << 20
"""Limits: the rows of a spreadsheet program, more columns than any release has, unpacked bytes."""

TEXT_SUFFIXES = frozenset({".csv", ".tsv", ".txt", ".xls"})
"""Of files that may hold text: programs also export it under the name .xls."""

_HIDDEN = re.compile(rb'\bhidden="(?:1|true)"|\b(?:ht|width)="0(?:\.[0-9]*)?"')
"""In the tag of a row or of columns: hidden, or of no height (points) or width (letters) to see."""

Sheet = Mapping[int, tuple]
"""Row number -> cells."""


def read_sheets(path: Path) -> dict[str, Sheet]:
    """The sheets of a file by name (of a text: by delimiter); DataError where it has none."""
    try:
        content = file_bytes(path, MOST_BYTES)
        if content.startswith(OLE):
            return _old_sheets(path, content)
        if path.suffix.lower() in TEXT_SUFFIXES and not content.startswith(ZIP):
            return _text_sheets(decoded(content, path.name))
        return _new_sheets(content)
    except DataError:
        raise
    except Exception as error:  # a damaged archive may raise anything
        reason = printable(f"{type(error).__name__}: {error}")[:120]
        raise DataError(
            f"spreadsheet {printable(path)} cannot be read as {path.suffix.lower() or 'one'} "
            f"({reason}): replace it by the release's own file."
        ) from error


def _new_sheets(content: bytes) -> dict[str, Sheet]:
    import openpyxl

    _refuse_bomb(content)
    values, formulas = (
        openpyxl.load_workbook(BytesIO(content), read_only=True, data_only=data_only)
        for data_only in (True, False)
    )
    try:
        return {
            sheet.title: _with_formulas(_all_rows(sheet), _all_rows(formulas[sheet.title]))
            for sheet in values.worksheets
        }
    finally:
        values.close()
        formulas.close()


def hidden_places(content: bytes, name: str) -> tuple[bool, set[int], set[int]]:
    """Whether a sheet of a workbook is hidden, its hidden rows (from 1) and columns (from 0)."""
    if content.startswith(OLE):
        from python_calamine import CalamineWorkbook

        sheets = CalamineWorkbook.from_filelike(BytesIO(content)).sheets_metadata
        return any(e.name == name and "Visible" not in str(e.visible) for e in sheets), set(), set()
    import openpyxl

    book = openpyxl.load_workbook(BytesIO(content), read_only=True)
    try:
        sheet = book[name]
        # The reader of large files does not tell what is hidden, and the other fills the memory.
        with zipfile.ZipFile(BytesIO(content)) as archive:
            text = archive.read(sheet._worksheet_path)
    finally:
        book.close()
    rows, number = set(), 0
    for row in re.finditer(rb"<(?:\w+:)?row\b([^>]*)>", text):
        stated = re.search(rb'\br="([0-9]{1,7})"', row[1])
        number = int(stated[1]) if stated else number + 1
        if _HIDDEN.search(row[1]):
            rows.add(number)
    places: set[int] = set()
    for column in re.finditer(rb"<(?:\w+:)?col\b([^>]*)>", text):
        ends = [re.search(rb'\b%s="([0-9]{1,5})"' % end, column[1]) for end in (b"min", b"max")]
        if _HIDDEN.search(column[1]) and ends[0] and ends[1]:
            places.update(range(int(ends[0][1]) - 1, min(int(ends[1][1]), _MOST_COLUMNS)))
    return sheet.sheet_state != "visible", rows, places


def struck_rows(content: bytes, name: str, places: Collection[int]) -> set[int]:
    """The rows of a workbook's sheet with a struck-through cell in these columns (from 0)."""
    if content.startswith(OLE):
        return set()
    import openpyxl

    book = openpyxl.load_workbook(BytesIO(content), read_only=True)
    try:
        sheet = book[name]
        sheet.reset_dimensions()
        rows = sheet.iter_rows(max_row=_MOST_ROWS, max_col=_MOST_COLUMNS)
        return {
            number
            for number, cells in enumerate(rows, start=1)
            if any(
                cells[place].value is not None and cells[place].font.strike
                for place in places
                if place < len(cells)
            )
        }
    finally:
        book.close()


def _with_formulas(values: Sheet, formulas: Sheet) -> Sheet:
    """The rows of values, with the text of formulas whose values are not in the file.

    Spreadsheet programs store the value beside the formula; scripts that write files do not, and
    the cell would be read as a blank one.
    """
    rows = dict(values)
    for number, cells in formulas.items():
        known = values.get(number, ())
        known += (None,) * (len(cells) - len(known))
        merged = tuple(
            cell if value is None and str(cell).startswith("=") else value
            for value, cell in zip(known, cells, strict=False)
        )
        if merged != known:
            rows[number] = merged
    return dict(sorted(rows.items()))


def _old_sheets(path: Path, content: bytes) -> dict[str, Sheet]:
    try:
        from python_calamine import CalamineWorkbook
    except ImportError:
        raise DataError(
            f"{printable(path)}: reading a spreadsheet of the old format .xls needs "
            f"python-calamine: {install_command('xls')}, or save it as .xlsx or .csv"
        ) from None
    book = CalamineWorkbook.from_filelike(BytesIO(content))
    return {
        name: _numbered(book.get_sheet_by_name(name).to_python(skip_empty_area=False))
        for name in book.sheet_names
    }


def _text_sheets(text: str) -> dict[str, Sheet]:
    """The text parted by each delimiter in turn: prose may stand above the header."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return {
        mark: _numbered(csv.reader(StringIO(lines, newline=""), delimiter=mark))
        for mark in DELIMITERS
    }


def _numbered(rows: Iterable[Sequence[object]]) -> Sheet:
    """Row number -> cells, None for blank ones, without blank rows and beyond the last column."""
    sheet = {}
    for number, cells in enumerate(rows, start=1):
        kept = tuple(None if str(cell).strip() == "" else cell for cell in cells[:_MOST_COLUMNS])
        if any(cell is not None for cell in kept):
            sheet[number] = kept
    return sheet


def _refuse_bomb(content: bytes) -> None:
    """ValueError for an archive that would fill the memory when unpacked.

    The sizes that it states can be relied on: zipfile unpacks no more than them.
    """
    with zipfile.ZipFile(BytesIO(content)) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > MOST_BYTES:
        raise ValueError(f"it unpacks to {unpacked >> 20} MB, expected at most {MOST_BYTES >> 20}")


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
