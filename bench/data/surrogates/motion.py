"""How a clip moves: the expression over time and space, and nuisance motion."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from bench.config.settings import CODED_VERSION
from bench.data.surrogates.action_units import coded_field, unit_field
from bench.data.surrogates.faces import Face, grid
from bench.data.surrogates.plans import Plan, Settings
from bench.data.surrogates.releases import RELEASES, Release

Array = np.ndarray


@dataclass(frozen=True)
class Conditions:
    """Strength of the expression and of every nuisance.

    `peak` (of the expression) and `drift` are in pixels at 128×128, `turn` in degrees, `zoom`
    relative, `blink` the probability of a blink in a clip, `flicker` relative brightness, `noise`
    in grey levels of 255. `alignment` is the standard deviation, in pixels at 128×128, of what
    registration leaves in every frame: of its shift along x and y, and of how far its scale moves
    the edge of the face.
    """

    peak: float
    drift: float
    turn: float
    zoom: float
    blink: float
    flicker: float
    noise: float
    alignment: float


ALIGNMENT = 1.5
"""Misalignment at difficulty 1, in pixels at 128×128."""

ALIGNMENT_LIMIT = 2.5
"""No frame is misaligned by more than so many standard deviations."""


def conditions(difficulty: float) -> Conditions:
    """The conditions at a `difficulty` in 0..1: with it the motion shrinks and nuisance grows."""
    return Conditions(
        peak=1.6 * (0.5 / 1.6) ** difficulty,
        drift=2.0 * difficulty,
        turn=1.2 * difficulty,
        zoom=0.015 * difficulty,
        blink=0.5 * difficulty,
        flicker=0.1 * difficulty,
        noise=6.0 * difficulty,
        alignment=ALIGNMENT * difficulty,
    )


STILLNESS = 0.5
"""How far heads move from version 3 on, relative to older versions: subjects are asked not to."""


def _as_filmed(level: Conditions, release: Release) -> Conditions:
    """The conditions from version 3 on: less motion of the head, the noise of the set's camera."""
    return replace(
        level,
        drift=STILLNESS * level.drift,
        turn=STILLNESS * level.turn,
        zoom=STILLNESS * level.zoom,
        noise=release.noise * level.noise,
    )


PEAK_LIMITS = (0.3, 2.0)
"""Least and greatest peak displacement of a clip, in pixels at 128×128."""


@dataclass(frozen=True)
class Motion:
    """The motion of a clip of n frames, apart from which action units it shows.

    activation: (n,) 0 at the onset, 1 at the apex; peak: displacement at activation 1 in
    pixels at 128×128; shift: (n, 2) in face coordinates; turn: (n,) in radians; zoom: (n,)
    factors; lids: (n,) 0 open .. 1 closed; light: (n, 3) brightness and its slope along x and y;
    noise: deviation in grey levels of 255.
    """

    activation: Array
    peak: float
    shift: Array
    turn: Array
    zoom: Array
    lids: Array
    light: Array
    noise: float


def draw_motion(plan: Plan, settings: Settings, gain: float) -> Motion:
    """The random motion of one clip; `gain` is the strength of the subject's movements."""
    release, level = RELEASES[plan.row.dataset], conditions(settings.difficulty)
    if settings.version >= CODED_VERSION:
        level = _as_filmed(level, release)
    stream = plan.row.stream(settings.seed, "motion")
    frames = plan.frames
    strength = level.peak * gain * stream.uniform(0.8, 1.25)
    pose = stream.normal(size=4) * np.array([0.012, 0.012, 0.01, 0.01])
    walks = _walks(stream, frames, 7)  # (n, 7)
    places = _misalignment(plan, settings) * level.alignment / 64  # (n, 3), face coordinates
    scale = 1 + places[:, 2]
    return Motion(
        activation=_profile(plan, stream),
        peak=float(np.clip(strength, *PEAK_LIMITS)),
        shift=scale[:, None] * (pose[:2] + level.drift / 64 * walks[:, :2]) + places[:, :2],
        turn=pose[2] + np.radians(level.turn) * walks[:, 2],
        zoom=scale * (1 + pose[3] + level.zoom * walks[:, 3]),
        lids=_blink(stream, frames, 0.15 * release.fps) * (stream.random() < level.blink),
        light=stream.normal([1.0, 0.0, 0.0], 0.05) + level.flicker * walks[:, 4:],
        noise=level.noise,
    )


