"""Painting a face: skin, nose, mouth, hair, brows, and open or closed eyes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from bench.data.surrogates.faces import Face, grid

Array = np.ndarray

BROW_REACH = 1.25
"""Length of a brow relative to that of an eye."""

SEAM_SAG = 0.01
"""How far the line between the lips sags in the middle, in face coordinates."""


@dataclass(frozen=True)
class Layers:
    """One face drawn with its eyes open and closed, each (3, S, S) float32 in 0..255."""

    open_eyes: Array
    closed_eyes: Array


def paint(face: Face, size: int, blur: float) -> Layers:
    """The face with open and with closed eyes, `size` × `size` texels.

    `blur`: standard deviation, in texels, of a final Gaussian blur. About a third of the distance
    between sampled texels avoids aliasing (moiré) when the face moves.
    """
    x, y = grid(size)
    grain = np.random.default_rng(face.grain)
    tone = _skin_tone(face, x, y, grain)
    backdrop = np.array(face.backdrop, np.float32)
    image = np.tile(backdrop[:, None, None], (1, size, size))  # (3, S, S)
    cover(image, face.skin, _head(face, x, y), tone)
    _paint_nose(image, face, x, y)
    _paint_mouth(image, face, x, y, tone)
    _paint_hair(image, face, x, y, grain)
    _paint_brows(image, face, x, y, grain)
    closed = image.copy()
    _paint_eyes(image, face, x, y)
    _paint_lids(closed, face, x, y)
    return Layers(*(gaussian_filter(layer, (0, blur, blur)) for layer in (image, closed)))


def lid_mask(face: Face, y: Array, closure: float) -> Array:
    """1 above the rim of the upper lid, 0 below it; `closure` from 0 (open) to 1 (closed)."""
    rim = face.eye_y + face.eye_height * (2.6 * closure - 1.3)
    return inside(y - rim, 0.015)


def head_mask(face: Face, x: Array, y: Array) -> Array:
    """1 within the outline of head and hair, 0 outside; used to place the head in a scene."""
    outline = np.abs(x / (face.width * 1.06)) ** 2.4 + np.abs((y + 0.02) / 0.97) ** 2.6
    return inside(outline - 1, 0.04)


def half_width(face: Face, y: Array) -> Array:
    """Half the head's width at heights y, before the outline is rounded at top and chin."""
    return face.width * (1 - face.jaw * np.clip(y, 0, None) ** 2)


def brow_ridge(face: Face, along: Array) -> Array:
    """Height (y) of the middle of a brow; `along` runs from -1 at the inner end to 1."""
    return face.brow_y - face.brow_tilt * 0.3 * along + face.brow_arch * (along**2 - 0.4)


def eye_rims(face: Face, along: Array) -> tuple[Array, Array]:
    """Heights (y) of the rims of upper and lower lid; `along` runs from corner -1 to corner 1."""
    arc = np.clip(1 - along**2, 0, None)
    return face.eye_y - face.eye_height * arc**0.7, face.eye_y + 0.7 * face.eye_height * arc


def lip_rims(face: Face, x: Array) -> tuple[Array, Array]:
    """Heights (y) of the upper and the lower edge of the lips."""
    arc = np.sqrt(across_mouth(face, x))
    bow = 1 - 0.35 * np.exp(-0.5 * (x / 0.035) ** 2)
    upper = face.mouth_y - face.lip_height * arc * bow
    return upper, face.mouth_y + 1.25 * face.lip_height * arc


def across_mouth(face: Face, x: Array) -> Array:
    """A parabola that is 1 in the middle of the mouth, 0 at its corners and beyond."""
    return np.clip(1 - (x / face.mouth_width) ** 2, 0, None)


def cover(
    image: Array, colour: Sequence[float] | Array, mask: Array, tone: Array | float = 1.0
) -> None:
    """Blends `colour` * `tone` into `image` (3, S, S) with opacity `mask` (0..1), in place."""
    for plane, level in zip(image, colour, strict=True):
        plane += mask * (level * tone - plane)


def _darken(image: Array, mask: Array, strength: float) -> None:
    image *= 1 - strength * mask


