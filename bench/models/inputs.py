"""Clips that a user names, read as those of a manifest are: a video, a folder, an array, a list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.data.clips import CHALLENGE_CLASSES, DOUBLED, Clip, Problem, clip_title
from bench.data.disk.tree import Tree
from bench.data.sets.catalogue import DATASETS, judged
from bench.data.sets.manifests.manifest import PREFIX, Manifest
from bench.data.sets.manifests.rows import LONGEST_NAME, Row
from bench.data.sets.manifests.unwritten import Unwritten
from bench.data.surrogates.checking import changed_flows
from bench.errors import DataError, UsageError, printable

DATASET, UNKNOWN = "new", "unknown"
"""Data set and emotion of clips that nobody has labelled."""

LISTS = (".csv", ".tsv", ".txt")
"""Suffixes of manifests."""


@dataclass(frozen=True)
class Place:
    """Where in its frames a clip lies, as a manifest says it; None: at their ends, or unknown.

    onset, apex, offset: frame numbers, in a video or an array from 0, in a folder as in the names
    of its images; offset is the last frame.
    """

    onset: int | None = None
    apex: int | None = None
    offset: int | None = None


WHOLE_CLIP = Place()


@dataclass(frozen=True)
class NamedClip:
    """A clip that was asked for, with all that is odd about it, as a run would say it."""

    clip: Clip
    problems: tuple[Problem, ...] = ()


def named_clips(names: Sequence[str | Path], place: Place = WHOLE_CLIP) -> list[NamedClip]:
    """The clips that names stand for, in their order; a manifest stands for all its rows.

    Raises UsageError where nothing is there or a place is given for a manifest, DataError where a
    clip cannot be read.
    """
    clips: list[NamedClip] = []
    for number, name in enumerate(map(str, names), start=1):
        path = Path(name.removeprefix(PREFIX)).expanduser().resolve()
        if not path.exists():
            raise UsageError(
                f"{printable(name)} does not exist: name a video, a folder of frames, an .npy "
                "array or a manifest (.csv)"
            )
        if not path.name:
            raise UsageError(f"{printable(name)} is the root of the disk: name a folder of frames")
        if name.startswith(PREFIX) or path.suffix.lower() in LISTS:
            if place != WHOLE_CLIP:
                raise UsageError(
                    f"{printable(name)} is a manifest, which says where its clips begin and end: "
                    "leave out onset, apex and offset"
                )
            clips += _listed(path)
        else:
            clips += _clips([_row(number, path, place)], path, printable(path.name))
    return [replace(each, problems=(*each.problems, *changed_flows([each.clip]))) for each in clips]


def _row(number: int, path: Path, place: Place) -> Row:
    cells = {
        "dataset": DATASET,
        "subject": str(number),
        "clip": path.stem[:LONGEST_NAME].strip(".") or str(number),
        "label": CHALLENGE_CLASSES[0],
        "frames": path.name,
    }
    numbers = {name: str(value) for name, value in vars(place).items() if value is not None}
    return Row(number, cells | numbers)


def _listed(path: Path) -> Iterator[NamedClip]:
    """The clips of a manifest, whatever its labels."""
    any_label = {"label": CHALLENGE_CLASSES[0]}
    rows = [replace(row, cells=row.cells | any_label) for row in Manifest(path, DATASETS).rows]
    return _clips(rows, path)


def _clips(rows: Sequence[Row], path: Path, where: str = "") -> Iterator[NamedClip]:
    """The clips of rows in their order; DataError says what is wrong with the first bad one.

    path: the file of the rows, or that of the only clip, then called `where` in messages.
    """
    tree = Tree.at(path.parent)
    apexes = any(row.cells.get("apex") for row in rows)
    first: dict[str, int] = {}
    for row in rows:
        found = judged(_OneRow(row, path, apexes, where).load(tree))
        for problem in found.problems:
            if problem.fatal:
                raise DataError(f"{problem.where}: {problem.what}")
        (clip,) = found.clips
        if (earlier := first.setdefault(clip_title(clip), row.number)) != row.number:
            raise DataError(f"row {row.number}: {clip_title(clip)}: {DOUBLED.format(earlier)}")
        yield NamedClip(replace(clip, emotion=UNKNOWN), found.problems)


class _OneRow(Unwritten):
    """A row of a manifest, or one that is in no file, with its own problems alone.

    apexes: whether the rows beside it have any.
    """

    def __init__(self, row: Row, path: Path, apexes: bool, where: str) -> None:
        super().__init__(path, printable(path.name), (row,))
        self._has_apexes, self._where = apexes, where

    def place_of(self, row: Row) -> str:
        """The row in messages, or the clip that stands alone."""
        return self._where or super().place_of(row)
