"""Whether frames show faces that the generator draws, whatever their folder says of them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import product

import numpy as np
from scipy.ndimage import gaussian_filter

from bench.data.pixels import small_grey
from bench.data.surrogates.painting import paint
from bench.data.surrogates.pictures import subject_face

Array = np.ndarray

SIDE = 64
COARSE = 4
"""Standard deviation of the blur whose remainder is compared, in pixels of SIDE."""

SHIFTS, MARGIN = range(-3, 4), 6
"""Misalignments that are tried, and the border left out, in pixels of SIDE."""

EXAMPLES = 8
"""Drawn faces that a frame is compared with."""

ALIKE = 0.55
"""Least correlation of a drawn face, the median over people.

Of six people at a time (three sets, seeds, sizes and difficulties from 0.15 to 1: 486 frames) it is
0.65 and more, of 95 % of the frames 0.64; of 183 crops of photographed faces none has above 0.44.
"""


def are_drawn(frames: Iterable[Array]) -> bool:
    """Whether most of the frames ((H, W, 1 or 3) uint8, faces cut out) are drawn faces."""
    details = [_detail(frame) for frame in frames]
    found = [max(_correlation(example, seen) for example in _examples()) for seen in details]
    return bool(found) and float(np.median(found)) >= ALIKE


@lru_cache(maxsize=1)
def _examples() -> tuple[Array, ...]:
    faces = (subject_face("smic", str(number), seed=0) for number in range(EXAMPLES))
    layers = (paint(face, 2 * SIDE, blur=0.7).open_eyes for face in faces)
    return tuple(_detail(np.moveaxis(layer, 0, -1)) for layer in layers)


def _detail(frame: Array) -> Array:
    """(H, W, 1 or 3) -> (SIDE, SIDE), grey and without what is coarse."""
    small = small_grey(frame[None], SIDE)[0]
    return small - gaussian_filter(small, COARSE)


def _correlation(example: Array, detail: Array) -> float:
    """The largest correlation over small shifts."""
    inner = slice(MARGIN, -MARGIN)
    wanted = detail[inner, inner].ravel()
    if not wanted.std():
        return 0.0
    shifted = (np.roll(example, shift, (0, 1))[inner, inner] for shift in product(SHIFTS, SHIFTS))
    return max(float(np.corrcoef(part.ravel(), wanted)[0, 1]) for part in shifted)
