"""Flow images straight from known motion: what TV-L1 would make of a clip, without its frames.

A clip is a person, action units as the releases code them (`coded_units`), and nuisance: other
units, blinks, a head that moves in three dimensions in front of a background. TV-L1 sees motion
only along the gradient of a texture, smooths it and adds noise; `_measured` models that. Images are
in the form in which flow-based methods exchange them (`bench.data.disk.ready_flow`): u and v each
stretched to 0..255, strain beside them.

Every clip has a random stream of its own: the first thousand clips of a seed are the same whether
a thousand or a million are drawn, in whatever order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.ndimage import gaussian_filter

from bench.config.settings import CODED_VERSION, NEWEST_VERSION
from bench.data.clips import CHALLENGE_CLASSES
from bench.data.disk.ready_flow import SIDE
from bench.data.sets.challenge import CLASS_MAPS
from bench.data.stills.flow import strain
from bench.data.stills.inputs import minmax
from bench.data.surrogates.action_units import CODED_UNITS, coded_field
from bench.data.surrogates.coded_units import CODED, coded
from bench.data.surrogates.faces import Face, draw_face, grid
from bench.data.surrogates.releases import COMPOSITE, RELEASES
from bench.data.surrogates.rows import random_stream
from bench.errors import UsageError

Array = np.ndarray

EQUAL = (1,) * len(CHALLENGE_CLASSES)
"""As many clips of each class."""

BLINK = 43

OTHER_UNITS = 0.3
"""Mean number of units in a clip that do not belong to its expression."""

BLUR, FAINT = 0.8, 0.2
"""Standard deviation of the smoothing in pixels of 28×28, and the gradient below which motion is
lost."""


@dataclass(frozen=True)
class Nuisance:
    """How much else there is in a flow image; 0 leaves that part out.

    Relative to the largest motion of the expression: `other`, the most of a unit that does not
    belong to it (a clip has OTHER_UNITS of them on average); `head` and `backdrop`, the most of the
    motion of the head and of what is around it; `noise`, the standard deviation of what TV-L1
    invents.
    `blink`: the share of clips with one; `crop`: the standard deviation of the place and the
    logarithm of the scale of a crop, in face coordinates; `texture`: whether motion is lost where
    there is no gradient to see it (1) or found everywhere (0).
    """

    other: float = 0.4
    head: float = 0.25
    backdrop: float = 0.25
    noise: float = 0.03
    blink: float = 0.15
    crop: float = 0.05
    texture: float = 1.0

    @classmethod
    def without(cls, parts: Iterable[str]) -> Nuisance:
        """The usual strengths, and none of the parts named."""
        return cls(**dict.fromkeys(parts, 0.0))


@dataclass(frozen=True)
class FlowPlan:
    """Which flow images are drawn: everything that decides them.

    version: of the generator, a key of `CODED`; without: parts of `Nuisance` that are left out;
    shares: whole numbers, of so many clips of a person how many are of each class of the
    challenge. UsageError for what cannot be drawn.
    """

    people: int
    clips: int
    seed: int = 0
    version: int = NEWEST_VERSION
    without: Collection[str] = ()
    shares: Sequence[int] = EQUAL

    def __post_init__(self) -> None:
        if min(self.people, self.clips) < 1 or self.seed < 0:
            raise UsageError(
                f"{self.clips} clips of {self.people} people, seed {self.seed}; expected at least "
                "1 of each, and a seed from 0 up."
            )
        if self.version not in CODED:
            raise UsageError(
                f"version is {self.version!r}; flow images are made from version {CODED_VERSION} "
                f"to {NEWEST_VERSION} of the generator."
            )
        if self.clips < self.people:
            raise UsageError(
                f"{self.people} people with {self.clips} clips: expected at least a clip of each"
            )

    @property
    def folder(self) -> str:
        """What the folder of these clips is called."""
        parts = (
            *(f"people{self.people}", f"clips{self.clips}", f"seed{self.seed}"),
            f"version{self.version}",
            *(f"no_{part}" for part in sorted(set(self.without))),
            *(["shares" + "_".join(map(str, self.shares))] if self._unequal else ()),
        )
        return "-".join(parts)

    @property
    def note(self) -> str:
        """What `SURROGATE.txt` says of them."""
        return "".join(
            (
                "These are flow images of generated clips, not of recordings of people.\n\n",
                f"people: {self.people}\n",
                f"clips: {self.clips}\n",
                f"seed: {self.seed}\n",
                f"generator version: {self.version}\n",
                f"without: {', '.join(sorted(set(self.without)))}\n" if self.without else "",
                f"shares: {', '.join(map(str, self.shares))}\n" if self._unequal else "",
            )
        )

    @property
    def _unequal(self) -> bool:
        return len(set(self.shares)) > 1

    def samples(self) -> Iterator[FlowSample]:
        """The clips, one by one."""
        nuisance = Nuisance.without(self.without)
        return flow_samples(
            self.people,
            self.clips,
            self.seed,
            nuisance=nuisance,
            version=self.version,
            shares=self.shares,
        )


@dataclass(frozen=True)
class FlowSample:
    """One generated clip: who, which class, which units with which side, and its flow image.

    image: (size, size, 3) uint8: u, v and strain, each of 0..255.
    """

    number: int
    person: int
    label: int
    units: tuple[int, ...]
    side: str
    image: Array


def flow_samples(
    people: int,
    clips: int,
    seed: int,
    size: int = SIDE,
    nuisance: Nuisance = Nuisance(),
    version: int = NEWEST_VERSION,
    shares: Sequence[int] = EQUAL,
) -> Iterator[FlowSample]:
    """Clips of so many people, with the classes of the challenge in equal parts.

    version, shares: as of `FlowPlan`.
    """
    turns = [label for label, share in enumerate(shares) for _ in range(share)]
    for number in range(clips):
        person, turn = number % people, number // people
        label = turns[(person + turn) % len(turns)]
        yield flow_sample(number, person, label, seed, size, nuisance, version)


def flow_sample(
    number: int,
    person: int,
    label: int,
    seed: int,
    size: int,
    nuisance: Nuisance,
    version: int,
) -> FlowSample:
    """The clip of a number, of a person and a class."""
    face, release = _actor(seed, person)
    stream = random_stream(seed, "flow", str(number))
    word = _word(release, CHALLENGE_CLASSES[label], version, stream)
    units, side = coded(release, word, version).draw(stream)
    image = _flow(face, units, side, size, nuisance, stream)
    return FlowSample(number, person, label, units, side, image)


@lru_cache(maxsize=4096)
def _actor(seed: int, person: int) -> tuple[Face, str]:
    """A person's face, and the release whose coding the person follows."""
    stream = random_stream(seed, "flow person", str(person))
    return draw_face(stream), COMPOSITE[stream.integers(len(COMPOSITE))]