def inside(distance: Array, softness: float) -> Array:
    """A sigmoid of the signed `distance`: 1 inside (negative), 0 outside, as wide as `softness`."""
    return 1 / (1 + np.exp(np.clip(distance / softness, -30, 30)))


def _bell(
    x: Array | float, y: Array, centre: tuple[float, float], spread: tuple[float, float]
) -> Array:
    across = ((x - centre[0]) / spread[0]) ** 2
    return np.exp(-0.5 * across) * np.exp(-0.5 * ((y - centre[1]) / spread[1]) ** 2)


def _noise(grain: np.random.Generator, size: int, blur: float) -> Array:
    """Band-limited noise of unit deviation, (size, size); `blur` in face coordinates."""
    field = gaussian_filter(
        grain.standard_normal((size, size), np.float32), blur * size / 2, mode="wrap"
    )
    return field / field.std()


def _head(face: Face, x: Array, y: Array) -> Array:
    across = np.abs(x / half_width(face, y)) ** 2.4
    return inside(across + np.abs((y + 0.02) / 1.02) ** 2.6 - 1, 0.03)


def _skin_tone(face: Face, x: Array, y: Array, grain: np.random.Generator) -> Array:
    """Brightness of the skin: roundness, side light, cheeks, sockets, pores, moles."""
    size = y.shape[0]
    tone = 1.06 - 0.3 * (x / face.width) ** 2 - 0.12 * y**2 + face.side_light * x
    for side in (-1, 1):
        tone += 0.07 * _bell(x, y, (side * 0.45, 0.12), (0.17, 0.14))
        tone -= 0.16 * _bell(x, y, (side * face.eye_x, face.eye_y - 0.04), (0.2, 0.13))
        tone -= 0.07 * _bell(x, y, (side * face.eye_x, face.eye_y + 0.15), (0.16, 0.03))
        fold = side * (face.nose_width + 0.1 + 0.25 * (y - face.nose_y))
        reach = _bell(0.0, y, (0.0, (face.nose_y + face.mouth_y) / 2), (1.0, 0.12))
        tone -= 0.09 * reach * np.exp(-0.5 * ((x - fold) / 0.025) ** 2)
    tone += 0.03 * _noise(grain, size, 0.03) + 0.025 * _noise(grain, size, 0.012)
    tone += 0.03 * _noise(grain, size, 0.12)
    for _ in range(int(grain.integers(3, 9))):
        place = (grain.uniform(-0.65, 0.65), grain.uniform(-0.6, 0.85))
        tone -= grain.uniform(0.08, 0.3) * _bell(x, y, place, (0.015, 0.015))
    return tone


def _paint_nose(image: Array, face: Face, x: Array, y: Array) -> None:
    middle = (face.eye_y + face.nose_y) / 2
    _darken(image, _bell(x, y, (0.0, middle), (0.05, 0.2)), -0.1)
    _darken(image, _bell(x, y, (0.0, face.nose_y - 0.04), (0.06, 0.05)), -0.12)
    _darken(image, _bell(x, y, (0.0, face.nose_y + 0.08), (face.nose_width, 0.03)), 0.16)
    for side in (-1, 1):
        _darken(image, _bell(x, y, (side * 0.12, middle - 0.02), (0.035, 0.2)), 0.12)
        wing = (side * face.nose_width, face.nose_y + 0.01)
        _darken(image, _bell(x, y, wing, (0.018, 0.05)), 0.25)
        nostril = (side * 0.5 * face.nose_width, face.nose_y + 0.05)
        _darken(image, _bell(x, y, nostril, (0.035, 0.016)), 0.6)


def _paint_mouth(image: Array, face: Face, x: Array, y: Array, tone: Array) -> None:
    upper, lower = lip_rims(face, x)
    across = across_mouth(face, x)
    lips = inside(upper - y, 0.008) * inside(y - lower, 0.012) * (across > 0)
    red, green, blue = face.skin
    shade = tone * np.where(y < face.mouth_y, 0.82, 0.95)
    cover(image, (red * 0.88, green * 0.62, blue * 0.66), lips, shade)
    gleam = (0.0, face.mouth_y + 0.6 * face.lip_height)
    _darken(image, _bell(x, y, gleam, (0.12, 0.02)), -0.1)
    seam = np.exp(-0.5 * ((y - face.mouth_y - SEAM_SAG * across) / 0.011) ** 2)
    _darken(image, seam * inside(np.abs(x) - face.mouth_width, 0.015), 0.7)
    below = (0.0, face.mouth_y + 1.25 * face.lip_height + 0.05)
    _darken(image, _bell(x, y, below, (0.2, 0.03)), 0.16)
    _darken(image, _bell(x, y, (0.0, face.mouth_y + 0.4), (0.3, 0.03)), 0.05)


