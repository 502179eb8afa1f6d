"""Clips that lie in one file: .npy arrays and videos (the latter with the extra `video`)."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from bench.data.clips import Clip
from bench.errors import DataError

if TYPE_CHECKING:
    import numpy as np

MOST_FRAMES = 20_000
"""A clip lasts half a second: a file beyond this is not one, and could fill the memory."""


def unpack(clip: Clip, content: bytes) -> np.ndarray:
    """The clip's frames, uint8 (n, H, W, C) with C = 1 or 3.

    Raises DataError for a file that cannot be read, arrays of other shapes or kinds, a span beyond
    the end.
    """
    path = clip.frames[0]
    first, end = clip.span or (0, None)
    if path.suffix.lower() == ".npy":
        video = _array(clip, content)[first:end]
    else:
        video = _video(clip, content, first, end)
    wanted = None if end is None else end - first
    if not len(video) or (wanted is not None and len(video) < wanted):
        raise _bad(clip, f"has no frames {first}..{'' if end is None else end - 1}", "check onset")
    return video


def _array(clip: Clip, content: bytes) -> np.ndarray:
    import numpy as np

    try:
        array = np.load(BytesIO(content), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise _bad(clip, f"cannot be read ({error})", "save it again with numpy.save") from error
    if array.ndim == 3:
        array = array[..., None]
    if array.ndim != 4 or array.shape[-1] not in (1, 3) or 0 in array.shape:
        raise _bad(clip, f"has shape {array.shape}", "expected (T, H, W) or (T, H, W, 3)")
    if array.dtype != np.uint8:
        raise _bad(clip, f"has numbers of kind {array.dtype}", "expected uint8, 0 to 255")
    return array


def _video(clip: Clip, content: bytes, first: int, end: int | None) -> np.ndarray:
    import numpy as np

    try:
        import av
    except ImportError:
        raise DataError(
            f"{clip.frames[0]}: reading a video needs PyAV: pip install 'rnas-mer-bench[video]'"
        ) from None
    frames: list[np.ndarray] = []
    try:
        with av.open(BytesIO(content)) as container:
            for number, frame in enumerate(container.decode(video=0)):
                if number >= (MOST_FRAMES + first if end is None else end):
                    break
                if number >= first:
                    frames.append(frame.to_ndarray(format="rgb24"))
    except (av.FFmpegError, IndexError, ValueError) as error:
        raise _bad(clip, f"cannot be decoded ({error})", "convert it to another format") from error
    if end is None and len(frames) == MOST_FRAMES:
        raise _bad(clip, f"has {MOST_FRAMES} frames or more", "give onset and offset")
    return np.stack(frames) if frames else np.empty((0, 1, 1, 3), np.uint8)


def _bad(clip: Clip, what: str, advice: str) -> DataError:
    where = f"{clip.dataset} {clip.subject}/{clip.name}"
    return DataError(f"{clip.frames[0]}: this file of clip {where} {what}; {advice}.")
