"""Crop: one box for all frames of a clip, so that cropping adds no motion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from bench.data.clips import Clip
from bench.data.steps.box import Box
from bench.data.steps.settings import Preprocessing
from bench.errors import DataError

if TYPE_CHECKING:
    import numpy as np

    from bench.data.steps.box import Box


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

        from bench.data.disk.images import decode

        first = replace(clip, frames=clip.frames[:1])
        return np.array([bool(_faces(decode(first, contents[:1])[0]))])


def centre_box(height: int, width: int) -> Box:
    """A square in the middle of the frame."""
    side = max(round(CENTRE * min(height, width)), 1)
    top, left = (height - side) // 2, (width - side) // 2
    return Box(top, left, top + side, left + side)


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


def crop(clip: Clip, video: np.ndarray, settings: Preprocessing) -> np.ndarray:
    """One box of all frames: (n, H, W, C) -> (n, h, w, C)."""
    if settings.crop == "none":
        return video
    return crop_box(clip, video[0], settings).cut(video)


def crop_box(clip: Clip, onset: np.ndarray, settings: Preprocessing) -> Box:
    """The box that `crop` cuts, by the onset frame (H, W, C); the whole frame for crop=none."""
    from bench.data.steps.box import Box
    from bench.data.steps.crop import face_box
    from bench.data.steps.landmarks import landmark_box

    height, width = onset.shape[:2]
    if settings.crop == "detect":
        return face_box(clip, onset, settings.crop_margin, settings.crop_fallback)
    if settings.crop == "landmarks":
        return landmark_box(clip, height, width, settings.landmarks, settings.crop_margin)
    return Box(0, 0, height, width)
