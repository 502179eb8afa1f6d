"""Manifests made of tables that people have: any columns, labels and names of frames."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from string import Formatter
from types import MappingProxyType
from typing import NamedTuple, NoReturn

from bench.data.clips import CHALLENGE_CLASSES, ClipSet, Problem, Rejected, problem_lines
from bench.data.disk.tree import Tree
from bench.data.sets.apex import FRAME_NUMBER
from bench.data.sets.catalogue import judged
from bench.data.sets.classes import CHALLENGE, plain_label
from bench.data.sets.manifests.export import leaves
from bench.data.sets.manifests.frames import WINDOWS
from bench.data.sets.manifests.rows import COLUMNS, REQUIRED, SPELLINGS, Row
from bench.data.sets.manifests.unwritten import Unwritten
from bench.data.sets.spreadsheet import FILLED, hidden_parts, workbook_table
from bench.errors import DataError, UsageError, printable, quoted
from bench.system.files import csv_text, file_bytes
from bench.system.tables import (
    MOST_BYTES,
    OLE,
    SPREADSHEETS,
    Line,
    Table,
    decoded,
    encoding_note,
    parse_table,
    plain_title,
)

OPTIONS = MappingProxyType({"dataset": "dataset-column"})
"""Column -> the option that names it, where that is called otherwise."""

EXAMPLE = ",".join(f"{number}={name}" for number, name in enumerate(CHALLENGE_CLASSES))


@dataclass(frozen=True)
class Wording:
    """What a table calls what a manifest has.

    columns: column -> title, of those that are called otherwise than usual; dataset: stands for
    that column; labels: label -> class, empty for labels that are left out; frames: a pattern of
    paths, relative to the table, in which a title in braces stands for its cell, as in
    `images/{sub}_{clip}.png`, or `{sub:03d}` for three digits; class_map: of labels that `labels`
    does not map.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    dataset: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    frames: str = ""
    class_map: str = CHALLENGE


@dataclass(frozen=True)
class Mapped:
    """A manifest to be written, and the clips that it names, with all problems.

    class_map: the setting `data.class_map` that reads its labels; outside: whether frames lie
    outside its folder; left_out: rows whose label is left out.
    """

    text: str
    clips: ClipSet
    class_map: str
    outside: bool
    left_out: int


WIDE = re.compile(r"\d{3}")
"""A width of three digits in a format, of any script: no name is so long."""


class _Piece(NamedTuple):
    """Of a pattern: text as it is, the column whose cell follows (None: none), and its format."""

    before: str
    place: int | None
    form: str


def mapped_manifest(path: Path, wording: Wording, out: Path) -> Mapped:
    """The manifest of a table, to be written to `out`.

    Raises UsageError where there is no such file, DataError, with all causes at once, for columns
    and labels that are missing or named wrongly, and where no row is usable.
    """
    table, merged = _merged(path, _table(path), wording)
    if out.exists() and out.samefile(path):
        raise UsageError(f"--out {printable(out)} is the table itself: name another file")
    home = Path(os.path.abspath(out)).parent  # noqa: PTH100 - links stay as they are
    rows, problems = [], []
    for row in _rows(table, wording, path.parent, home):
        try:
            label = _label(row.cells["label"], wording.labels)
        except Rejected as reason:
            where = f"{table.name} row {row.number} ({row.who})"
            problems.append(Problem(reason.kind, where, reason.what, fatal=True))
            label = CHALLENGE_CLASSES[0]  # so that the rest of the row is checked as well
        if label is not None:
            rows.append(replace(row, cells={**row.cells, "label": label}))
    outside = any(leaves(home / row.cells["frames"], home) for row in rows)
    class_map = _class_map(wording)
    clips = ClipSet("", (), ())
    if rows:
        manifest = Unwritten(out, table.name, rows, outside)
        clips = judged(manifest.load(Tree.at(home), None, class_map))
    if problems or not clips.clips:
        _refuse(table, wording, [*problems, *clips.problems])
    told = (*merged, *_also_possible(table, wording), *_hidden(path, table, wording))
    if note := encoding_note(path):
        told += (Problem("encoding", table.name, note),)
    told += (*_unused(table, wording), *_half_a_span(table, wording))
    clips = replace(clips, problems=(*told, *clips.problems))
    columns = [name for name in COLUMNS if any(row.cells.get(name) for row in rows)]
    text = csv_text(columns, ([row.cells.get(name, "") for name in columns] for row in rows))
    return Mapped(text, clips, class_map, outside, len(table.lines) - len(rows))


