"""One image per clip, or several views, for methods that do not take a video: cache products.

All start from the same crop as the clips (`bench.data.steps.pipeline`). TIM is not applied to them,
and magnification only to the landmark patches and the colours of the flow. `FlowClip` alone is a
clip, to which both are.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bench.data.clips import Clip, clip_title
from bench.data.disk.images import decode
from bench.data.disk.numbering import CONTAINER_SUFFIXES
from bench.data.pixels import resize, shrunk, small_grey
from bench.data.steps.box import Box
from bench.data.steps.crop import crop, crop_box
from bench.data.steps.eulerian import amplified, motion_bands
from bench.data.steps.keys import clip_key, crop_key, magnify_settings
from bench.data.steps.landmarks import landmark_points
from bench.data.steps.magnify import magnify
from bench.data.steps.settings import Preprocessing
from bench.data.stills.apex import APEX_VERSION, apex_of
from bench.data.stills.flow import flow_image, flow_key, tvl1
from bench.data.stills.flow_colour import flow_colours
from bench.data.stills.patches import PATCHES, TEMPLATE, chosen, cut_patches

if TYPE_CHECKING:
    import numpy as np

STILLS_VERSION = 1
"""Increased whenever the same clip would give other stills, to invalidate cache entries."""


@dataclass(frozen=True)
class Flow:
    """u, v (pixels of a face of `side` × `side`) and strain from onset to apex: (3, side, side)."""

    steps: Preprocessing
    side: int

    dtype = "float32"

    @property
    def shape(self) -> tuple[int, int, int]:
        """(3, side, side)."""
        return (3, self.side, self.side)

    def clip_key(self, clip: Clip) -> str:
        """See `Product`."""
        return _key("Flow", self, clip, self.side, *flow_key())

    def make(self, clip: Clip, contents: Sequence[bytes]) -> np.ndarray:
        """The flow image, float32."""
        pair, _ = onset_and_apex(clip, contents, self.steps)
        return flow_image(*_grey_faces(pair, self.side))


@dataclass(frozen=True)
class FlowClip:
    """u, v (pixels of a face of `side` × `side`) and strain from the onset to each frame of a clip.

    (T, size, size, 3), the frames being those of TIM; the first, the onset itself, is 0.
    """

    steps: Preprocessing
    side: int

    dtype = "float32"

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(T, size, size, 3)."""
        return (self.steps.frames, self.steps.size, self.steps.size, 3)

    def clip_key(self, clip: Clip) -> str:
        """See `Product`."""
        versions = ["FlowClip", STILLS_VERSION, *flow_key()]
        return json.dumps([*versions, self.side]) + clip_key(self.steps, clip)

    def make(self, clip: Clip, contents: Sequence[bytes]) -> np.ndarray:
        """The flow of every frame, float32."""
        import numpy as np

        from bench.data.steps.tim import interpolate

        video = magnify(crop(clip, decode(clip, contents), self.steps), self.steps)
        onset, *later = interpolate(_grey_faces(video, self.side), self.steps.frames)
        still = np.zeros((3, *onset.shape), np.float32)
        flows = np.stack([still, *(flow_image(onset, face) for face in later)])
        return resize(flows.transpose(0, 2, 3, 1), self.steps.size)


@dataclass(frozen=True)
class _Picture:
    """An 8-bit RGB image: (3, size, size)."""

    steps: Preprocessing
    size: int

    dtype = "uint8"

    @property
    def shape(self) -> tuple[int, ...]:
        """(3, size, size)."""
        return (3, self.size, self.size)

    def clip_key(self, clip: Clip) -> str:
        """See `Product`."""
        return _key(type(self).__name__, self, clip, self.size)


