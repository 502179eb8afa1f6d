"""Rows of a coding spreadsheet, found by the names of its columns."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.data.frames import printable
from bench.errors import DataError

_HEADER_WITHIN = 100
"""The header is looked for in so many rows; SAMM has 13 rows of preamble before it."""


@dataclass(frozen=True)
class Row:
    """One coded clip: `number` as a spreadsheet program counts, `cells` by the field's name."""

    number: int
    cells: Mapping[str, object]

    def text(self, field: str) -> str:
        """The cell as a person reads it: `1`, never `1.0`; empty where it is blank."""
        cell = self.cells[field]
        if cell is None:
            return ""
        if isinstance(cell, float) and cell.is_integer():
            return str(int(cell))
        return str(cell).strip()

    def frame_number(self, field: str) -> int | None:
        """The cell as a frame number, None where it is none."""
        digits = re.fullmatch(r"([0-9]{1,9})(?:\.0*)?", self.text(field))
        return int(digits[1]) if digits else None


def read_rows(path: Path, columns: Mapping[str, str]) -> list[Row]:
    """Rows below the header of an .xlsx file; rows blank in all `columns` are left out.

    `columns` maps a field to its column's title; case, spaces and punctuation in titles do not
    count, and the first sheet with all columns is taken. Raises DataError for a file that is no
    spreadsheet, and for missing columns (it names them and those found).
    """
    sheets = _read_sheets(path)
    for sheet in sheets:
        header = _header_row(sheet, columns)
        if header is not None:
            return _rows_below(sheet, header, columns)
    raise _no_header(path, sheets, columns)


def _read_sheets(path: Path) -> list[list[tuple]]:
    import openpyxl

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        try:
            return [_all_rows(sheet) for sheet in book.worksheets]
        finally:
            book.close()
    except Exception as error:  # a damaged archive fails in as many ways as it has layers
        reason = printable(f"{type(error).__name__}: {error}")[:120]
        raise DataError(
            f"spreadsheet {printable(path)} cannot be read as .xlsx ({reason}): "
            "replace it by the release's own file."
        ) from error


def _all_rows(sheet) -> list[tuple]:
    sheet.reset_dimensions()  # some programs write a wrong extent, which would cut rows off
    return list(sheet.iter_rows(values_only=True))


def _header_row(sheet: Sequence[tuple], columns: Mapping[str, str]) -> int | None:
    wanted = {_plain(title) for title in columns.values()}
    for index, cells in enumerate(sheet[:_HEADER_WITHIN]):
        if wanted <= {_plain(cell) for cell in cells}:
            return index
    return None


def _rows_below(sheet: Sequence[tuple], header: int, columns: Mapping[str, str]) -> list[Row]:
    titles = [_plain(cell) for cell in sheet[header]]
    places = {field: titles.index(_plain(title)) for field, title in columns.items()}
    rows = []
    for number, cells in enumerate(sheet[header + 1 :], start=header + 2):
        row = Row(number, {f: cells[i] if i < len(cells) else None for f, i in places.items()})
        if any(row.text(field) for field in columns):
            rows.append(row)
    return rows


def _no_header(path: Path, sheets: Sequence, columns: Mapping[str, str]) -> DataError:
    """The error names what the row most like a header has and lacks."""
    wanted = {_plain(title): title for title in columns.values()}
    candidates = [row for sheet in sheets for row in sheet[:_HEADER_WITHIN]]
    best = max(candidates, key=lambda row: len(wanted.keys() & set(map(_plain, row))), default=())
    have = {_plain(cell) for cell in best}
    missing = ", ".join(title for plain, title in wanted.items() if plain not in have)
    found = ", ".join(printable(cell)[:40] for cell in best if cell is not None) or "nothing"
    return DataError(
        f"spreadsheet {printable(path)} lacks the column(s) {missing}; its header has "
        f"{found[:300]}: use the release's own file or rename the columns."
    )


def _plain(title: object) -> str:
    """A column title without case, spaces and punctuation: `OnsetFrame` = `onset frame`."""
    return re.sub(r"[^a-z0-9]", "", str(title).lower()) if title is not None else ""
