"""Arithmetic on frames: size, grey, 8 bits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from baselines.grey import LUMINANCE

if TYPE_CHECKING:
    import numpy as np


def shrunk(video: np.ndarray, side: int) -> np.ndarray:
    """`video` (T, H, W, C), resized to (T, side, side, C) where a frame is larger than that."""
    return resize(video, side) if max(video.shape[1:3]) > side else video


def resize(video: np.ndarray, size: int) -> np.ndarray:
    """`video` (T, H, W, C) as float32 (T, size, size, C).

    Pillow's antialiased bilinear filter: when it shrinks, a triangle wide enough to cover every
    input pixel; when it enlarges, plain bilinear interpolation.
    """
    import numpy as np
    from PIL import Image

    frames, _, _, channels = video.shape
    planes = np.moveaxis(video, -1, 1).astype(np.float32, order="C", copy=False)  # (T, C, H, W)
    result = np.empty((frames, size, size, channels), np.float32)
    for frame, channel in np.ndindex(frames, channels):
        plane = Image.fromarray(planes[frame, channel])
        resized = plane.resize((size, size), Image.Resampling.BILINEAR)
        result[frame, :, :, channel] = np.asarray(resized)
    return result


def luminance(video: np.ndarray) -> np.ndarray:
    """Grey of a video, (..., 1 or 3) -> float32 (...), in the same range (ITU-R 601-2)."""
    import numpy as np

    if video.shape[-1] == 1:
        return video[..., 0].astype(np.float32)
    return video.astype(np.float32) @ np.array(LUMINANCE, np.float32)


def small_grey(video: np.ndarray, size: int) -> np.ndarray:
    """The luminance of a video (T, H, W, 1 or 3), resized: float32 (T, size, size)."""
    return resize(luminance(video)[..., None], size)[..., 0]


def as_uint8_rgb(video: np.ndarray) -> np.ndarray:
    """Rounded to the nearest level, (T, S, S, 1 or 3) -> uint8 (T, S, S, 3)."""
    import numpy as np

    levels = np.clip(np.rint(video), 0, 255).astype(np.uint8)
    return np.repeat(levels, 3 // levels.shape[-1], axis=-1)


FEW_LEVELS, NEARLY_ALL = 16, 0.99
"""Most levels of a frame of few (4 bits), and the share of its numbers that make up the main ones.

Generated clips have 120 main levels at least, black and white JPEGs of quality 95 10 at most.
"""


def few_levels(frame: np.ndarray) -> int:
    """The fewest levels, of all channels, that 99 % of a frame's numbers have; (H, W, C).

    0 where they are many, or one level all over, which is told apart. Numbers that are no integers
    are taken as they are: each may be a level.
    """
    import numpy as np

    whole = frame.dtype == np.uint8
    counts = np.bincount(frame.ravel()) if whole else np.unique(frame, return_counts=True)[1]
    most_first = np.sort(counts)[::-1]
    main = int(np.searchsorted(np.cumsum(most_first), NEARLY_ALL * frame.size)) + 1
    return main if main <= FEW_LEVELS and np.count_nonzero(counts) > 1 else 0
