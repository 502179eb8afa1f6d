"""The frames of a clip: a subject's painted face, warped, blinking, lit, with sensor noise."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from baselines.grey import LUMINANCE
from bench.data.surrogates.faces import Face, draw_face, grid
from bench.data.surrogates.motion import Motion, draw_motion, expression_field
from bench.data.surrogates.painting import head_mask, lid_mask, paint
from bench.data.surrogates.plans import Plan, Settings
from bench.data.surrogates.releases import RELEASES
from bench.data.surrogates.rows import random_stream
from bench.data.surrogates.scenes import Scene, make_scene

OVERSAMPLING = 3
"""Texels per pixel, so that bilinear sampling is smooth under sub-pixel motion."""

SOFTENING = 0.35
"""Standard deviation, in pixels, of the blur that avoids aliasing (moiré) in sampled textures."""

Array = np.ndarray


@dataclass(frozen=True)
class Actor:
    """All that a subject's clips have in common: face, layers (channels, side·side), scene."""

    face: Face
    open_eyes: Array
    closed_eyes: Array
    side: int
    scene: Scene | None


def subject_face(dataset: str, subject: str, seed: int) -> Face:
    """The subject's face, the same in every clip."""
    return draw_face(random_stream(seed, dataset, subject, "face"))


@lru_cache(maxsize=4)
def subject_scene(dataset: str, subject: str, seed: int, size: int) -> Scene:
    """The scene around this subject in uncropped clips, with a face of `size` pixels."""
    stream = random_stream(seed, dataset, subject, "scene")
    scene = make_scene(subject_face(dataset, subject, seed), size, stream)
    return replace(scene, picture=_toned(scene.picture, RELEASES[dataset].grey))


@lru_cache(maxsize=4)
def _actor(dataset: str, subject: str, seed: int, size: int, raw: bool) -> Actor:
    face = subject_face(dataset, subject, seed)
    side = OVERSAMPLING * size
    layers = paint(face, side, SOFTENING * OVERSAMPLING)
    grey = RELEASES[dataset].grey
    open_eyes, closed_eyes = (
        _toned(layer, grey).reshape(-1, side * side)
        for layer in (layers.open_eyes, layers.closed_eyes)
    )
    scene = None
    if raw:
        scene = subject_scene(dataset, subject, seed, size)
    return Actor(face, open_eyes, closed_eyes, side, scene)


def _toned(layer: Array, grey: bool) -> Array:
    """(3, H, W) -> (channels, H, W) float32; grey by the weights of ITU-R BT.601."""
    if grey:
        layer = np.tensordot(LUMINANCE, layer, 1)[None]
    return layer.astype(np.float32)


def render_clip(plan: Plan, settings: Settings) -> Iterator[Array]:
    """The frames of one clip in temporal order: (size, size, 3) uint8, grey ones (size, size).

    With `settings.raw` they are larger: the square is part of a scene.
    """
    person = (plan.row.dataset, plan.row.subject)
    actor = _actor(*person, settings.seed, settings.size, settings.raw)
    motion = draw_motion(plan, settings, actor.face.gain)
    field = expression_field(plan, settings, actor.face) * (motion.peak / 64)  # pixels of 2/128
    sensor = plan.row.stream(settings.seed, "sensor")
    for index in range(plan.frames):
        picture = _expose(actor, motion, field, index)  # (channels, height, width)
        picture += motion.noise * sensor.standard_normal(picture.shape, np.float32)
        yield np.clip(picture + 0.5, 0, 255).astype(np.uint8).transpose(1, 2, 0).squeeze()


def _expose(actor: Actor, motion: Motion, field: Array, index: int) -> Array:
    """Frame `index` without noise: warp, blink, scene, light; (channels, height, width)."""
    x, y = grid(field.shape[1])
    u, v = _sources(motion, field, index, x, y)
    taps = _taps(u, v, actor.side)
    picture = _sample(actor.open_eyes, taps)
    closure = motion.lids[index]
    if closure > 0:
        lid = lid_mask(actor.face, v, closure)
        picture += lid * (_sample(actor.closed_eyes, taps) - picture)
    if actor.scene:
        picture = actor.scene.around(picture, head_mask(actor.face, u, v))
        x, y = actor.scene.x, actor.scene.y
    level, slope_x, slope_y = motion.light[index].astype(np.float32)
    return picture * (level + slope_x * x + slope_y * y)


def _sources(motion: Motion, field: Array, index: int, x: Array, y: Array) -> tuple[Array, Array]:
    """The point of the texture that each pixel shows, in face coordinates."""
    shift_x, shift_y = motion.shift[index].astype(np.float32)
    cosine = np.float32(math.cos(motion.turn[index]) / motion.zoom[index])
    sine = np.float32(math.sin(motion.turn[index]) / motion.zoom[index])
    pull = np.float32(motion.activation[index])
    u = cosine * (x - shift_x) + sine * (y - shift_y) - pull * field[0]
    v = cosine * (y - shift_y) - sine * (x - shift_x) - pull * field[1]
    return u, v


@dataclass(frozen=True)
class Taps:
    """For bilinear sampling: per pixel its four texels, and the fractions to the right and down.

    All (size, size); texels are indices into a flattened layer.
    """

    upper_left: Array
    upper_right: Array
    lower_left: Array
    lower_right: Array
    right: Array
    down: Array


def _taps(u: Array, v: Array, side: int) -> Taps:
    column = np.clip((u + 1) * (side / 2) - 0.5, 0, side - 1.01)
    line = np.clip((v + 1) * (side / 2) - 0.5, 0, side - 1.01)
    left, top = column.astype(np.intp), line.astype(np.intp)
    corner = top * side + left
    right, down = (column - left).astype(np.float32), (line - top).astype(np.float32)
    return Taps(corner, corner + 1, corner + side, corner + side + 1, right, down)


def _sample(layer: Array, taps: Taps) -> Array:
    """Bilinear values of (channels, side·side) texels at `taps`, (channels, size, size)."""
    return np.stack([_sample_plane(plane, taps) for plane in layer])


def _sample_plane(plane: Array, taps: Taps) -> Array:
    # `take` with mode="clip" skips the bounds check and takes half the time of plain indexing.
    upper = plane.take(taps.upper_left, mode="clip")
    lower = plane.take(taps.lower_left, mode="clip")
    upper += (plane.take(taps.upper_right, mode="clip") - upper) * taps.right
    lower += (plane.take(taps.lower_right, mode="clip") - lower) * taps.right
    return upper + (lower - upper) * taps.down
