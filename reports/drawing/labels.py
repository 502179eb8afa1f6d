"""Places labels beside points so that they hide neither each other nor points.

All lengths are in one unit, whichever.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

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
    points: ArrayLike,
    radii: ArrayLike,
    sizes: ArrayLike,
    bounds: Box,
    air: float,
    avoid: Sequence[Box] = (),
) -> np.ndarray:
    """Centres of the labels, (n, 2).

    A label stands near its point, beside the marker, off other markers and nearer to its own than
    to any of them. Where there is no room at all, the place of least cost is taken.

    Args:
        points: (n, 2).
        radii: Of the points' markers, (n,).
        sizes: Width and height of each label, (n, 2).
        bounds: Where labels may be.
        air: Least room between labels, and between a label and the centre of a marker.
        avoid: What labels should not touch if there is room elsewhere.
    """
    spots, rooms = np.asarray(points, float), np.asarray(sizes, float)
    rims = np.asarray(radii, float)
    grid = _grid(bounds, rooms)
    candidates = [
        _candidates(spot, rim, room, bounds, grid, air)
        for spot, rim, room in zip(spots, rims, rooms, strict=True)
    ]
    fixed = [
        _fixed_cost(candidates[i], i, spots, rims, rooms[i], air, avoid) for i in range(len(spots))
    ]
    centres = np.full((len(spots), 2), np.nan)
    for _ in range(IMPROVEMENTS):
        for i in _crowded_first(spots):
            others = [j for j in range(len(spots)) if j != i and not np.isnan(centres[j, 0])]
            hits = _hits(candidates[i], rooms[i], centres[others], rooms[others], air)
            cost = fixed[i] + HIDES * hits
            centres[i] = candidates[i][int(np.argmin(cost))]
    return centres


HIDES = 1e6
"""Cost of a label that hides another or a marker's centre: more than any distance."""

COVERS, TOUCHES, DOUBTFUL = 3.0, 30.0, 6.0
"""Costs: covering a marker (per unit of depth), touching what should be avoided, and being as near
to another marker as to one's own."""


def _candidates(
    point: np.ndarray,
    radius: float,
    size: np.ndarray,
    bounds: Box,
    grid: np.ndarray,
    air: float,
) -> np.ndarray:
    """Candidate centres: rings around the point, nearest first, then a grid over the bounds."""
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
    """A grid of centres over the bounds, half a label apart."""
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
    """For each centre, how many of the other boxes a box of this size would touch there."""
    room = (size[None] + sizes) / 2 + air
    return (np.abs(centres[:, None] - others[None]) < room[None]).all(axis=2).sum(axis=1)


def _crowded_first(points: np.ndarray) -> np.ndarray:
    """Order of the points: those with the nearest neighbours first."""
    distance = np.hypot(*np.moveaxis(points[:, None] - points[None], 2, 0))
    return np.argsort(np.sort(distance, axis=1)[:, 1:4].sum(axis=1), kind="stable")