def _word(release: str, name: str, version: int, stream: np.random.Generator) -> str:
    """An emotion word of a class, as often as the release has it."""
    coded_words = CODED[version][release]
    words = [word for word in coded_words if CLASS_MAPS[release].get(word, word) == name]
    shares = np.array([RELEASES[release].quota.get(word, 1) for word in words], float)
    return words[stream.choice(len(words), p=shares / shares.sum())]


def _flow(
    face: Face,
    units: tuple[int, ...],
    side: str,
    size: int,
    nuisance: Nuisance,
    stream: np.random.Generator,
) -> Array:
    """(size, size, 3) uint8."""
    x, y = _cropped(size, nuisance.crop, stream)
    motion = coded_field(face, units, side, x, y, stream)
    for unit in _other_units(nuisance, stream):
        share = stream.uniform(0, nuisance.other)
        motion += share * coded_field(face, (unit,), "", x, y, stream)
    if stream.random() < nuisance.blink:
        motion += stream.uniform(0.1, 0.8) * coded_field(face, (BLINK,), "", x, y, stream)
    ring = np.abs(x / face.width) ** 2.4 + np.abs(y) ** 2.6 - 1  # 0 on the outline of the head
    inside = 1 / (1 + np.exp(np.clip(ring / 0.1, -30, 30)))
    motion += _log_uniform(nuisance.head, stream) * inside * _head_motion(face, x, y, stream)
    around = _smooth((2, size, size), 4, stream)
    motion += _log_uniform(nuisance.backdrop, stream) * (1 - inside) * around
    gradients = _gradients(face, x, y, ring, stream) ** nuisance.texture
    u, v = _measured(motion, gradients, nuisance.noise, stream)
    planes = minmax(np.stack([u, v, strain(u, v)])[None])[0]
    return planes.round().astype(np.uint8).transpose(1, 2, 0)


def _cropped(size: int, loose: float, stream: np.random.Generator) -> tuple[Array, Array]:
    """The pixels of a crop in face coordinates, x (1, size) and y (size, 1)."""
    place, scale = stream.normal(0, loose, 2), np.exp(stream.normal(0, loose, 2))
    return tuple((axis - p) / s for axis, p, s in zip(grid(size), place, scale, strict=True))


