"""Clips that a user names, read as those of a manifest are: a video, a folder, an array, a list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.data.clips import CHALLENGE_CLASSES, Clip
from bench.data.disk.tree import Tree
from bench.data.sets.manifest import LONGEST_NAME, PREFIX, Manifest, Row
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


def named_clips(names: Sequence[str | Path], place: Place = WHOLE_CLIP) -> list[Clip]:
    """The clips that names stand for, in their order; a manifest stands for all its rows.

    Raises UsageError where nothing is there or a place is given for a manifest, DataError where a
    clip cannot be read.
    """
    clips: list[Clip] = []
    for number, name in enumerate(map(str, names), start=1):
        path = Path(name.removeprefix(PREFIX)).expanduser().resolve()
        if not path.exists():
            raise UsageError(
                f"{printable(name)} does not exist: name a video, a folder of frames, an .npy "
                "array or a manifest (.csv)"
            )
        if name.startswith(PREFIX) or path.suffix.lower() in LISTS:
            if place != WHOLE_CLIP:
                raise UsageError(
                    f"{printable(name)} is a manifest, which says where its clips begin and end: "
                    "leave out onset, apex and offset"
                )
            clips += _listed(path)
        else:
            clips += _clips([_row(number, path, place)], path.parent)
    return clips


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


def _listed(path: Path) -> list[Clip]:
    """The clips of a manifest, whatever its labels."""
    any_label = {"label": CHALLENGE_CLASSES[0]}
    rows = [replace(row, cells=row.cells | any_label) for row in Manifest(path).rows]
    return _clips(rows, path.parent)


def _clips(rows: Sequence[Row], root: Path) -> list[Clip]:
    """The clips of rows in their order; DataError says what is wrong with the first bad one."""
    manifest = Manifest(root / "clips")
    manifest.rows = tuple(rows)
    found = manifest.load(Tree.at(root))
    for problem in found.problems:
        if problem.fatal:
            raise DataError(f"{problem.where}: {problem.what}")
    by_name = {(clip.dataset, clip.subject, clip.name): clip for clip in found.clips}
    named = (row.cells for row in rows)
    keys = [(cells["dataset"], cells["subject"], cells["clip"]) for cells in named]
    return [replace(by_name[key], emotion=UNKNOWN) for key in keys]
