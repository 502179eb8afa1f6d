"""Writing the clips of any data set as a manifest."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from bench.data.clips import Clip, ClipSet
from bench.data.disk.numbering import CONTAINER_SUFFIXES, frame_numbers
from bench.data.sets.manifest import COLUMNS
from bench.errors import DataError, printable
from bench.system.files import csv_text


def manifest_text(clip_set: ClipSet, out: Path) -> tuple[str, bool]:
    """The text of a manifest to be written to `out`, and whether frames lie outside its folder.

    Labels are the class names; onset and offset are the first and the last frame present. Raises
    DataError for a clip whose frames lie in several folders.
    """
    home = Path(os.path.abspath(out)).parent  # noqa: PTH100 - links stay as they are
    rows, outside = [], False
    for clip in clip_set.clips:
        place = _place(clip)
        path = PurePosixPath(os.path.relpath(place, home).replace(os.sep, "/"))
        outside = outside or leaves(place, home)
        label = clip_set.classes[clip.label]
        who = (clip.dataset, clip.subject, clip.name, label)
        rows.append([*who, str(path), *_span_cells(clip), f"{clip.fps:g}"])
    return csv_text(COLUMNS, rows), outside


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
