"""Tables that people wrote: encoding, delimiter and the spelling of titles are found out.

One reader for logs of predictions, manifests, class maps and landmarks.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from bench.errors import DataError, printable, quoted
from bench.system.files import file_bytes, unescaped

MOST_BYTES = 64 << 20
"""Largest table that is read. Tables have a line per clip: a larger file is something else."""

SOME_ROWS = 5
"""Rows that a message names of those with the same fault; it counts them all."""

DELIMITERS = (",", ";", "\t", "|")

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order mark -> encoding; that of UTF-32 begins with that of UTF-16."""

WIDE = ("utf-16-le", "utf-16-be")
"""What may be written without a mark: every other byte of Latin letters is 0."""

SPREADSHEETS = ZIP, OLE = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""How workbooks begin, new and old: as other archives do."""

COMPRESSED = MappingProxyType(
    {
        b"\x1f\x8b": "gzip",
        b"BZh9": "bzip2",
        b"\xfd7zXZ\0": "xz",
        b"(\xb5/\xfd": "zstd",
        b"7z\xbc\xaf": "7z",
        ZIP: "zip",
    }
)
"""How compressed files begin, bzip2 as its programs write it unless told otherwise."""

WORKBOOKS, WORKBOOK = (".xlsx", ".xlsm", ".ods"), (b"[Content_Types].xml", b"mimetype")
"""Endings of workbooks, which are zips, too, and names of which one is in each."""

GUESSED = ("cp1252", "cp1250", "cp850", "cp852")
"""What text of a byte a letter may be in, where the encoding guessed makes no words of it."""

LONGEST_RUN = 2
"""Letters beyond ASCII in a row in words of Latin letters; characters of two bytes make more."""

WITHIN_WORDS = "\u2019\u2018\u00b0\u00b7\u00ad\u00a0\u2013\u2014\u00b5\u00aa\u00ba"
"""Signs beyond ASCII before a letter, or that are none of Latin words though Unicode has them so.