def _other_units(nuisance: Nuisance, stream: np.random.Generator) -> list[int]:
    return stream.choice([*CODED_UNITS], stream.poisson(OTHER_UNITS)).tolist()


def _log_uniform(most: float, stream: np.random.Generator) -> float:
    """Between a thirtieth of the most and the most: mostly little, sometimes much."""
    return most * 30 ** -stream.random()


def _smooth(shape: tuple[int, ...], sigma: float, stream: np.random.Generator) -> Array:
    """Noise of unit deviation per plane, smoothed by `sigma` pixels of 28×28."""
    sigma *= shape[-1] / SIDE
    drawn = gaussian_filter(stream.standard_normal(shape, np.float32), sigma, axes=(-2, -1))
    return drawn / drawn.std((-2, -1), keepdims=True)


def _head_motion(face: Face, x: Array, y: Array, stream: np.random.Generator) -> Array:
    """Displacement by a small rigid motion in three dimensions, (2, H, W).

    Translation, roll, zoom, and yaw and pitch, which move what is nearer to the camera further.
    """
    nose = np.exp(-0.5 * ((y - face.nose_y) / 0.2) ** 2 - 0.5 * (x / 0.15) ** 2)
    depth = np.sqrt(np.clip(1 - (x / 1.1) ** 2 - (y / 1.2) ** 2, 0, 1)) + 0.25 * nose - 0.7
    across, down, zoom, roll, yaw, pitch = stream.normal(size=6) * (1, 1, 0.6, 0.6, 0.75, 0.75)
    u = across + zoom * x - roll * y + yaw * depth
    return np.stack([u, down + zoom * y + roll * x + pitch * depth])


def _gradients(face: Face, x: Array, y: Array, ring: Array, stream: np.random.Generator) -> Array:
    """How much there is to see a motion by, along x and along y: (2, H, W), about 0.1 to 2.

    Brows, lids and lips are horizontal edges, nostrils, folds and the outline vertical ones.
    """

    def pair(at_x: float, at_y: float, wide: float, high: float) -> Array:
        across = np.exp(-0.5 * ((np.abs(x) - at_x) / wide) ** 2)
        return across * np.exp(-0.5 * ((y - at_y) / high) ** 2)

    outline = np.exp(-0.5 * (ring / 0.25) ** 2)
    along_x = (
        0.15
        + 0.6 * pair(face.eye_x, face.brow_y, 0.2, 0.1)
        + 0.8 * pair(face.eye_x, face.eye_y, 0.16, 0.09)
        + 0.8 * pair(face.mouth_width, face.mouth_y, 0.12, 0.12)
        + 0.8 * pair(face.nose_width, face.nose_y, 0.08, 0.2)
        + 0.5 * pair(0.42, 0.35, 0.12, 0.2)
        + 0.8 * outline
    )
    along_y = (
        0.15
        + 1.2 * pair(face.eye_x, face.brow_y, 0.2, 0.06)
        + 1.2 * pair(face.eye_x, face.eye_y, 0.16, 0.09)
        + 1.0 * pair(0, face.mouth_y, 0.3, 0.08)
        + 0.6 * pair(face.nose_width / 2, face.nose_y + 0.05, 0.1, 0.06)
        + 0.3 * pair(0, face.mouth_y + 0.35, 0.3, 0.1)
        + 0.5 * outline
    )
    skin = np.exp(0.6 * _smooth((2, y.size, x.size), 1.2, stream))
    return np.stack([along_x, along_y]) * skin


def _measured(motion: Array, gradients: Array, noise: float, stream: np.random.Generator) -> Array:
    """A motion (2, H, W) as TV-L1 finds it: weighted by the gradients, smoothed, with noise."""
    sigma = BLUR * motion.shape[-1] / SIDE * np.exp(0.3 * stream.normal())
    seen, weight = gaussian_filter(
        np.stack([motion * gradients, gradients]), sigma, axes=(-2, -1), mode="nearest"
    )
    found = seen / (weight + FAINT)
    invented = sum(
        np.exp(0.7 * stream.normal(size=(2, 1, 1))) * _smooth(motion.shape, scale, stream)
        for scale in (0.6, 1.5, 4)
    )
    where = np.exp(0.6 * _smooth((1, *motion.shape[1:]), 3, stream))
    level = noise / 3**0.5 * np.exp(0.5 * stream.normal()) * np.abs(found).max()
    return found + level * where * invented
