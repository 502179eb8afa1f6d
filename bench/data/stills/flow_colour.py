"""Optical flow as colours: its direction as hue, its length as brightness."""

from __future__ import annotations

from math import tau
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def flow_colours(flow: np.ndarray, apex: np.ndarray) -> np.ndarray:
    """A flow u, v (2, H, W) on its apex frame (H, W, 1 or 3) of 0..255: RGB of 0..255, (H, W, 3).

    Hue = atan2(v, u) / 2π, one turn for all directions, v positive downwards; saturation = (max -
    min) / max over the apex's red, green and blue, so that grey frames give grey images; value =
    (|w| - min |w|) / (max |w| - min |w|) with |w| = sqrt(u² + v²) over the image, 0 everywhere
    where the motion is the same everywhere. Liu et al., FG 2019, with hue and saturation as they
    are meant.
    """
    import numpy as np
    from skimage.color import hsv2rgb

    u, v = flow
    length = np.hypot(u, v)
    extent = np.ptp(length)
    most = apex.max(-1)
    hue = np.arctan2(v, u) % tau / tau
    saturation = np.divide(np.ptp(apex, -1), most, out=np.zeros_like(hue), where=most > 0)
    value = (length - length.min()) / extent if extent else np.zeros_like(length)
    return 255 * hsv2rgb(np.stack([hue, saturation, value], axis=-1))