Apostrophes, that of degrees, middle dot, soft hyphen, no-break space, dashes, micro, ordinals.
"""

MISSING = re.compile(r"#?n/?a|nan|nat|none|null|nil|<na>", re.IGNORECASE)
"""What programs write into a cell without a value. A name may be spelled so, too."""

_RULE = re.compile(r"[-:=+|]{3,}|")
"""A cell of a line that parts the titles of a table from its rows, as in Markdown."""

Spellings = Mapping[str, Sequence[str]]
"""Field -> the titles that are taken for it, plain (`plain_title`), the usual one first."""

NAMES: Spellings = MappingProxyType(
    {
        "dataset": ("dataset", "database"),
        "subject": ("subject", "subjectid", "sub", "participant", "subjectname", "person"),
        "clip": ("clip", "clipname", "filename", "file", "video", "videoname", "sample"),
    }
)
"""What names a clip in any table: its data set, its subject, itself."""

MOMENTS: Spellings = MappingProxyType(
    {
        "onset": ("onset", "onsetframe", "onsetf"),
        "apex": ("apex", "apexframe", "apexf"),
        "offset": ("offset", "offsetframe", "offsetf"),
    }
)
"""Where a clip begins, is most moved and ends, in any table."""


def read_text(path: Path) -> str:
    """The text of a file in whatever encoding it is.

    Raises OSError for what is no regular file or is larger than MOST_BYTES, DataError for what is
    no text.
    """
    return decoded(file_bytes(path, MOST_BYTES), path.name)


def encoding_note(path: Path) -> str:
    """What to tell of a file that `read_text` reads in an encoding it guessed; else empty."""
    content = file_bytes(path, MOST_BYTES)
    if content.startswith(tuple(mark for mark, _ in MARKS)) or b"\0" in content:
        return ""
    if _is_utf8(content):
        return ""
    _, encoding = _guessed(content, path.name)
    return (
        f"it is no UTF-8 and is taken to be {encoding}: look at names and classes beyond ASCII, or "
        "save it as UTF-8"
    )


def decoded(content: bytes, name: str) -> str:
    """The text that bytes hold; DataError where they hold none."""
    packed = next((how for mark, how in COMPRESSED.items() if content.startswith(mark)), None)
    if packed and not (packed == "zip" and _is_workbook(content, name)):
        raise DataError(f"{printable(name)} is compressed ({packed}), no text: unpack it first")
    if content.startswith(SPREADSHEETS):
        raise DataError(
            f"{printable(name)} is a spreadsheet (or an archive), no text: save it as CSV"
        )
    stated = next((encoding for mark, encoding in MARKS if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(stated)
    except UnicodeDecodeError:
        text, _ = _guessed(content, name)
    if "\0" in text:
        text = next(filter(None, (_unmarked(content, each) for each in WIDE)), text)
    if "\0" in text:
        raise DataError(f"{printable(name)} holds NUL characters: it is no text")
    return text


def _is_workbook(content: bytes, name: str) -> bool:
    return name.lower().endswith(WORKBOOKS) or any(part in content for part in WORKBOOK)


def _unmarked(content: bytes, encoding: str) -> str:
    """The text of bytes in an encoding of two bytes a character; empty where that is not it."""
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        return ""
    return text if text[:1].isascii() and text[:1].isprintable() else ""


@lru_cache(maxsize=1)
def _guessed(content: bytes, name: str) -> tuple[str, str]:
    """The text of bytes that are no UTF-8, and the encoding taken; asked for both in turn."""
    from charset_normalizer import from_bytes

    best = from_bytes(content).best()
    if best is None:
        raise DataError(f"{printable(name)} is no text in any usual encoding: save it as UTF-8")
    text, encoding = str(best), best.encoding
    if not _are_words(text):
        for other in GUESSED:
            with suppress(UnicodeDecodeError):
                if _are_words(content.decode(other)):
                    text, encoding = content.decode(other), other
                    break
    if len(text) == len(content):  # a byte a letter
        _refuse_mixed(content, name)
    return text, encoding


def _are_words(text: str) -> bool:
    """Whether what is beyond ASCII are letters of Latin words, or signs where words have some."""
    for run in re.finditer(r"[^\x00-\x7f]+", text):
        before, after = text[run.start() - 1 : run.start()], text[run.end() : run.end() + 1]
        known = [sign for sign in run[0] if sign not in WITHIN_WORDS]
        letters = [sign for sign in known if sign.isalpha()]
        signs = {*known} - {*letters}
        opening = not before.isalpha() and all(unicodedata.category(s)[0] == "P" for s in signs)
        if len(run[0]) > LONGEST_RUN or (signs and after.isalpha() and not opening):
            return False
        if not (before.isalpha() or after.isalpha()):
            continue
        latin = all(unicodedata.name(letter, "").startswith("LATIN") for letter in letters)
        if not latin or (before.islower() and any(map(str.isupper, letters))):
            return False
    return True


def _refuse_mixed(content: bytes, name: str) -> None:
    """DataError where some words beyond ASCII are UTF-8 and others are not."""
    lines: dict[bool, int] = {}
    for number, line in enumerate(content.split(b"\n"), 1):
        for word in re.findall(rb"[\x80-\xff]+", line):
            lines.setdefault(_is_utf8(word), number)
    if len(lines) > 1:
        raise DataError(
            f"{printable(name)} mixes encodings, as files that were joined: line {lines[True]} is "
            f"UTF-8, line {lines[False]} is not; save all of it as UTF-8"
        )


def _is_utf8(word: bytes) -> bool:
    try:
        word.decode()
    except UnicodeDecodeError:
        return False
    return True


@dataclass(frozen=True)
class Line:
    """A row below the titles: its number as a spreadsheet program counts, and its cells."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table as it was found: titles as they are written, and the lines that are not blank.

    name, unit: the file's, and what it calls a line, for messages.
    """

    name: str
    titles: tuple[str, ...]
    lines: tuple[Line, ...]
    unit: str = "line"

    def places(self, known: Spellings) -> dict[str, int]:
        """Field -> the column that holds it, of the fields that the table has.

        The first spelling that occurs is taken. Raises DataError where a title occurs twice.
        """
        plain = [plain_title(title) for title in self.titles]
        found = {}
        for field, spellings in known.items():
            named = next((each for each in spellings if each in plain), None)
            if named is None:
                continue
            found[field] = self.column(named)
        return found

    def column(self, title: str) -> int:
        """The column of a plain title that the table has; DataError where it has it twice."""
        plain = [plain_title(each) for each in self.titles]
        place = plain.index(title)
        if plain.count(title) > 1:
            shown = quoted(printable(self.titles[place]))
            raise DataError(f"{self.name} has the column {shown} twice")
        return place

    def certain_places(self, known: Spellings) -> dict[str, int]:
        """As `places`; DataError where several titles may mean a field and none is its name."""
        places = self.places(known)
        for field, place in places.items():
            others = self.others(known, field)
            if others and plain_title(self.titles[place]) != plain_title(field):
                shown = " and ".join(
                    quoted(printable(each)) for each in (self.titles[place], *others)
                )
                raise DataError(
                    f"{self.name}: the columns {shown} may each be {field}: call one of them so"
                )
        return places

    def others(self, known: Spellings, field: str) -> tuple[str, ...]:
        """Titles of further columns that could be taken for a field."""
        taken = self.places(known)
        return tuple(
            title
            for place, title in enumerate(self.titles)
            if plain_title(title) in known[field] and place not in taken.values()
        )

    @property
    def found_titles(self) -> str:
        """The titles for a message."""
        return ", ".join(printable(title)[:40] for title in self.titles)[:300] or "nothing"


def parse_table(text: str, name: str) -> Table:
    """The table in a text; DataError where a row has more or fewer cells than there are titles.

    DataError, too, where a quoted cell does not end, or holds what looks like rows.

    The delimiter is the one that parts the first line into most cells; a line `sep=;`, which
    spreadsheet programs write, says it outright. Cells lose the blanks around them, and the
    apostrophe that `csv_text` writes before what looks like a formula.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    first, _, rest = text.lstrip().partition("\n")
    stated = re.fullmatch(r'"?sep=(.)"? *', first)
    skipped = text[: len(text) - len(rest)].count("\n") if stated else 0
    body = rest if stated else text
    delimiter = stated[1] if stated else delimiter_of(text)
    _refuse_swallowed(body, delimiter, name, skipped)
    rows = csv.reader(io.StringIO(body, newline=""), delimiter=delimiter, skipinitialspace=True)
    try:
        numbered = [
            Line(number, tuple(unescaped(cell.strip()) for cell in cells))
            for number, cells in enumerate(rows, start=1 + skipped)
            if any(cell.strip() for cell in cells)
        ]
    except csv.Error as error:
        raise DataError(f"{name} line {rows.line_num + skipped}: {error}") from None
    if not numbered:
        return Table(name, (), ())
    titles, *lines = numbered
    repeats = [line.number for line in lines if _folded(line) == _folded(titles)]
    if repeats:
        raise DataError(
            f"{name} row {repeats[0]} is the header again{_rows(repeats[1:])}: files were joined; "
            "leave the header where it stands first"
        )
    rule = next((line.number for line in lines if all(map(_RULE.fullmatch, line.cells))), 0)
    if rule:
        raise DataError(f"{name} row {rule} is a rule of a drawn table, and no row: leave it out")
    width = len(titles.cells)
    uneven = [line for line in lines if len(line.cells) < width or any(line.cells[width:])]
    if uneven:
        odd, *others = uneven
        if odd.cells[0].startswith("#"):
            raise DataError(
                f"{name} row {odd.number} begins with # and has {len(odd.cells)} cells, its header "
                f"{width}: if it is a remark, leave it out"
            )
        if len(uneven) == len(lines) > 1 and {len(line.cells) for line in lines} == {width + 1}:
            raise DataError(
                f"{name}: each row has {width + 1} cells, its header {width}, as R's write.table "
                "leaves out the title of its row names: write with row.names = FALSE"
            )
        raise DataError(
            f"{name} row {odd.number} has {len(odd.cells)} cells, its header {width}"
            f"{_rows([line.number for line in others])}: a "
            f"{'comma' if delimiter == ',' else repr(delimiter)} within a cell needs quotes round "
            "the cell"
        )
    return Table(name, titles.cells, tuple(lines))


