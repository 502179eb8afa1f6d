"""Writing the clips of any data set as a manifest."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from string import digits

from bench.data.clips import CHALLENGE_CLASSES, Clip, ClipSet
from bench.data.disk.numbering import CONTAINER_SUFFIXES, frame_numbers
from bench.data.disk.tree import Tree
from bench.data.sets.classes import CHALLENGE, NATIVE
from bench.data.sets.manifests.rows import COLUMNS, Row
from bench.data.sets.manifests.unwritten import Unwritten
from bench.errors import DataError, printable
from bench.system.files import csv_text


def manifest_text(clip_set: ClipSet, out: Path) -> tuple[str, bool]:
    """The text of a manifest to be written to `out`, and whether frames lie outside its folder.

    Labels are the class names; onset and offset are the first and the last frame present. Frames
    among those of other clips are named by a pattern. Raises DataError for a clip whose frames lie
    in several folders, or that no row gives back.
    """
    home = Path(os.path.abspath(out)).parent  # noqa: PTH100 - links stay as they are
    places = list(map(_place, clip_set.clips))
    mixed = {places[place] for place in _misread(clip_set, places, out)}
    for place, clip in enumerate(clip_set.clips):
        if places[place] in mixed and len(clip.frames) > 1:
            places[place] = _pattern(clip)
    if wrong := _misread(clip_set, places, out):
        clip = clip_set.clips[wrong[0]]
        raise DataError(
            f"clip {clip.subject}/{clip.name} is not read again as it is from a row of a manifest "
            f"(so it is with {len(wrong)} in all): copy its frames from "
            f"{printable(clip.frames[0].parent)} into a folder of its own"
        )
    rows = _rows(clip_set, places, home)
    return csv_text(COLUMNS, (row.values() for row in rows)), any(
        leaves(place, home) for place in places
    )


def labels_map(clip_set: ClipSet, stated: str) -> str:
    """The setting `data.class_map` that reads the labels of an exported manifest.

    They are the classes' names: a map of other words (`stated`) does not know them.
    """
    if clip_set.class_map in (CHALLENGE, NATIVE):
        return stated
    if clip_set.classes == CHALLENGE_CLASSES:
        return CHALLENGE
    return ",".join(f"{name}={name}" for name in clip_set.classes)


def _rows(clip_set: ClipSet, places: Sequence[Path], home: Path) -> list[dict[str, str]]:
    """The cells of each clip's row by their columns."""
    rows = []
    for clip, place in zip(clip_set.clips, places, strict=True):
        path = PurePosixPath(os.path.relpath(place, home).replace(os.sep, "/"))
        who = (clip.dataset, clip.subject, clip.name, clip_set.classes[clip.label])
        cells = (*who, path, *_span_cells(clip), f"{clip.fps:g}")
        rows.append(dict(zip(COLUMNS, map(str, cells), strict=True)))
    return rows


def _misread(clip_set: ClipSet, places: Sequence[Path], out: Path) -> list[int]:
    """The clips whose rows are not read as the same frames."""
    cells = _rows(clip_set, places, Path(os.path.abspath(out)).parent)  # noqa: PTH100
    rows = [Row(n, {**row, "label": CHALLENGE_CLASSES[0]}) for n, row in enumerate(cells, 2)]
    manifest = Unwritten(out, out.name, rows, outside=True)
    home = Tree(manifest.root, os.path.realpath(manifest.root))  # it may not be there yet
    read = manifest.load(home)
    found = {(clip.dataset, clip.subject, clip.name): clip for clip in read.clips}
    wrong = []
    for place, clip in enumerate(clip_set.clips):
        again = found.get((clip.dataset, clip.subject, clip.name))
        if again is None or again.span != clip.span or _files(again) != _files(clip):
            wrong.append(place)
    return wrong


def _files(clip: Clip) -> list[tuple[str, str]]:
    """The real folder and the name of each file of a clip."""
    folders = {path.parent: os.path.realpath(path.parent) for path in clip.frames}
    return [(folders[path.parent], path.name) for path in clip.frames]


def _pattern(clip: Clip) -> Path:
    """What the names of a clip's files begin and end with, but for numbers, as a pattern."""
    names = [path.name for path in clip.frames]
    start = os.path.commonprefix(names).rstrip(digits)  # noqa: RUF071 - of letters, not of folders
    turned = [name[::-1] for name in names]
    end = os.path.commonprefix(turned)[::-1].lstrip(digits)  # noqa: RUF071
    return clip.frames[0].parent / f"{glob.escape(start)}*{glob.escape(end)}"


def leaves(place: Path, home: Path) -> bool:
    """Whether a file or folder lies outside `home`, or links lead there."""
    named = os.path.relpath(place, home)
    real = os.path.relpath(os.path.realpath(place), os.path.realpath(home))
    return os.pardir in (*Path(named).parts, *Path(real).parts)


def _place(clip: Clip) -> Path:
    """The file or folder that a manifest names for a clip; DataError where there are several."""
    if clip.span or len(clip.frames) == 1:
        return clip.frames[0]
    folders = list(dict.fromkeys(path.parent for path in clip.frames))
    if len(folders) > 1:
        raise DataError(
            f"clip {clip.subject}/{clip.name} has frames in {len(folders)} folders, the first "
            f"{printable(folders[0])}, and a row of a manifest names one; copy them together"
        )
    return folders[0]


def _span_cells(clip: Clip) -> tuple[int | str, int | str, int | str]:
    """The cells onset, apex and offset of a manifest; empty where there is no value."""
    if clip.frames[0].suffix.lower() in CONTAINER_SUFFIXES:
        first, end = clip.span or (0, None)
        apex = "" if clip.apex is None else first + clip.apex
        return (first if clip.span else "", apex, "" if end is None else end - 1)
    found = frame_numbers(clip.frames)
    numbers = [number for number in found if number is not None]
    if len(found) == 1 or len(numbers) < len(found):
        return "", "", ""
    return numbers[0], "" if clip.apex is None else numbers[clip.apex], numbers[-1]
