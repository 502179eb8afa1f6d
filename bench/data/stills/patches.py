"""Patches of a face around 30 landmarks, the nodes of graph-based methods.

The landmarks are those of brows and mouth among the usual 68 points (iBUG 300-W, dlib), which
micro-expressions move most (Lei, Li, Chen, Li, Wang, CVPRW 2021).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.errors import DataError

if TYPE_CHECKING:
    import numpy as np

PATCHES = 30
BROWS_AND_MOUTH = (*range(17, 27), *range(48, 68))
"""Indices of the 30 landmarks among the 68 points, from 0."""

_LEFT_BROW = ((0.14, 0.24), (0.20, 0.20), (0.27, 0.18), (0.34, 0.19), (0.41, 0.22))
_OUTER_LIPS_UPPER = (
    *((0.31, 0.77), (0.37, 0.74), (0.44, 0.72), (0.50, 0.73)),
    *((0.56, 0.72), (0.63, 0.74), (0.69, 0.77)),
)
_OUTER_LIPS_LOWER = ((0.63, 0.83), (0.56, 0.86), (0.50, 0.87), (0.44, 0.86), (0.37, 0.83))
_INNER_LIPS = (
    *((0.34, 0.77), (0.44, 0.76), (0.50, 0.77), (0.56, 0.76), (0.66, 0.77)),
    *((0.56, 0.81), (0.50, 0.82), (0.44, 0.81)),
)
TEMPLATE = (
    *_LEFT_BROW,
    *((1 - x, y) for x, y in reversed(_LEFT_BROW)),
    *_OUTER_LIPS_UPPER,
    *_OUTER_LIPS_LOWER,
    *_INNER_LIPS,
)
"""Our own template of an upright face: (x, y) relative to the crop, in the order of the points."""


def chosen(points: Sequence[tuple[float, float]], where: str) -> Sequence[tuple[float, float]]:
    """The 30 landmarks among the user's points; DataError unless those are 30 or the usual 68."""
    if len(points) == PATCHES:
        return points
    if len(points) == 68:
        return [points[place] for place in BROWS_AND_MOUTH]
    raise DataError(
        f"{where} has {len(points)} points; expected {PATCHES}, or the 68 of iBUG 300-W, x1, y1 "
        "to x68, y68"
    )


def cut_patches(image: np.ndarray, points: Sequence[tuple[float, float]], side: int) -> np.ndarray:
    """Squares of `side` pixels around points (x, y) of an image (H, W): float32 (P, side, side).

    Points are rounded to pixels; beyond the edge the edge pixels are repeated.
    """
    import numpy as np

    height, width = image.shape
    reach = np.arange(side) - side // 2
    xs, ys = np.rint(np.asarray(points, float)).astype(int).T
    rows = np.clip(ys[:, None] + reach, 0, height - 1)
    columns = np.clip(xs[:, None] + reach, 0, width - 1)
    return image[rows[:, :, None], columns[:, None, :]].astype(np.float32)