def _table(path: Path) -> Table:
    try:
        content = file_bytes(path, MOST_BYTES)
        if content.startswith(SPREADSHEETS):
            table = workbook_table(path)
        else:
            table = parse_table(decoded(content, path.name), printable(path.name))
    except FileNotFoundError:
        raise UsageError(f"--from {printable(path)}: there is no such file") from None
    except OSError as error:
        raise DataError(f"{printable(path)} cannot be read ({error.strerror})") from error
    if not table.lines:
        raise DataError(f"{table.name} has no row below its titles")
    return table


def _rows(table: Table, wording: Wording, folder: Path, home: Path) -> Iterator[Row]:
    """The rows under the columns of a manifest, labels as they are, paths from `home`.

    Raises DataError, with all causes at once, for columns that are not there.
    """
    places = table.places(SPELLINGS)
    causes = []
    for column, title in wording.columns.items():
        place = _place(table, places, title)
        if place is None:
            option = OPTIONS.get(column, column)
            causes.append(f"--{option} {quoted(printable(title))} is none of its columns")
        else:
            places[column] = place
    pieces: list[_Piece] = []
    try:
        for before, name, form, _ in Formatter().parse(wording.frames):
            place = None if name is None else _place(table, places, name)
            pieces.append(_Piece(before, place, form or ""))
            if name is not None and place is None:
                causes.append(f"{{{printable(name)}}} of --frames is none of its columns")
            if WIDE.search(form or ""):
                causes.append(f"{{:{printable(form)}}} of --frames is wider than 99")
    except ValueError as error:
        causes.append(f"--frames {quoted(printable(wording.frames), 80)}: {error}")
    if wording.dataset and "dataset" in wording.columns:
        causes.append("--dataset and --dataset-column are both given: leave out one of them")
    elif wording.dataset and "dataset" in places:
        title = quoted(printable(table.titles[places["dataset"]]))
        causes.append(f"its column {title} says the data sets: leave out --dataset")
    filled = {"dataset": wording.dataset} if wording.dataset else {}
    named = {*places, *wording.columns, *filled, *({"frames"} if wording.frames else ())}
    lacking = [column for column in REQUIRED if column not in named]
    if lacking:
        options = ", ".join(f"--{OPTIONS.get(column, column)}" for column in lacking)
        causes.append(f"no column {', '.join(lacking)} is found: say which it is with {options}")
    if causes:
        raise DataError(f"{table.name}: {'; '.join(causes)}. Its header has {table.found_titles}")
    fill = partial(_filled, table.name)
    for line in table.lines:
        cells = {column: line.cells[place] for column, place in places.items()} | filled
        frames = "".join(fill(line, piece) for piece in pieces) if pieces else cells["frames"]
        yield Row(line.number, {**cells, "frames": _relative(folder, frames, home)})


def _merged(path: Path, table: Table, wording: Wording) -> tuple[Table, list[Problem]]:
    """The table with subjects of merged cells in each row, and the problem that tells it.

    Of a workbook: the first of merged cells alone has content.
    """
    with path.open("rb") as file:
        workbook = file.read(len(OLE)).startswith(SPREADSHEETS)
    places = table.places(SPELLINGS)
    title = wording.columns.get("subject")
    place = _place(table, places, title) if title else places.get("subject")
    if place is None or not workbook:
        return table, []
    lines: list[Line] = []
    filled = []
    for line in table.lines:
        cells = list(line.cells)
        if lines and not cells[place]:
            cells[place] = lines[-1].cells[place]
            filled.append(line.number)
        lines.append(replace(line, cells=tuple(cells)))
    if not filled:
        return table, []
    what = f"{len(filled)} blank cell(s) of subject {FILLED.format(filled[0])}"
    return replace(table, lines=tuple(lines)), [Problem("merged", table.name, what)]


def _also_possible(table: Table, wording: Wording) -> Iterator[Problem]:
    """A problem for each column with a usual title where others have one, too, and none is said."""
    said = {*wording.columns, *(("frames",) if wording.frames else ())}
    for column, place in table.places(SPELLINGS).items():
        if column not in said and (others := table.others(SPELLINGS, column)):
            used, *rest = (quoted(printable(title)) for title in (table.titles[place], *others))
            option = f"--{OPTIONS.get(column, column)}"
            what = f"column {used} is read as {column}, not {', '.join(rest)}: {option} says which"
            yield Problem("odd", table.name, what)


