"""How the files of a clip were recorded, where that is odd or differs: told, not corrected."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from typing import TYPE_CHECKING

from bench.data.clips import Clip, Problem, clip_title
from bench.data.disk.images import FORMATS, ORIENTATION, UPRIGHT, decode, orientation
from bench.data.disk.numbering import CONTAINER_SUFFIXES, VIDEO_SUFFIXES
from bench.data.disk.video_files import (
    has_high_range,
    is_interlaced,
    reader_key,
    uneven_times,
)
from bench.data.pixels import few_levels
from bench.errors import DataError

if TYPE_CHECKING:
    import numpy as np

PLAIN = (b"BM", b"P5", b"P6", b"II*\0", b"MM\0*")
"""How images begin that are mostly not compressed: BMP, PPM, TIFF."""

DATED = (slice(24, 36), slice(84, 100))
"""Bytes of a colour profile with its date and its checksum (ICC.1)."""


@dataclass(frozen=True)
class Recording:
    """For the clip cache: nine numbers, float32 (9,), 0 where nothing is odd about the clip.

    Frames that EXIF turns otherwise than the first, frames with another colour profile than the
    first, and of a video whose frames are not even in time the shortest and longest time between
    two of them in ms; whether a video is HDR, and interlaced; whether the first frame is of one
    level all over, and later ones are not; frames whose end is lost (`_lost_ends`); the
    `few_levels` of the first frame.
    """

    shape: tuple[int, ...] = (9,)
    dtype: str = "float32"

    def clip_key(self, clip: Clip) -> str:
        """The same for every clip."""
        return f"recording, version 6{reader_key(clip)}"

    def make(self, clip: Clip, contents: Sequence[bytes]) -> np.ndarray:
        """The nine numbers; of files that cannot be read they are 0, as their reader will say."""
        import numpy as np

        (blank, few), lost = _beginning(clip, contents), _lost_ends(clip, contents)
        return np.array([*_differences(clip, contents), blank, lost, few])


def _differences(clip: Clip, contents: Sequence[bytes]) -> tuple[float, ...]:
    suffix = clip.frames[0].suffix.lower()
    if suffix in VIDEO_SUFFIXES:
        first, end = clip.span or (0, None)
        times = uneven_times(contents[0], first, end) or (0, 0)
        return (0, 0, *times, has_high_range(contents[0]), is_interlaced(contents[0]))
    if suffix in CONTAINER_SUFFIXES or len(contents) == 1:
        return (0, 0, 0, 0, 0, 0)
    turned, profiles = zip(*map(_head, contents), strict=True)
    return (*(sum(each != found[0] for each in found) for found in (turned, profiles)), 0, 0, 0, 0)


def _lost_ends(clip: Clip, contents: Sequence[bytes]) -> int:
    """Frames that end in an eighth of zeros, where others do not: they were copied in part.

    Known of images that are not compressed and of arrays, without decoding them. A black border is
    in all frames, and a black frame, which is zero before its end too, is none.
    """
    import numpy as np

    frames = [np.frombuffer(each, np.uint8) for each in contents if each.startswith(PLAIN)]
    if clip.frames[0].suffix.lower() == ".npy" and not clip.ready_flow:
        try:
            frames = [each.ravel() for each in decode(clip, contents)]
        except DataError:
            return 0
    zeros = np.array([(each[-(len(each) // 8) :] == 0).mean() for each in frames])
    begun = np.array([each[len(each) // 8 : len(each) // 4].any() for each in frames], bool)
    lost = (zeros == 1) & begun
    others = zeros[zeros < 1]
    return int(lost.sum()) if len(others) and np.median(others) < 0.5 else 0


def _beginning(clip: Clip, contents: Sequence[bytes]) -> tuple[bool, int]:
    """Whether the first of several frames is of one level, and not the same as the last.

    And its `few_levels`. Of a video the last frame is not looked at: that would take decoding all.
    """
    if clip.ready_flow:
        return False, 0
    video = clip.frames[0].suffix.lower() in VIDEO_SUFFIXES
    start = clip.span[0] if clip.span else 0
    span = (start, start + 1) if video else clip.span
    try:
        frames = decode(replace(clip, frames=clip.frames[:1], span=span), contents[:1])
    except DataError:
        return False, 0
    onset, still = frames[0], contents[0] == contents[-1] and (frames[0] == frames[-1]).all()
    return bool(onset.min() == onset.max() and (video or not still)), few_levels(onset)


def recording_problems(clip: Clip, recording: np.ndarray) -> Iterator[Problem]:
    """A problem for each thing that is odd about a clip's files, from `Recording`."""
    where = clip_title(clip)
    turned, profiles, shortest, longest, high_range, interlaced, blank, lost, few = (
        recording.tolist()
    )
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
    if high_range:
        what = "it is an HDR video (PQ or HLG), whose levels mean other light than those of others"
        yield Problem("profile", where, f"{what}; they are used as they are: convert all to SDR")
    if interlaced:
        what = "it is an interlaced video: each frame shows two moments, in lines by turns"
        yield Problem("interlaced", where, f"{what}; deinterlace it, as with `ffmpeg -vf bwdif`")
    if blank:
        what = "its first frame is of one level all over (a blank before the clip?)"
        yield Problem("constant", where, f"{what}: all motion is from there; give the onset")
    if lost:
        what = f"{lost:.0f} frame(s) end in zeros, and others do not"
        yield Problem("part", where, f"{what} (a file that was copied in part?); used as they are")
    if few:
        yield levels_problem(clip, f"the first frame has {few:.0f} levels")


def levels_problem(clip: Clip, what: str) -> Problem:
    """The problem of a clip whose frames have few levels, as `what` says with their number."""
    why = "thresholded, dithered, very dim, of 1 to 4 bits?"
    return Problem("levels", clip_title(clip), f"{what} ({why}); used as they are")


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
