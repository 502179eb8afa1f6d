"""Crop: one box for all frames of a clip, so that cropping adds no motion."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from bench.data.clips import Clip
from bench.errors import DataError, UsageError
from bench.system.files import read_table

if TYPE_CHECKING:
    import numpy as np

CROPS = ("none", "detect", "landmarks")
FALLBACKS = ("stop", "centre")

SMALLEST_FACE = 1 / 5
"""Side of the smallest face that is looked for, over the shorter side of the frame."""

SCALE_STEPS = (1.15, 1.05)
"""The search window grows by this factor; the finer one where the coarser finds no face."""

DETECTION_SIDE = 240
"""Larger frames are shrunk to this shorter side before a face is looked for: the cascade's time
grows with the pixels, and the box it finds does not grow more exact."""

DETECTOR_VERSION = 3
"""Raised whenever the same frame would give another box: old cache entries of crop=detect lapse."""

CENTRE = 0.8
"""Side of the centre crop, over the shorter side of the frame."""


@dataclass(frozen=True)
class Box:
    """Pixels top..bottom-1 × left..right-1 of a frame."""

    top: int
    left: int
    bottom: int
    right: int

    def cut(self, video: np.ndarray) -> np.ndarray:
        """The box of every frame: (n, H, W, C) -> (n, bottom - top, right - left, C)."""
        return video[:, self.top : self.bottom, self.left : self.right]

    def widened(self, margin: float, height: int, width: int) -> Box:
        """The box with `margin` of its sides added all round, as far as the frame goes."""
        down = round(margin * (self.bottom - self.top))
        across = round(margin * (self.right - self.left))
        return Box(
            max(self.top - down, 0),
            max(self.left - across, 0),
            min(self.bottom + down, height),
            min(self.right + across, width),
        )


@dataclass(frozen=True)
class Landmarks:
    """A row of the user's file: a box, and the points that it was made of if they were given."""

    box: Box
    points: tuple[tuple[float, float], ...] = ()


def face_box(clip: Clip, onset: np.ndarray, margin: float, fallback: str) -> Box:
    """The largest face on the onset frame (H, W, C), uint8, by scikit-image's LBP cascade.

    Raises DataError where none is found, unless `fallback` is `centre`, and where scikit-image is
    absent.
    """
    height, width = onset.shape[:2]
    faces = _faces(onset)
    if faces:
        largest = max(faces, key=lambda face: face["width"] * face["height"])
        top, left = int(largest["r"]), int(largest["c"])
        box = Box(top, left, top + int(largest["height"]), left + int(largest["width"]))
        return box.widened(margin, height, width)
    if fallback == "centre":
        return centre_box(height, width)
    raise DataError(
        f"{clip.frames[0]}: no face found on the onset frame of clip {clip.dataset} "
        f"{clip.subject}/{clip.name}; give its box with data.crop=landmarks, or take the centre of "
        "such frames with --set data.crop_fallback=centre"
    )


@dataclass(frozen=True)
class FaceFound:
    """For the clip cache: whether a clip's onset frame has a face that `face_box` finds."""

    shape: tuple[int, ...] = (1,)
    dtype: str = "bool"

    def clip_key(self, clip: Clip) -> str:
        return f"face found, version {DETECTOR_VERSION}"

    def make(self, clip: Clip, contents: Sequence[bytes]) -> np.ndarray:
        import numpy as np

        from bench.data.preprocess import decode

        first = replace(clip, frames=clip.frames[:1])
        return np.array([bool(_faces(decode(first, contents[:1])[0]))])


def centre_box(height: int, width: int) -> Box:
    """A square in the middle of the frame."""
    side = max(round(CENTRE * min(height, width)), 1)
    top, left = (height - side) // 2, (width - side) // 2
    return Box(top, left, top + side, left + side)


def landmark_box(clip: Clip, height: int, width: int, file: str, margin: float) -> Box:
    """The box of a clip in the user's file, within its frame; DataError where it has none."""
    box = _landmarks_of(clip, file).box.widened(margin, height, width)
    if box.bottom - box.top < 1 or box.right - box.left < 1:
        raise DataError(
            f"{file}: the box of clip {clip.subject}/{clip.name} lies outside its frames "
            f"of {width}×{height} pixels; correct the row"
        )
    return box