def _refuse_swallowed(text: str, delimiter: str, name: str, skipped: int) -> None:
    """DataError, with its line, for a quoted cell that does not end or that holds whole rows.

    A quotation mark that stands first in a cell and is none of a pair takes all up to the next one.
    skipped: lines of the file above the text.
    """
    if '"' not in text:
        return
    last = "\x04"  # a row of its own, unless a cell is open
    reader = csv.reader(
        io.StringIO(f"{text}\n{last}", newline=""), delimiter=delimiter, skipinitialspace=True
    )
    titles, ends = 0, 0
    try:
        for cells in reader:
            where, ends = f"{name} line {ends + 1 + skipped}", reader.line_num
            titles = titles or (len(cells) if any(cells) else 0)
            long = next((cell for cell in cells if "\n" in cell), "")
            shown = quoted(printable(long.partition("\n")[0]))
            if long and cells[-1].endswith(last):
                raise DataError(
                    f"{where}: the cell {shown} has a quotation mark before it and none behind: "
                    "leave it out, or write the second one"
                )
            if long and any(_holds_rows(c, n, titles, delimiter) for n, c in enumerate(cells)):
                raise DataError(
                    f"{where}: the cell {shown} has a quotation mark before it and goes on over "
                    "lines that look like rows: leave the mark out; a note of several lines may "
                    "be written in one"
                )
    except csv.Error:  # told by who reads the cells
        return


