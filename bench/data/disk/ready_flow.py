"""Precomputed flow images, as flow-based methods exchange them: u, v, strain, 28×28×3, 0 to 255."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from bench.data.clips import Clip, Problem
from bench.data.disk.limits import DARKEST
from bench.errors import DataError

if TYPE_CHECKING:
    import numpy as np

SIDE = 28
SHAPE = (SIDE, SIDE, 3)
MOST_BYTES = 1 << 16
"""Largest .npy file that is considered; 28×28×3 numbers of 8 bytes take a third of it."""

MOSTLY, ALIKE = 0.9, 2
"""Share of the pixels that says how a flow image was made, and levels that are taken for one.

Of 442 real ones grey are 0.003 of the pixels at most, and at the upper end of a channel 0.05; at 0
in a channel, 0.98, but in one other than strain 0.04.
"""

BRIGHT, SECOND_BRIGHT = 0.4, 0.1
"""Shares of the pixels with a channel at its end, as in colours on white: in any, and in a second.

Of the real ones 0.083 and of generated ones 0.056 at most have one in any; of wheels drawn from the
real ones, as JPEG of quality 75 and 90, with noise, or shrunk, 0.48 at least. Generated ones
without noise can have one in v alone, 0.71 of the pixels, in a second channel 0.03; wheels 0.16.
"""

DIM, EACH_DIM, ANY_DIM = 8, 0.06, 0.5
"""Levels taken for 0 in a lossy picture, and shares of pixels with them in each and in any channel.

As in colours on black, of all directions. In each channel have them at most 0.009 of the real ones
and 0.014 of generated ones; of the same lossy wheels all but one in a hundred 0.06, in any 0.55.
"""

SAME = 0.8
"""Correlation of each two channels that a photograph has at least, in grey, tinted or with noise.

Real flow images have 0.48 in their least alike two at most, generated ones 0.57; a face in colour
0.94.
"""

MIDDLE, STRAIN, LOW = 0.5, 0.15, 0.3
"""Where a channel rests (its median) between its ends: u and v near the middle, strain below.

Strain of the real ones rests at 0.10 at most, of 10,300 generated ones at 0.48 (of all but one in a
thousand below 0.34), and none that rests above 0.44 has u or v below 0.20. Of the real ones with u
in the place of strain 0.47 have that above MIDDLE and strain below STRAIN, of generated ones 0.33.
"""

FEWEST, UNSIGNED = 10, 0.5
"""Moving flow images that say something of their set, and share with u or v resting below LOW.