def landmark_points(clip: Clip, file: str) -> tuple[tuple[float, float], ...]:
    """(x, y) of a clip's points in the user's file, pixels of its frames; none in a row of boxes.

    DataError where the file has no row for the clip.
    """
    return _landmarks_of(clip, file).points


def _landmarks_of(clip: Clip, file: str) -> Landmarks:
    rows = _landmarks(file)
    for key in ((clip.dataset, clip.subject, clip.name), ("", clip.subject, clip.name)):
        if key in rows:
            return rows[key]
    raise DataError(
        f"{file} has no row for clip {clip.dataset} {clip.subject}/{clip.name}; add one (columns "
        "subject, clip, then left, top, right, bottom or x1, y1, x2, y2, ...)"
    )


def _faces(onset: np.ndarray) -> list[dict]:
    """Faces on a frame (H, W, C) as the cascade gives them: r, c, width, height."""
    import numpy as np
    from PIL import Image

    image = Image.fromarray(onset.squeeze(-1) if onset.shape[-1] == 1 else onset).convert("L")
    scale = max(min(image.size) / DETECTION_SIDE, 1)
    small = image.resize([round(side / scale) for side in image.size], Image.Resampling.BILINEAR)
    side = min(small.size)
    for step in SCALE_STEPS:
        faces = _cascade().detect_multi_scale(
            img=np.asarray(small),
            scale_factor=step,
            step_ratio=1,
            min_size=(max(int(SMALLEST_FACE * side), 24),) * 2,
            max_size=(side, side),
        )
        if faces:
            return [{name: int(value * scale) for name, value in face.items()} for face in faces]
    return []


@lru_cache(maxsize=1)
def _cascade():
    try:
        from skimage.data import lbp_frontal_face_cascade_filename
        from skimage.feature import Cascade
    except ImportError:
        raise DataError(
            "data.crop=detect needs scikit-image: pip install 'rnas-mer-bench[preprocess]'"
        ) from None
    return Cascade(lbp_frontal_face_cascade_filename())


@lru_cache(maxsize=4)
def _landmarks(file: str) -> Mapping[tuple[str, str, str], Landmarks]:
    """(data set or nothing, subject, clip) -> box, from boxes or from points."""
    try:
        text = read_table(Path(file).expanduser())
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
    except FileNotFoundError:
        raise UsageError(f"data.landmarks={file}: there is no such file") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"landmarks {file} cannot be read ({error})") from error
    if not rows or not {"subject", "clip"} <= set(rows[0]):
        raise DataError(f"landmarks {file}: expected columns subject, clip and a box or points")
    found = {}
    for number, row in enumerate(rows, start=2):
        where = f"{file} row {number}"
        key = tuple((row.get(name) or "").strip() for name in ("dataset", "subject", "clip"))
        if key in found:
            raise DataError(f"{where}: a second row of clip {key[1]}/{key[2]}; leave one of them")
        found[key] = _landmarks_in(row, where)
    return found


def _landmarks_in(row: Mapping[str, str], where: str) -> Landmarks:
    points: tuple[tuple[float, float], ...] = ()
    try:
        if row.get("left"):
            sides = ("top", "left", "bottom", "right")
            top, left, bottom, right = (float(row[name]) for name in sides)
        else:
            points = _points(row)
            xs, ys = zip(*points, strict=True)
            top, left, bottom, right = min(ys), min(xs), max(ys), max(xs)
        if not (0 <= top < bottom < 1e6 and 0 <= left < right < 1e6):
            raise ValueError
    except (KeyError, TypeError, ValueError):
        raise DataError(
            f"{where}: no box: expected numbers left < right and top < bottom, or points x1, y1, "
            "x2, y2, ..."
        ) from None
    return Landmarks(Box(round(top), round(left), round(bottom), round(right)), points)


def _points(row: Mapping[str, str]) -> tuple[tuple[float, float], ...]:
    """x1, y1, x2, y2, ... in the order of their numbers; ValueError, KeyError where one lacks."""
    numbers = sorted(int(k[1:]) for k, v in row.items() if k and k[0] == "x" and _is_number(k, v))
    points = tuple((float(row[f"x{number}"]), float(row[f"y{number}"])) for number in numbers)
    if not all(map(math.isfinite, chain(*points))):
        raise ValueError
    return points


def _is_number(name: str, value: str | None) -> bool:
    return name[1:].isdecimal() and name == f"{name[0]}{int(name[1:])}" and bool(value)
