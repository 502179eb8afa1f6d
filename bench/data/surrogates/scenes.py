"""Uncropped frames: a person from the shoulders up in front of a background."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from bench.data.surrogates.faces import Face
from bench.data.surrogates.painting import cover, inside

Array = np.ndarray

HEIGHT, WIDTH = 1.7, 2.2
"""Sides of an uncropped frame, relative to the side of the square around the face."""


@dataclass(frozen=True)
class Scene:
    """The surroundings of a face: an image (channels, H, W), and the place of the face's square.

    x (1, W) and y (H, 1): the image's pixels in face coordinates.
    """

    picture: Array
    top: int
    left: int
    x: Array
    y: Array

    def around(self, square: Array, mask: Array) -> Array:
        """The scene with `square` (channels, S, S) put in its place where `mask` (S, S) is 1."""
        frame = self.picture.copy()
        side = mask.shape[0]
        place = frame[:, self.top : self.top + side, self.left : self.left + side]
        place += mask * (square - place)
        return frame


def make_scene(face: Face, size: int, stream: np.random.Generator) -> Scene:
    """A wall, a neck and shoulders around a face of `size` pixels, in colour.

    The place of the face varies a little at random.
    """
    height, width = round(HEIGHT * size), round(WIDTH * size)
    top = round(size * stream.uniform(0.12, 0.25))
    left = round(size * stream.uniform(0.45, 0.75))
    x = (_coordinates(width, left, size))[None, :]
    y = (_coordinates(height, top, size))[:, None]
    picture = np.empty((3, height, width), np.float32)
    wall = gaussian_filter(stream.standard_normal((height, width)), size / 8)
    backdrop = np.array(face.backdrop, np.float32)
    picture[...] = backdrop[:, None, None] * (1 + 0.06 * wall / wall.std())
    cloth = stream.uniform(30, 160, 3)
    folds = gaussian_filter(stream.standard_normal((height, width)), (size / 6, size / 30))
    shoulders = inside((np.abs(x) / 1.7) ** 2.5 + (np.abs(y - 2.3) / 1.1) ** 2.5 - 1, 0.05)
    cover(picture, cloth, shoulders, 1 + 0.05 * folds / folds.std())
    neck = (
        inside(np.abs(x) - 0.5 * face.width, 0.03) * inside(0.5 - y, 0.05) * inside(y - 1.45, 0.1)
    )
    cover(picture, face.skin, neck, 0.75)
    return Scene(picture, top, left, x, y)


def _coordinates(count: int, start: int, size: int) -> Array:
    """Face coordinates of `count` pixels along an axis; the square begins at pixel `start`."""
    return ((2 * (np.arange(count) - start) + 1) / size - 1).astype(np.float32)