def _holds_rows(cell: str, place: int, titles: int, delimiter: str) -> bool:
    """Whether lines of a cell look like the rest of its row and further rows.

    A comma before a blank is prose's.
    """
    joint = re.compile(re.escape(delimiter) + r"(?! )")
    counts = [len(joint.findall(line)) + 1 for line in cell.split("\n")]
    if len(counts) == 1 or titles == 1:
        return False
    first, *middle, last = counts
    joined = first == titles - place and last == place + 1 and set(middle) <= {titles}
    return joined or titles in middle or max(counts) >= titles > 2


def _folded(line: Line) -> list[str]:
    return [cell.casefold() for cell in line.cells]


def _rows(numbers: Sequence[int]) -> str:
    """Further rows with the same fault, for a message; empty where there is none."""
    listed = ", ".join(map(str, numbers[:SOME_ROWS])) + ", ..." * (len(numbers) > SOME_ROWS)
    return f" (and {len(numbers)} others: rows {listed})" if numbers else ""


def delimiter_of(text: str) -> str:
    """What parts the cells of the first line that is not blank: comma, semicolon, tab or bar."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return max(DELIMITERS, key=lambda delimiter: len(first_cells(first, delimiter)))


def first_cells(line: str, delimiter: str) -> list[str]:
    """The cells of a line; none of one that is longer than any cell may be."""
    try:
        return next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error:
        return []


def plain_title(title: object) -> str:
    """A title without case, spaces and punctuation: `OnsetFrame` = `onset frame`.

    Letters of every script stay.
    """
    if title is None:
        return ""
    folded = unicodedata.normalize("NFKC", str(title)).casefold()
    letters = (letter for letter in folded if unicodedata.category(letter)[0] in "LMN")
    return unicodedata.normalize("NFKC", "".join(letters))