def _hidden(path: Path, table: Table, wording: Wording) -> Iterator[Problem]:
    """The problem of rows and columns that are read though a spreadsheet program hides them."""
    titles = [table.titles[each] for each in _used(table, wording)]
    if told := hidden_parts(path, dict(zip(titles, titles, strict=True))):
        yield Problem("hidden", table.name, told)


def _used(table: Table, wording: Wording) -> list[int]:
    """The columns that are read, in their order."""
    known = table.places(SPELLINGS)
    named = [name for _, name, _, _ in Formatter().parse(wording.frames) if name]
    places = {_place(table, known, title) for title in (*wording.columns.values(), *named)}
    return sorted(each for each in {*known.values(), *places} if each is not None)


def _unused(table: Table, wording: Wording) -> Iterator[Problem]:
    """One problem for all columns with content of which nothing is read or told."""
    usual = {plain for spellings in SPELLINGS.values() for plain in spellings}
    used = _used(table, wording)
    named = [
        quoted(printable(title))
        for place, title in enumerate(table.titles)
        if place not in used and plain_title(title) not in usual
        if any(line.cells[place] for line in table.lines)
    ]
    if named:
        what = f"column(s) {', '.join(named)} not used: options such as --offset say what one is"
        yield Problem("odd", table.name, what)


def _half_a_span(table: Table, wording: Wording) -> Iterator[Problem]:
    """The problem of onsets without offsets, or the reverse."""
    there = {*table.places(SPELLINGS), *wording.columns}
    for one, other, end in (("onset", "offset", "last"), ("offset", "onset", "first")):
        if one in there and other not in there:
            what = f"column {one}, but none for {other}: clips reach to the {end} frame there is"
            yield Problem("odd", table.name, f"{what}; --{other} says which column it is")


def _place(table: Table, places: Mapping[str, int], title: str) -> int | None:
    """The column of that title, of one that is spelled alike, or what a manifest calls so."""
    if title in table.titles:
        return table.titles.index(title)
    plain, alike = plain_title(title), [plain_title(each) for each in table.titles]
    return alike.index(plain) if plain and plain in alike else places.get(title)


def _filled(table: str, line: Line, piece: _Piece) -> str:
    if piece.place is None:
        return piece.before
    cell = line.cells[piece.place]
    number = FRAME_NUMBER.fullmatch(cell) if piece.form.endswith("d") else None
    try:
        return piece.before + format(int(number[1]) if number else cell, piece.form)
    except ValueError as error:
        why = "{:03d} takes digits alone, {:>3} any text"
        raise DataError(
            f"{table} row {line.number}: {quoted(printable(cell))} does not fit "
            f"{{:{printable(piece.form)}}} of --frames: {why}"
        ) from error


def _relative(folder: Path, frames: str, home: Path) -> str:
    """A path relative to `folder` as one relative to `home`; what is no path of here as it is."""
    if not frames or WINDOWS.match(frames):
        return frames
    place = Path(os.path.abspath(folder / frames.replace("\\", "/")))  # noqa: PTH100 - links stay
    homes = (home, Path(os.path.realpath(home)))
    base = next((each for each in homes if place.is_relative_to(each)), home)
    return os.path.relpath(place, base).replace(os.sep, "/")


def _label(text: str, labels: Mapping[str, str]) -> str | None:
    """The class of a label, None where it is left out; Rejected where it has none."""
    if not labels:
        return text
    plain = plain_label(text)
    if plain not in labels:
        raise Rejected("label", f"label {quoted(printable(text))} is not among --labels")
    return labels[plain] or None


def _class_map(wording: Wording) -> str:
    """The class map that reads the labels as they are written."""
    classes = [name for name in dict.fromkeys(wording.labels.values()) if name]
    if not classes:
        return wording.class_map
    if set(classes) <= set(CHALLENGE_CLASSES):
        return CHALLENGE
    return ",".join(f"{name}={name}" for name in classes)


def _refuse(table: Table, wording: Wording, problems: Sequence[Problem]) -> NoReturn:
    told = "; ".join(problem_lines(problem for problem in problems if problem.fatal))
    unsaid = not wording.labels and any(problem.kind == "label" for problem in problems)
    advice = f". --labels {EXAMPLE} says what labels mean" * unsaid
    raise DataError(f"{table.name}: nothing is written: {told or 'no row is left'}{advice}")
