"""Arithmetic on frames: size, grey, 8 bits."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def shrunk(video: np.ndarray, side: int) -> np.ndarray:
    """`video` (T, H, W, C); where its frames are longer than `side`, (T, side, side, C)."""
    return resize(video, side) if max(video.shape[1:3]) > side else video


def resize(video: np.ndarray, size: int) -> np.ndarray:
    """`video` (T, H, W, C) as float32 (T, size, size, C).

    The filter is Pillow's antialiased bilinear one: a triangle that covers every input pixel when
    it shrinks, plain bilinear interpolation when it enlarges.
    """
    import numpy as np
    from PIL import Image

    frames, _, _, channels = video.shape
    planes = np.moveaxis(video, -1, 1).astype(np.float32, order="C", copy=False)  # (T, C, H, W)
    result = np.empty((frames, size, size, channels), np.float32)
    for frame, channel in np.ndindex(frames, channels):
        plane = Image.fromarray(planes[frame, channel])
        result[frame, :, :, channel] = plane.resize((size, size), Image.Resampling.BILINEAR)
    return result


def luminance(video: np.ndarray) -> np.ndarray:
    """Grey of a video, (..., 1 or 3) -> float32 (...), in the same range (ITU-R 601-2)."""
    import numpy as np

    if video.shape[-1] == 1:
        return video[..., 0].astype(np.float32)
    return video.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)


def as_uint8_rgb(video: np.ndarray) -> np.ndarray:
    """Rounded to the nearest level, (T, S, S, 1 or 3) -> uint8 (T, S, S, 3)."""
    import numpy as np

    levels = np.clip(np.rint(video), 0, 255).astype(np.uint8)
    return np.repeat(levels, 3 // levels.shape[-1], axis=-1)