def _paint_hair(image: Array, face: Face, x: Array, y: Array, grain: np.random.Generator) -> None:
    size = y.shape[0]
    rim = face.hairline + 0.42 * np.abs(x) ** 2.5
    outside = np.abs(x / (face.width * 1.04)) ** 2.4 + np.abs(y / 1.1) ** 2.6 - 1
    crown = np.maximum(inside(y - rim, 0.03), inside(-outside, 0.03) * inside(y - 0.1, 0.15))
    strands = gaussian_filter(grain.standard_normal((size, size), np.float32), (size / 30, 1.0))
    cover(image, face.hair, crown, 1 + 0.25 * strands / strands.std())


def _paint_brows(image: Array, face: Face, x: Array, y: Array, grain: np.random.Generator) -> None:
    size = y.shape[0]
    along = (np.abs(x) - face.eye_x) / (BROW_REACH * face.eye_width)  # -1 inner end .. 1 outer end
    half = face.brow_thickness * (1 - 0.25 * along) * np.sqrt(np.clip(1 - along**2, 0, None))
    off = np.abs(y - brow_ridge(face, along))
    mask = inside(off - half, 0.012) * inside(np.abs(along) - 1, 0.04)
    hairs = gaussian_filter(grain.standard_normal((size, size), np.float32), (2.0, 0.8))
    cover(image, face.hair, 0.85 * mask, 1 + 0.2 * hairs / hairs.std())


def _eye_outline(face: Face, x: Array) -> tuple[Array, Array, Array]:
    """Position along each eye (-1..1 inside it), y of the upper lid's rim and of the lower."""
    along = (np.abs(x) - face.eye_x) / face.eye_width
    return along, *eye_rims(face, along)


def _paint_eyes(image: Array, face: Face, x: Array, y: Array) -> None:
    along, upper, lower = _eye_outline(face, x)
    opening = inside(upper - y, 0.008) * inside(y - lower, 0.008) * inside(np.abs(along) - 1, 0.02)
    depth = (y - upper) / (2 * face.eye_height)
    cover(image, (226.0, 220.0, 214.0), opening, np.clip(0.7 + 0.5 * depth, 0, 1))
    radius = np.hypot(np.abs(x) - face.eye_x, y - face.eye_y + 0.1 * face.eye_height)
    iris = 1.05 * face.eye_height
    cover(
        image, face.iris, opening * inside(radius - iris, 0.008), 1.1 - 0.3 * (radius > 0.8 * iris)
    )
    cover(image, (14.0, 12.0, 12.0), opening * inside(radius - 0.45 * iris, 0.006))
    for side in (-1, 1):
        glint = (side * face.eye_x + 0.02, face.eye_y - 0.03)
        cover(image, (245.0, 245.0, 245.0), 0.9 * _bell(x, y, glint, (0.011, 0.011)))
    within = inside(np.abs(along) - 1.05, 0.03)
    _darken(image, within * np.exp(-0.5 * ((y - upper) / 0.013) ** 2), 0.75)
    _darken(image, within * np.exp(-0.5 * ((y - lower) / 0.01) ** 2), 0.25)
    _darken(image, within * np.exp(-0.5 * ((y - upper + 0.05) / 0.01) ** 2), 0.22)


def _paint_lids(image: Array, face: Face, x: Array, y: Array) -> None:
    along, upper, lower = _eye_outline(face, x)
    within = inside(np.abs(along) - 1.05, 0.03)
    _darken(image, within * inside(np.abs(y - face.eye_y) - face.eye_height, 0.02), -0.06)
    _darken(image, within * np.exp(-0.5 * ((y - lower) / 0.013) ** 2), 0.7)
    _darken(image, within * np.exp(-0.5 * ((y - upper + 0.05) / 0.012) ** 2), 0.1)
