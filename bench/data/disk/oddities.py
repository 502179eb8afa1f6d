"""How the files of a clip were recorded, where that differs within it: told, not corrected."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from bench.data.clips import Clip, Problem, clip_title
from bench.data.disk.images import FORMATS, ORIENTATION, UPRIGHT, orientation
from bench.data.disk.numbering import CONTAINER_SUFFIXES, VIDEO_SUFFIXES
from bench.data.disk.video_files import uneven_times

if TYPE_CHECKING:
    import numpy as np

DATED = (slice(24, 36), slice(84, 100))
"""Bytes of a colour profile with its date and its checksum (ICC.1)."""


@dataclass(frozen=True)
class Recording:
    """For the clip cache: four numbers, float32 (4,), 0 where nothing differs within the clip.

    Frames that EXIF turns otherwise than the first, frames with another colour profile than the
    first, and of a video whose frames are not even in time the shortest and longest time between
    two of them in ms.
    """

    shape: tuple[int, ...] = (4,)
    dtype: str = "float32"

    def clip_key(self, clip: Clip) -> str:
        """The same for every clip."""
        return "recording, version 1"

    def make(self, clip: Clip, contents: Sequence[bytes]) -> np.ndarray:
        """The four numbers; of files that cannot be read they are 0, as their reader will say."""
        import numpy as np

        suffix = clip.frames[0].suffix.lower()
        if suffix in VIDEO_SUFFIXES:
            first, end = clip.span or (0, None)
            return np.array([0, 0, *(uneven_times(contents[0], first, end) or (0, 0))])
        if suffix in CONTAINER_SUFFIXES or len(contents) == 1:
            return np.zeros(4)
        heads = [_head(content) for content in contents]
        turned, profiles = zip(*heads, strict=True)
        others = [sum(each != found[0] for each in found) for found in (turned, profiles)]
        return np.array([*others, 0, 0])


def recording_problems(clip: Clip, recording: np.ndarray) -> Iterator[Problem]:
    """A problem for each thing that differs within a clip, from `Recording`."""
    where = clip_title(clip)
    turned, profiles, shortest, longest = recording.tolist()
    count = len(clip.frames)
    if turned:
        what = f"EXIF turns {turned:.0f} of {count} frames otherwise than the first"
        yield Problem(
            "turned", where, f"{what}: look whether all stand upright (PNGs are not turned)"
        )
    if profiles:
        what = f"{profiles:.0f} of {count} frames have another colour profile than the first"
        yield Problem("profile", where, f"{what}; profiles are ignored: convert all to sRGB")
    if longest:
        what = f"the times between its frames differ ({shortest:.0f} to {longest:.0f} ms)"
        yield Problem("times", where, f"{what}; they are taken for even")


def _head(content: bytes) -> tuple[int, bytes]:
    """How an image is to be turned (EXIF), and its colour profile without its date."""
    from PIL import Image

    try:
        with Image.open(BytesIO(content), formats=FORMATS) as image:
            profile = bytearray(image.info.get("icc_profile") or b"")
            for place in DATED:
                profile[place] = bytes(len(profile[place]))
            png = image.format == "PNG"  # which is shown as it is stored, whatever EXIF says
            turned = png and "exif" in image.info and image.getexif().get(ORIENTATION, UPRIGHT)
            return turned or orientation(image), bytes(profile)
    except Exception:  # a damaged file may raise anything
        return 0, b""