@dataclass(frozen=True)
class Apex(_Picture):
    """The apex frame, 8-bit RGB: (3, size, size).

    With `neighbours` it is the middle of so many frames on either side, (2·neighbours + 1, 3, size,
    size); beyond the ends of the clip the end frame is repeated.
    """

    neighbours: int = 0

    @property
    def shape(self) -> tuple[int, ...]:
        """(3, size, size), with neighbours (2·neighbours + 1, 3, size, size)."""
        frames = (2 * self.neighbours + 1,) if self.neighbours else ()
        return (*frames, 3, self.size, self.size)

    def clip_key(self, clip: Clip) -> str:
        """See `Product`."""
        optional = [self.neighbours] if self.neighbours else []
        return _key("Apex", self, clip, self.size, *optional)

    def make(self, clip: Clip, contents: Sequence[bytes]) -> np.ndarray:
        """The frame or frames, uint8."""
        import numpy as np

        (_, *frames), _ = onset_and_apex(clip, contents, self.steps, self.neighbours)
        pictures = np.stack([_scaled_rgb(frame, self.size) for frame in frames])
        return pictures if self.neighbours else pictures[0]


class DynamicImage(_Picture):
    """The dynamic image of all frames, 8 bits: (3, size, size)."""

    def make(self, clip: Clip, contents: Sequence[bytes]) -> np.ndarray:
        """The image, uint8."""
        from bench.data.stills.dynamic_image import dynamic_image

        video = crop(clip, decode(clip, contents), self.steps)
        return _scaled_rgb(dynamic_image(video), self.size)


@dataclass(frozen=True)
class FlowColour(_Picture):
    """The flow from onset to apex as colours, 8 bits: (3, size, size).

    The flow is that of faces of `side` × `side`; the clip is magnified before where the steps say
    so.
    """

    side: int

    def clip_key(self, clip: Clip) -> str:
        """See `Product`."""
        magnified = magnify_settings(self.steps)
        optional = [magnified] if magnified else []
        return _key("FlowColour", self, clip, self.size, self.side, *flow_key(), *optional)

    def make(self, clip: Clip, contents: Sequence[bytes]) -> np.ndarray:
        """The image, uint8."""
        (pair,), _ = magnified_onset_and_apex(clip, contents, self.steps, (1.0,))
        apex = resize(pair[1:], self.side)[0]
        return _scaled_rgb(flow_colours(tvl1(*_grey_faces(pair, self.side)), apex), self.size)


@dataclass(frozen=True)
class LandmarkPatches:
    """The change from onset to apex around 30 landmarks, in grey levels: (30, size, size).

    The clip is magnified before where the steps say so. The landmarks are those of
    `data.landmarks` where that file has points for the clip, else a template's. Patches are cut
    from a face of `side` × `side` pixels. With `amplifications` there is one set of patches for
    each, (K, 30, size, size): the magnification's alpha, or without magnification the change
    itself, is multiplied by it.
    """

    steps: Preprocessing
    side: int
    size: int
    amplifications: tuple[float, ...] = ()

    dtype = "float32"

    @property
    def shape(self) -> tuple[int, ...]:
        """(30, size, size), with amplifications (K, 30, size, size)."""
        variants = (len(self.amplifications),) if self.amplifications else ()
        return (*variants, PATCHES, self.size, self.size)

    def clip_key(self, clip: Clip) -> str:
        """See `Product`."""
        points = self._given(clip)
        magnified = magnify_settings(self.steps)
        optional = [which for which in (magnified, self.amplifications) if which]
        of_kind = (self.side, self.size, points or TEMPLATE, *optional)
        return _key("LandmarkPatches", self, clip, *of_kind)

    def make(self, clip: Clip, contents: Sequence[bytes]) -> np.ndarray:
        """The patches, float32."""
        import numpy as np

        shares = self.amplifications or (1.0,)
        if self.steps.magnify == "none":
            pair, box = onset_and_apex(clip, contents, self.steps)
            factors = np.array(shares, np.float32)
            patches = np.multiply.outer(factors, self._cut(clip, pair, box))
        else:
            pairs, box = magnified_onset_and_apex(clip, contents, self.steps, shares)
            patches = np.stack([self._cut(clip, pair, box) for pair in pairs])
        return patches if self.amplifications else patches[0]

    def _cut(self, clip: Clip, pair: np.ndarray, box: Box) -> np.ndarray:
        onset, apex = _grey_faces(pair, self.side)
        return cut_patches(apex - onset, self._points(clip, box), self.size)

    def _points(self, clip: Clip, box: Box) -> list[tuple[float, float]]:
        """(x, y) on the scaled face, in pixels whose centres have whole numbers."""
        given = self._given(clip)
        if not given:
            return [(x * self.side - 0.5, y * self.side - 0.5) for x, y in TEMPLATE]
        across = self.side / (box.right - box.left)
        down = self.side / (box.bottom - box.top)
        return [
            ((x - box.left + 0.5) * across - 0.5, (y - box.top + 0.5) * down - 0.5)
            for x, y in given
        ]

    def _given(self, clip: Clip) -> Sequence[tuple[float, float]]:
        file = self.steps.landmarks
        points = landmark_points(clip, file) if file else ()
        return chosen(points, f"{file}: clip {clip_title(clip)}") if points else ()


