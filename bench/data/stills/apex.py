"""Apex spotting, for clips without annotation: the frame that differs most from the onset."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.data.clips import Clip, clip_title
from bench.errors import DataError, printable

if TYPE_CHECKING:
    import numpy as np

APEX_VERSION = 1
"""Increased whenever the same frames would give another apex, to invalidate cache entries."""

CELLS = 8
"""Cells along each side of the face."""

CELL_PIXELS = 8
"""Pixels along each side of a cell, after scaling; the mean over a cell suppresses noise."""

MOVING = 0.25
"""Fraction of the face's cells, those that changed most, that decide about the apex."""

SMOOTHED = 5
"""Frames over which a cell's change is averaged, against noise of single frames."""


def spot_apex(frames: np.ndarray) -> int:
    """Index of the apex among cropped frames (n, H, W, C) of 0..255, the onset first.

    The face is divided into cells; those outside an ellipse are dropped. The change of a cell is
    the mean absolute difference from the onset frame, after the mean difference of the cell is
    subtracted, so that changes of light do not count. In each frame the quarter of the cells that
    changed most is averaged; the apex is the frame where that mean is largest. On easy surrogates
    its median error is within 2 % of the clip's length; drift as large as the expression (hard
    surrogates) misleads it.
    """
    import numpy as np
    from scipy.ndimage import uniform_filter1d

    from bench.data.pixels import small_grey

    side = CELLS * CELL_PIXELS
    grey = small_grey(frames, side)
    change = (grey - grey[0]).reshape(-1, CELLS, CELL_PIXELS, CELLS, CELL_PIXELS)
    change -= change.mean((2, 4), keepdims=True)
    cells = np.abs(change).mean((2, 4))[:, _face()]  # (n, cells of the face)
    smooth = uniform_filter1d(cells, min(SMOOTHED, len(cells)), axis=0)
    moving = round(MOVING * smooth.shape[1])
    return int(np.sort(smooth, axis=1)[:, -moving:].mean(1).argmax())


def apex_of(clip: Clip, face: np.ndarray) -> int:
    """Index of the apex among cropped frames (n, H, W, C): the annotated one, else `spot_apex`.

    Raises DataError for one beyond the clip's end.
    """
    refuse_beyond(clip, len(face))
    return spot_apex(face) if clip.apex is None else clip.apex


def refuse_beyond(clip: Clip, frames: int) -> None:
    """DataError where a clip of so many frames has its apex behind the last one."""
    if clip.apex is not None and clip.apex >= frames:
        raise DataError(
            f"{printable(clip.frames[0])}: apex {clip.apex} of clip {clip_title(clip)} lies behind "
            f"its last frame {frames - 1}; correct it in the manifest"
        )


def _face() -> np.ndarray:
    """Mask of the cells whose centre lies in an ellipse as high as the crop, (CELLS, CELLS)."""
    import numpy as np

    down, across = (np.mgrid[:CELLS, :CELLS] + 0.5) / CELLS - 0.5
    return (down / 0.5) ** 2 + (across / 0.45) ** 2 <= 1
