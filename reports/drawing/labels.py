"""Labels beside points so that none hides another or a point, in any one unit of length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

ANGLES = 24
RINGS = 14
IMPROVEMENTS = 4


class Box(NamedTuple):
    """A rectangle by its edges."""

    left: float
    bottom: float
    right: float
    top: float


def place_labels(
    points: Sequence[tuple[float, float]],
    radii: Sequence[float],
    sizes: Sequence[tuple[float, float]],
    bounds: Box,
    air: float,
    avoid: Sequence[Box] = (),
) -> np.ndarray:
    """Centres of the labels, (n, 2).

    radii: of the points' markers; sizes: width and height of each label; bounds: where labels may
    be; air: least room between labels, and between a label and the centre of a marker; avoid: what
    labels should rather not touch. Labels stand near their points, best beside their markers, off
    the markers of others, and nearer to their own. Where there is no room at all, the least bad
    place is taken.
    """
    points, sizes = np.asarray(points, float), np.asarray(sizes, float)
    radii = np.asarray(radii, float)
    grid = _grid(bounds, sizes)
    candidates = [
        _candidates(point, radius, size, bounds, grid, air)
        for point, radius, size in zip(points, radii, sizes, strict=True)
    ]
    fixed = [
        _fixed_cost(candidates[i], i, points, radii, sizes[i], air, avoid)
        for i in range(len(points))
    ]
    centres = np.full((len(points), 2), np.nan)
    for _ in range(IMPROVEMENTS):
        for i in _crowded_first(points):
            others = [j for j in range(len(points)) if j != i and not np.isnan(centres[j, 0])]
            hits = _hits(candidates[i], sizes[i], centres[others], sizes[others], air)
            cost = fixed[i] + HIDES * hits
            centres[i] = candidates[i][int(np.argmin(cost))]
    return centres


HIDES = 1e6
"""Cost of a label that hides another or a marker's centre: more than any distance."""

COVERS, TOUCHES, DOUBTFUL = 3.0, 12.0, 6.0
"""Cost of covering markers (per unit of depth), of touching what should be avoided, and of standing
as near to another marker as to its own."""


def _candidates(
    point: np.ndarray,
    radius: float,
    size: np.ndarray,
    bounds: Box,
    grid: np.ndarray,
    air: float,
) -> np.ndarray:
    """Centres in rings around the point, nearest first, then all over the bounds."""
    angles = np.linspace(0, 2 * np.pi, ANGLES, endpoint=False)
    turn = np.stack((np.cos(angles), np.sin(angles)), axis=1)
    steps = radius + air + np.arange(RINGS) * size[1] * 0.5
    rings = point + turn[None] * (steps[:, None, None] + size / 2)
    centres = np.concatenate((rings.reshape(-1, 2), grid))
    low = np.array((bounds.left, bounds.bottom)) + size / 2
    high = np.array((bounds.right, bounds.top)) - size / 2
    inside = ((centres >= low) & (centres <= high)).all(axis=1)
    return centres[inside] if inside.any() else np.clip(point, low, np.maximum(low, high))[None]


def _grid(bounds: Box, sizes: np.ndarray) -> np.ndarray:
    """Centres all over the bounds, half a label apart."""
    wide, tall = sizes.min(axis=0) if len(sizes) else (1.0, 1.0)
    across = np.arange(bounds.left, bounds.right, max(wide / 2, 1e-9))
    up = np.arange(bounds.bottom, bounds.top, max(tall / 2, 1e-9))
    return np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)


def _fixed_cost(
    centres: np.ndarray,
    own: int,
    points: np.ndarray,
    radii: np.ndarray,
    size: np.ndarray,
    air: float,
    avoid: Sequence[Box],
) -> np.ndarray:
    """Cost of each candidate before any other label is placed."""
    away = np.abs(centres[:, None] - points[None])  # (candidates, points, 2)
    hidden = (away < size / 2 + air).all(axis=2).sum(axis=1)
    reach = np.hypot(*np.moveaxis(np.maximum(away - size / 2, 0), 2, 0))
    covered = np.maximum(radii[None] - reach, 0).sum(axis=1)
    gap = reach - radii  # from the label to the rim of each marker
    doubtful = (np.delete(gap, own, axis=1) < gap[:, [own]] + 2 * air).any(axis=1)
    cost = np.abs(gap[:, own] - air) + HIDES * hidden
    cost += COVERS * covered + DOUBTFUL * doubtful
    if avoid:
        boxes = np.asarray(avoid, float)
        middle, room = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
        cost += TOUCHES * _hits(centres, size, middle, room, air)
    return cost


def _hits(
    centres: np.ndarray, size: np.ndarray, others: np.ndarray, sizes: np.ndarray, air: float
) -> np.ndarray:
    """How many of the other boxes a box of this size would touch, for each of its centres."""
    room = (size[None] + sizes) / 2 + air
    return (np.abs(centres[:, None] - others[None]) < room[None]).all(axis=2).sum(axis=1)


def _crowded_first(points: np.ndarray) -> np.ndarray:
    """Order of the points: those with near neighbours choose first."""
    distance = np.hypot(*np.moveaxis(points[:, None] - points[None], 2, 0))
    return np.argsort(np.sort(distance, axis=1)[:, 1:4].sum(axis=1), kind="stable")