Of the real ones 0.17 have such a u or v, of the same without their signs 0.96.
"""


def is_ready_flow(path: Path) -> bool:
    """Whether a file is a colour image of 28×28 pixels, or a .npy array (28, 28, 3).

    Neither can be a clip: a single image has no motion, and no face is 28×3 pixels.
    """
    try:
        if path.suffix.lower() == ".npy":
            import numpy as np

            if path.stat().st_size > MOST_BYTES:
                return False
            return np.load(BytesIO(path.read_bytes()), allow_pickle=False).shape == SHAPE
        return _is_image(path)
    except Exception:  # a damaged file is no flow; it is reported when it is read as a clip
        return False


@dataclass(frozen=True)
class ReadyFlow:
    """The ready flow of a clip, resized: (3, size, size), 0 to 255."""

    size: int

    dtype = "float32"

    @property
    def shape(self) -> tuple[int, int, int]:
        """(3, size, size)."""
        return (3, self.size, self.size)

    def clip_key(self, clip: Clip) -> str:
        """The same for every clip."""
        return f"ready flow, version 6, {self.size}"

    def make(self, clip: Clip, contents: Sequence[bytes]) -> np.ndarray:
        """The resized flow; DataError for another shape, scale or order, and for pictures.

        The scale is 0 to 255, the order u, v, strain. A blank one has none of these.
        """
        from bench.data.clips import clip_title
        from bench.data.pixels import resize

        image = _pixels(clip, contents[0])
        least, most = image.min(), image.max()
        dark = least < most < DARKEST
        if image.shape != SHAPE or not 0 <= least <= most <= 255 or dark:
            scaling = "multiply fractions by 255" if most <= 1 else "scale raw flow to these levels"
            advice = f": {scaling}" if dark else ""
            raise DataError(
                f"{clip.frames[0]}: the flow of clip {clip_title(clip)} has shape {image.shape}, "
                f"values {least:g} to {most:g}; expected {SHAPE} of 0 to 255{advice}"
            )
        if drawn := _drawn(image) or _shuffled(image):
            raise DataError(
                f"{clip.frames[0]}: the flow of clip {clip_title(clip)} {drawn}; expected u, v and "
                "strain themselves as the three channels, in this order, each of 0 to 255"
            )
        return resize(image[None], self.size)[0].transpose(2, 0, 1)


def channel_problems(flows: np.ndarray) -> Iterator[Problem]:
    """A problem for each channel that is odd in most flow images of a set, (n, 3, 28, 28).

    It is the same all over, or u or v without its sign: then it rests at its lower end, as strain.
    """
    import numpy as np

    values = flows.reshape(len(flows), 3, SIDE * SIDE)
    values = values[np.ptp(values, (1, 2)) > 0]
    if len(values) < FEWEST:
        return
    extent = np.ptp(values, 2)
    rest = (np.median(values, 2) - values.min(2)) / np.maximum(extent, 1)
    of_all = f"of {len(values)} flow images"
    for place, name in enumerate(("u", "v", "strain")):
        empty, low = extent[:, place] <= ALIKE, rest[:, place] <= LOW
        if empty.mean() >= UNSIGNED:
            what = f"{name} is the same all over in {empty.sum()} {of_all}: look what was stored"
            yield Problem("flow", f"channel {place + 1}", what)
        elif name != "strain" and low.mean() >= UNSIGNED:
            what = f"{name} rests at its lower end in {low.sum()} {of_all}: its sign may be lost"
            yield Problem("flow", f"channel {place + 1}", what)


def _drawn(image: np.ndarray) -> str:
    """What a flow image (28, 28, 3) shows instead of u, v and strain; empty for nothing else.

    Colours of full brightness have one channel at its end, those of full saturation one at 0, which
    differs from direction to direction; noise and JPEG leave that to fewer pixels. Strain alone may
    be 0 almost everywhere.
    """
    import numpy as np

    pixels = image.reshape(-1, 3)
    if np.ptp(pixels) == 0:
        return ""
    if (np.ptp(pixels, 1) <= ALIKE).mean() >= MOSTLY:
        return "is a grey picture: its three channels are equal"
    if np.ptp(pixels, 0).all() and np.corrcoef(pixels.T).min() >= SAME:
        return "is a picture in grey or colour: its three channels show the same"
    lit = pixels[pixels.max(1) > DARKEST]
    none = lit <= ALIKE
    saturated = none.any(1).mean() >= MOSTLY and np.sort(none.mean(0))[1] >= 1 - MOSTLY
    dim = lit <= DIM
    lossy = dim.any(1).mean() >= ANY_DIM and dim.mean(0).min() >= EACH_DIM
    full = pixels >= 255 - 2 * ALIKE
    bright = full.any(1).mean() >= BRIGHT and np.sort(full.mean(0))[1] >= SECOND_BRIGHT
    if saturated or lossy or bright:
        return "is drawn in colours (a wheel: direction as hue)"
    return ""


def _shuffled(image: np.ndarray) -> str:
    """What tells that the channels of a flow image (28, 28, 3) stand in another order, or nothing.

    Strain has one sign and is small almost everywhere, so it rests near its lower end.
    """
    import numpy as np

    pixels = image.reshape(-1, 3)
    extent = np.ptp(pixels, 0)
    rest = (np.median(pixels, 0) - pixels.min(0)) / np.maximum(extent, 1)
    strain = (extent[:2] > ALIKE) & (rest[:2] <= STRAIN)
    if rest[2] < MIDDLE or not strain.any():
        return ""
    return (
        "has its channels in another order: the third rests in the middle, as u and v do, the "
        f"{'first' if strain[0] else 'second'} at its lower end, as strain does (OpenCV writes "
        "colours in reverse)"
    )


def _is_image(path: Path) -> bool:
    from PIL import Image

    from bench.data.disk.images import FORMATS

    with Image.open(path, formats=FORMATS) as image:
        return image.size == (SIDE, SIDE) and image.mode == "RGB"


def _pixels(clip: Clip, content: bytes) -> np.ndarray:
    """(28, 28, 3) float32."""
    import numpy as np

    from bench.data.disk.images import check_end, open_image, unreadable

    try:
        if clip.frames[0].suffix.lower() == ".npy":
            file = BytesIO(content)
            array = np.load(file, allow_pickle=False)
            if file.read(1):
                raise ValueError("bytes follow its array")
            return array.astype(np.float32)
        image = open_image(clip, clip.frames[0], content)
        check_end(clip, clip.frames[0], image, content)
        return np.asarray(image, np.float32)
    except DataError:
        raise
    except Exception as error:  # a damaged file may raise anything
        raise unreadable(clip, clip.frames[0], error) from error