def _misalignment(plan: Plan, settings: Settings) -> Array:
    """Per frame x, y and scale, (n, 3), in standard deviations: every crop is placed on its own.

    It is the crop that misplaces a face: uncropped frames have none of it, nor has version 1.
    """
    if settings.raw or settings.version < 2:
        return np.zeros((plan.frames, 3))
    stream = plan.row.stream(settings.seed, "alignment")
    drawn = stream.standard_normal((plan.frames, 3))
    return drawn.clip(-ALIGNMENT_LIMIT, ALIGNMENT_LIMIT)


def expression_field(plan: Plan, settings: Settings, face: Face) -> Array:
    """Displacement (dx, dy) of all action units of the clip, (2, size, size), maximum length 1."""
    stream = plan.row.stream(settings.seed, "mixture")
    if settings.version >= CODED_VERSION:
        field = coded_field(face, plan.units, plan.side, *grid(settings.size), stream)
        return uneven(field, stream)
    field = np.zeros((2, settings.size, settings.size), np.float32)
    for unit in plan.units:
        field += stream.uniform(0.7, 1.3) * unit_field(face, unit, settings.size)
    return field / np.hypot(*field).max()


UNEVENNESS, GRAIN = 0.5, 0.05
"""Standard deviation of the logarithm of how far skin follows a pull, and the side of the patches
that do alike, relative to that of the face: measured flow is that much rougher than the pulls."""


def uneven(field: Array, stream: np.random.Generator) -> Array:
    """A field (2, size, size) that skin follows here more, there less; maximum length 1."""
    drawn = stream.standard_normal(field.shape, np.float32)
    sigma = GRAIN * field.shape[-1]
    patches = gaussian_filter(drawn, (0, sigma, sigma), mode="wrap")
    moved = field * np.exp(UNEVENNESS * patches / patches.std())
    return moved / np.hypot(*moved).max()


def _profile(plan: Plan, stream: np.random.Generator) -> Array:
    """Activation per frame: 0 until the onset, 1 at the apex, a random remainder at the offset."""
    rest = stream.uniform(0.0, 0.3)
    bend = stream.uniform(0.8, 1.4)
    time = np.arange(plan.frames) - plan.before
    rise = _smooth(time / plan.apex) ** bend
    decay = 1 - (1 - rest) * _smooth((time - plan.apex) / (plan.length - 1 - plan.apex))
    inside = (time >= 0) & (time < plan.length)
    return np.where(time <= plan.apex, rise, decay) * inside


def _smooth(position: Array) -> Array:
    position = np.clip(position, 0, 1)
    return position**2 * (3 - 2 * position)


def _walks(stream: np.random.Generator, frames: int, count: int) -> Array:
    """Smooth random walks (frames, count) from 0, with random amplitudes of at most 1."""
    amplitude = stream.uniform(0.2, 1.0, count)
    steps = gaussian_filter1d(stream.standard_normal((frames, count)), 4.0, axis=0)
    walks = np.cumsum(steps, axis=0)
    walks -= walks[0]
    return amplitude * walks / np.abs(walks).max(axis=0)


def _blink(stream: np.random.Generator, frames: int, duration: float) -> Array:
    """Closure of the lids per frame, for a blink of about `duration` frames at a random time."""
    centre = stream.uniform(0, frames)
    half = duration * stream.uniform(0.4, 0.7)
    depth = stream.uniform(0.6, 1.0)
    return depth * _smooth(1 - np.abs(np.arange(frames) - centre) / half)
