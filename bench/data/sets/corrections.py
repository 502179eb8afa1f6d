"""Corrections of the coding of a release: which cell of which row, to what, and why.

`known` are errors of releases that their authors or public loaders name, in `corrections.csv`; any
other name is a CSV file with the same columns. A correction states what it replaces, so that it
cannot hit a release in which the cell is right.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from types import MappingProxyType

from bench.data.clips import Problem
from bench.data.disk.finding import usual_name
from bench.data.sets.spreadsheet import Row
from bench.errors import DataError, UsageError, printable, quoted
from bench.system.tables import NAMES, Table, parse_table, read_text

KNOWN = "known"

WHOLE_ROW = "row"
"""Column of a correction that leaves the row out."""

COLUMNS = ("onset", "apex", "offset", "emotion", "subject", "clip", WHOLE_ROW)

SPELLINGS = MappingProxyType(
    {**NAMES, **{name: (name,) for name in ("onset", "column", "from", "to", "reason")}}
)
"""Column of a file of corrections -> the titles that are taken for it."""


@dataclass(frozen=True)
class Correction:
    """One cell to change. onset: the coded one, where a clip has several rows; else empty.

    old: what the cell holds, empty for anything. number: of the correction's row in its file.
    """

    dataset: str
    subject: str
    clip: str
    onset: str
    column: str
    old: str
    new: str
    reason: str
    number: int

    @property
    def title(self) -> str:
        """The row in messages."""
        return printable(" ".join(filter(None, (self.subject, self.clip, self.onset))))


def read_corrections(name: str, dataset: str) -> tuple[Correction, ...]:
    """Those of a data set: `known`, a file, or none for an empty name.

    Raises UsageError where there is no such file, DataError where it is no table of corrections or
    names a data set that there is not.
    """
    from bench.data.sets.catalogue import DATASETS

    found: list[Correction] = []
    for each in _all(name) if name else ():
        usual = usual_name(each.dataset)
        if usual not in DATASETS:
            raise DataError(
                f"corrections {printable(name)}: {quoted(each.dataset)} is no data set "
                f"({each.title}); `bench list datasets` names them"
            )
        if usual == dataset:
            found.append(each)
    return tuple(found)


def corrected(
    rows: Sequence[Row],
    corrections: Sequence[Correction],
    subject_of: Callable[[str], str | None],
    sheet: str,
) -> tuple[list[Row], list[Problem]]:
    """The rows with the corrections made, and a problem for each that was made or could not be.

    All look at the rows as coded; letter case does not matter to what a cell holds. sheet: the file
    that the rows are of, for messages. DataError where two contradict each other.
    """
    found = list(rows)
    made: dict[int, list[Correction]] = {}
    problems = []
    for each in corrections:
        places = [place for place, row in enumerate(rows) if _is_meant(each, row, subject_of)]
        if len(places) != 1:
            what = f"correction of {each.column} not made: {len(places)} rows are {each.title}"
            problems.append(Problem("correction", sheet, what))
            continue
        row = rows[places[0]]
        where = f"{sheet} row {row.number} ({each.title})"
        held = "" if each.column == WHOLE_ROW else row.text(each.column)
        if each.old and held.casefold() != each.old.casefold():
            what = f"{each.column} is {quoted(held)}, not {quoted(each.old)}: not corrected"
            problems.append(Problem("correction", where, what))
            continue
        earlier = made.setdefault(places[0], [])
        for other in earlier:
            _refuse_contradiction(other, each, where)
        earlier.append(each)
        if each.column == WHOLE_ROW:
            what = f"left out: {each.reason}"
        else:
            now = found[places[0]]
            found[places[0]] = replace(now, cells={**now.cells, each.column: each.new})
            done = f"corrected to {each.new}" if each.new else "emptied"
            what = f"{each.column} {held or 'empty'} {done}: {each.reason}"
        problems.append(Problem("corrected", where, printable(what)))
    left_out = {place for place, those in made.items() if WHOLE_ROW in {e.column for e in those}}
    return [row for place, row in enumerate(found) if place not in left_out], problems


def _refuse_contradiction(one: Correction, other: Correction, where: str) -> None:
    """DataError where two corrections of a row give a cell two contents, or one leaves it out."""
    columns = {one.column, other.column}
    same = len(columns) == 1 and one.new.casefold() == other.new.casefold()
    if same or (len(columns) > 1 and WHOLE_ROW not in columns):
        return
    wants = (
        "leave it out" if each.column == WHOLE_ROW else f"{each.column} to {quoted(each.new)}"
        for each in (one, other)
    )
    raise DataError(
        f"{where}: rows {one.number} and {other.number} of the corrections contradict each other "
        f"({', '.join(wants)}); keep one"
    )


def _is_meant(each: Correction, row: Row, subject_of: Callable[[str], str | None]) -> bool:
    return (
        row.text("clip").lower() == each.clip.lower()
        and subject_of(row.text("subject")) == subject_of(each.subject)
        and each.onset in ("", row.text("onset"))
    )


def _all(name: str) -> tuple[Correction, ...]:
    if name == KNOWN:
        text = resources.files("bench.data.sets").joinpath("corrections.csv").read_text("utf-8")
        return _parsed(parse_table(text, "known corrections"))
    path = Path(name).expanduser()
    try:
        return _parsed(parse_table(read_text(path), f"corrections {printable(path)}"))
    except FileNotFoundError:
        raise UsageError(
            f"data.corrections={name}: expected {KNOWN} or a CSV file with columns "
            f"{', '.join(SPELLINGS)}; there is no such file"
        ) from None
    except OSError as error:
        raise DataError(f"corrections {printable(path)} cannot be read ({error})") from error


def _parsed(table: Table) -> tuple[Correction, ...]:
    places = table.certain_places(SPELLINGS)
    missing = [name for name in SPELLINGS if name not in places and name not in ("onset", "from")]
    if missing:
        raise DataError(
            f"{table.name}: no column {', '.join(missing)}; expected {', '.join(SPELLINGS)}, its "
            f"header has {table.found_titles}"
        )
    found = []
    for line in table.lines:
        cells = {name: line.cells[place] for name, place in places.items()}
        column = cells["column"].lower()
        if column not in COLUMNS:
            raise DataError(
                f"{table.name} row {line.number}: column {quoted(cells['column'])} is none of "
                f"{', '.join(COLUMNS)}"
            )
        if not cells["reason"]:
            raise DataError(f"{table.name} row {line.number} gives no reason")
        names = (cells["dataset"], cells["subject"], cells["clip"], cells.get("onset", ""))
        found.append(
            Correction(
                *names, column, cells.get("from", ""), cells["to"], cells["reason"], line.number
            )
        )
    return tuple(found)
