"""The displacement of the skin by each FACS action unit, as bell-shaped pulls around landmarks.

Source: Ekman and Friesen, Facial Action Coding System, 1978.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
"""FACS action unit -> its pulls, in versions 1 and 2."""

CODED_UNITS: Mapping[int, tuple[Pull, ...]] = MappingProxyType(
    {
        **ACTION_UNITS,
        1: (Pull("inner_brow", (-0.1, -1.0), (0.2, 0.15), (0.0, 0.03)),),
        2: (Pull("outer_brow", (0.05, -1.0), (0.22, 0.14), (0.0, 0.03)),),
        4: (
            Pull("inner_brow", (-0.6, 0.45), (0.17, 0.12), (0.02, 0.06)),
            Pull("upper_lid", (-0.1, 0.9), (0.2, 0.1), (0.03, 0.0)),
        ),
        7: (
            Pull("lower_lid", (-0.1, -0.5), (0.17, 0.05)),
            Pull("upper_lid", (0.0, 0.9), (0.2, 0.07)),
        ),
        10: (
            Pull("lip_middle", (0.0, -1.0), (0.13, 0.1)),
            Pull("nostril", (0.1, -0.7), (0.12, 0.1), (0.03, 0.05)),
        ),
        12: (
            Pull("lip_corner", (0.5, -0.95), (0.13, 0.12), (0.03, -0.02)),
            Pull("cheek", (0.75, -0.15), (0.2, 0.26), (0.08, 0.1)),
        ),
        14: (Pull("lip_corner", (-0.8, -0.15), (0.15, 0.12), (0.06, 0.0)),),
        17: (
            Pull("chin", (0.0, -1.0), (0.25, 0.15), paired=False),
            Pull("lower_lip", (0.0, -0.6), (0.25, 0.08), paired=False),
        ),
        25: (
            Pull("lower_lip", (0.0, 1.0), (0.2, 0.09), (0.0, 0.04), paired=False),
            Pull("upper_lip", (0.0, -0.4), (0.2, 0.06), paired=False),
        ),
        43: (Pull("upper_lid", (0.0, 1.0), (0.18, 0.1), (0.0, 0.04)),),
    }
)
"""The same from version 3 on: with units 10, 25 and 43, and the extent that real flow shows."""


def unit_field(face: Face, unit: int, size: int) -> Array:
    """Displacement (dx, dy) of action unit `unit` on the pixel grid, (2, size, size) float32.

    The longest vector of the field has length 1. With `face.asymmetry` one half moves less.
    """
    return _pulled(face, ACTION_UNITS[unit], *grid(size))


def _pulled(
    face: Face,
    pulls: Sequence[Pull],
    x: Array,
    y: Array,
    halves: tuple[float, float] = (1.0, 1.0),
) -> Array:
    """The displacement by some pulls, of which the halves x > 0 and x < 0 show these shares."""
    points = landmarks(face)
    field = np.zeros((2, y.size, x.size), np.float32)
    right, left = (1.0 - face.asymmetry) * halves[0], (1.0 + face.asymmetry) * halves[1]
    for pull in pulls:
        sides = ((1.0, right), (-1.0, left)) if pull.paired else ((1.0, 1.0),)
        _add_pull(field, pull, points[pull.landmark], sides, x, y)
    return field / np.hypot(*field).max()


FAINTEST, WEAKER_HALF = 0.4, 0.2
"""Least intensity of a unit of a clip, and the most of it that the still half shows."""

LOOSE_SPREAD, LOOSE_PULL, LOOSE_PLACE = 0.25, 0.2, 0.03
"""Standard deviations by which faces differ: of the logarithm of a spread, of a pull relative to
its length, of its place in face coordinates."""


def coded_field(
    face: Face, units: Sequence[int], side: str, x: Array, y: Array, stream: np.random.Generator
) -> Array:
    """Displacement of several units of `CODED_UNITS`, (2, H, W) of maximum length 1.

    Intensity, place, extent and direction of each vary from clip to clip. side: the half that
    moves, L (the person's left, x > 0) or R; empty for both. x (1, W) and y (H, 1): the pixels in
    face coordinates.
    """
    field = np.zeros((2, y.size, x.size), np.float32)
    weak = stream.uniform(0, WEAKER_HALF)
    halves = (weak if side == "R" else 1.0, weak if side == "L" else 1.0)
    for unit in units:
        pulls = [_loosened(pull, stream) for pull in CODED_UNITS[unit]]
        field += stream.uniform(FAINTEST, 1) * _pulled(face, pulls, x, y, halves)
    return field / np.hypot(*field).max()


def _loosened(pull: Pull, stream: np.random.Generator) -> Pull:
    shape = stream.normal(size=6) * np.repeat([LOOSE_SPREAD, LOOSE_PULL, LOOSE_PLACE], 2)
    wide, high = np.exp(shape[:2]) * pull.spread
    across, down = pull.toward + shape[2:4] * np.hypot(*pull.toward)
    x, y = shape[4:] + pull.shift
    return replace(pull, toward=(across, down), spread=(wide, high), shift=(x, y))


def _add_pull(
    field: Array,
    pull: Pull,
    point: tuple[float, float],
    sides: Sequence[tuple[float, float]],
    x: Array,
    y: Array,
) -> None:
    centre_y = point[1] + pull.shift[1]
    down = np.exp(-0.5 * ((y - centre_y) / pull.spread[1]) ** 2)
    for side, strength in sides:
        centre_x = side * (point[0] + pull.shift[0])
        bell = down * np.exp(-0.5 * ((x - centre_x) / pull.spread[0]) ** 2)
        field[0] += strength * side * pull.toward[0] * bell
        field[1] += strength * pull.toward[1] * bell