def onset_and_apex(
    clip: Clip, contents: Sequence[bytes], steps: Preprocessing, neighbours: int = 0
) -> tuple[np.ndarray, Box]:
    """The cropped onset and apex frame, uint8 (2, h, w, C), and the box that was cut.

    With neighbours, the onset and then the apex between so many frames on either side, (2 +
    2·neighbours, h, w, C); beyond the ends of the clip the end frame is repeated. An apex that is
    not annotated is spotted (`bench.data.stills.apex`). Raises DataError as `decode` does, and for
    an apex beyond the clip's end.
    """
    if clip.apex is None or _in_one_file(clip):
        face, apex, box = _face(clip, contents, steps)
        return face[[0, *_around(apex, neighbours, len(face))]], box
    wanted = [0, *_around(clip.apex, neighbours, len(clip.frames))]
    few = replace(clip, frames=tuple(clip.frames[place] for place in wanted), apex=1 + neighbours)
    face, _, box = _face(few, [contents[place] for place in wanted], steps)
    return face, box


def magnified_onset_and_apex(
    clip: Clip, contents: Sequence[bytes], steps: Preprocessing, shares: Sequence[float]
) -> tuple[Iterator[np.ndarray], Box]:
    """For every share, `onset_and_apex` magnified with that share of the steps' alpha.

    The apex is that of the clip before magnification.
    """
    alphas = [share * steps.magnify_alpha for share in shares]
    if steps.magnify != "eulerian":  # only Eulerian magnification needs the frames between them
        pair, box = onset_and_apex(clip, contents, steps)
        return (magnify(pair, replace(steps, magnify_alpha=alpha)) for alpha in alphas), box
    face, apex, box = _face(clip, contents, steps)
    face, ends = shrunk(face, steps.magnify_side), [0, apex]
    bands = motion_bands(face, steps.magnify_low, steps.magnify_high, ends)
    return (amplified(face[ends], bands, a, steps.magnify_wavelength) for a in alphas), box


def _face(
    clip: Clip, contents: Sequence[bytes], steps: Preprocessing
) -> tuple[np.ndarray, int, Box]:
    """All cropped frames, the index of the apex, and the box that was cut."""
    video = decode(clip, contents)
    box = crop_box(clip, video[0], steps)
    face = box.cut(video)
    return face, apex_of(clip, face), box


def _around(apex: int, neighbours: int, count: int) -> list[int]:
    places = range(apex - neighbours, apex + neighbours + 1)
    return [min(max(place, 0), count - 1) for place in places]


def _in_one_file(clip: Clip) -> bool:
    return clip.frames[0].suffix.lower() in CONTAINER_SUFFIXES


def _grey_faces(frames: np.ndarray, side: int) -> np.ndarray:
    """(n, h, w, C) -> float32 (n, side, side) of 0..255."""
    return small_grey(frames, side)


def _scaled_rgb(image: np.ndarray, size: int) -> np.ndarray:
    """(h, w, 1 or 3) of 0..255 -> uint8 (3, size, size)."""
    import numpy as np

    scaled = resize(image[None], size)[0].transpose(2, 0, 1)
    return np.broadcast_to(scaled.round().clip(0, 255), (3, size, size)).astype(np.uint8)


def _key(kind: str, still: Flow | _Picture | LandmarkPatches, clip: Clip, *of_kind: object) -> str:
    """Everything that a still depends on except the bytes of the clip's files."""
    version = [STILLS_VERSION, APEX_VERSION if clip.apex is None else clip.apex]
    return json.dumps([kind, *version, *of_kind]) + crop_key(still.steps, clip)
