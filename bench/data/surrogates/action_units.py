"""The displacement of the skin by each FACS action unit, as bell-shaped pulls around landmarks.

Source: Ekman and Friesen, Facial Action Coding System, 1978.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from bench.data.surrogates.faces import Face, grid, landmarks

Array = np.ndarray


@dataclass(frozen=True)
class Pull:
    """One bell-shaped pull on the skin around a landmark, in face coordinates.

    `shift` moves the centre off the landmark, `toward` is the direction and strength, `spread`
    the two standard deviations. A `paired` pull acts on both halves of the face; its x
    components are written for the half x > 0 and point outwards there.
    """

    landmark: str
    toward: tuple[float, float]
    spread: tuple[float, float]
    shift: tuple[float, float] = (0.0, 0.0)
    paired: bool = True


ACTION_UNITS: Mapping[int, tuple[Pull, ...]] = MappingProxyType(
    {
        1: (Pull("inner_brow", (-0.15, -1.0), (0.15, 0.16), (0.0, -0.03)),),
        2: (Pull("outer_brow", (0.1, -1.0), (0.17, 0.15), (0.0, -0.03)),),
        4: (
            Pull("inner_brow", (-0.55, 0.85), (0.17, 0.13)),
            Pull("middle_brow", (-0.2, 0.5), (0.18, 0.11)),
        ),
        5: (Pull("upper_lid", (0.0, -1.0), (0.16, 0.07)),),
        6: (
            Pull("cheek", (-0.15, -1.0), (0.2, 0.14)),
            Pull("lower_lid", (-0.1, -0.6), (0.17, 0.06)),
        ),
        7: (
            Pull("lower_lid", (-0.1, -0.9), (0.17, 0.06)),
            Pull("upper_lid", (0.0, 0.5), (0.16, 0.06)),
        ),
        9: (
            Pull("nose_side", (-0.1, -1.0), (0.11, 0.15)),
            Pull("nostril", (0.15, -0.9), (0.13, 0.11)),
            Pull("inner_brow", (-0.2, 0.35), (0.12, 0.1)),
        ),
        12: (
            Pull("lip_corner", (0.65, -0.75), (0.17, 0.13)),
            Pull("cheek", (0.15, -0.3), (0.2, 0.14), (0.0, 0.12)),
        ),
        14: (Pull("lip_corner", (-0.9, 0.05), (0.14, 0.12), (0.06, 0.0)),),
        15: (Pull("lip_corner", (0.15, 1.0), (0.15, 0.15), (0.0, 0.03)),),
        17: (Pull("chin", (0.0, -1.0), (0.25, 0.15), paired=False),),
        20: (Pull("lip_corner", (1.0, 0.15), (0.18, 0.14)),),
        24: (
            Pull("upper_lip", (0.0, 0.8), (0.22, 0.07), paired=False),
            Pull("lower_lip", (0.0, -1.0), (0.22, 0.08), paired=False),
        ),
        26: (
            Pull("chin", (0.0, 1.0), (0.36, 0.2), paired=False),
            Pull("lower_lip", (0.0, 0.6), (0.26, 0.07), (0.0, 0.04), paired=False),
        ),
    }
)
"""FACS action unit -> its pulls."""


def unit_field(face: Face, unit: int, size: int) -> Array:
    """Displacement (dx, dy) of action unit `unit` on the pixel grid, (2, size, size) float32.

    The longest vector of the field has length 1. With `face.asymmetry` one half moves less.
    """
    x, y = grid(size)
    points = landmarks(face)
    field = np.zeros((2, size, size), np.float32)
    for pull in ACTION_UNITS[unit]:
        _add_pull(field, pull, points[pull.landmark], face.asymmetry, x, y)
    return field / np.hypot(*field).max()


def _add_pull(
    field: Array, pull: Pull, point: tuple[float, float], asymmetry: float, x: Array, y: Array
) -> None:
    sides = ((1.0, 1.0 - asymmetry), (-1.0, 1.0 + asymmetry)) if pull.paired else ((1.0, 1.0),)
    centre_y = point[1] + pull.shift[1]
    down = np.exp(-0.5 * ((y - centre_y) / pull.spread[1]) ** 2)
    for side, strength in sides:
        centre_x = side * (point[0] + pull.shift[0])
        bell = down * np.exp(-0.5 * ((x - centre_x) / pull.spread[0]) ** 2)
        field[0] += strength * side * pull.toward[0] * bell
        field[1] += strength * pull.toward[1] * bell
