"""The rows of a manifest: their columns, and what their cells may say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from bench.data.clips import Rejected
from bench.data.sets.apex import FRAME_NUMBER
from bench.errors import DataError, UsageError, printable, quoted
from bench.system.tables import MISSING, MOMENTS, NAMES, parse_table, read_text

REQUIRED = ("dataset", "subject", "clip", "label", "frames")

OPTIONAL = ("onset", "apex", "offset", "fps")

COLUMNS = (*REQUIRED, *OPTIONAL)

SPELLINGS = MappingProxyType(
    {
        **NAMES,
        "label": ("label", "emotion", "estimatedemotion", "class", "expression", "emotionlabel"),
        "frames": (
            *("frames", "path", "framepath", "folder", "images", "image"),
            *("imagepath", "filepath", "folderpath", "directory"),
        ),
        **MOMENTS,
        "fps": ("fps", "framerate"),
    }
)
"""Column -> the titles that are taken for it."""

DEFAULT_FPS = 200.0

LONGEST_NAME = 100

REMARK = "; the row looks like a remark or a total: if it is, leave it out of the file"


@dataclass(frozen=True)
class Row:
    """One line of a manifest; `number` as a spreadsheet program counts."""

    number: int
    cells: dict[str, str]

    @property
    def who(self) -> str:
        """Subject and clip as messages name them."""
        names = (self.cells[column] for column in ("subject", "clip"))
        return " ".join(printable(name)[:LONGEST_NAME] for name in names)

    @property
    def is_remark(self) -> bool:
        """Whether it begins with # or names neither a label nor frames."""
        begins = next(iter(self.cells.values()), "").startswith("#")
        return begins or not (self.cells["label"] or self.cells["frames"])

    def number_of(self, column: str) -> int | None:
        """A cell as a frame number, None where it has none; Rejected for other text."""
        text = self.cells.get(column, "")
        if not text or MISSING.fullmatch(text):
            return None
        number = FRAME_NUMBER.fullmatch(text)
        if number is None:
            raise Rejected("odd", f"{column} {quoted(printable(text))} is no frame number")
        return int(number[1])


def is_name(text: str) -> bool:
    """Whether a data set, subject or clip may be called so: it may become part of a file's name."""
    plain = text.isprintable() and not set(text) & {"/", "\\"}
    return plain and 0 < len(text) <= LONGEST_NAME and text.strip(".") != ""


def is_frame_rate(value: float) -> bool:
    """Whether a clip may have so many frames per second."""
    return 0 < value < 1e5


def frame_rate(text: str) -> float:
    """A cell as frames per second, the usual ones where it is empty; Rejected for other text."""
    if not text:
        return DEFAULT_FPS
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = 0.0
    if not is_frame_rate(value):
        raise Rejected("odd", f"fps {quoted(printable(text))} is no frame rate")
    return value


def read_rows(path: Path) -> Sequence[Row]:
    """The rows of a file; UsageError where there is none, DataError for one that is no manifest."""
    name = f"manifest {printable(path)}"
    try:
        table = parse_table(read_text(path), name)
    except FileNotFoundError:
        raise UsageError(
            f"{printable(path)} does not exist: give a CSV file with columns "
            f"{', '.join(REQUIRED)} as manifest:FILE.csv"
        ) from None
    except OSError as error:
        raise DataError(f"{name} cannot be read ({error.strerror}): expected a CSV file") from error
    places = table.certain_places(SPELLINGS)
    missing = [column for column in REQUIRED if column not in places]
    if missing:
        raise DataError(
            f"{name} lacks the column(s) {', '.join(missing)}; its header has "
            f"{table.found_titles}: expected {', '.join(REQUIRED)} and if known "
            f"{', '.join(OPTIONAL)}"
        )
    if not table.lines:
        raise DataError(f"{name} lists no clip")
    fields = {place: field for field, place in places.items()}
    titles = [fields.get(place, title) for place, title in enumerate(table.titles)]
    return [Row(line.number, dict(zip(titles, line.cells, strict=False))) for line in table.lines]
