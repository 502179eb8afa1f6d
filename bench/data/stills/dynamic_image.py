"""Dynamic images: a clip as one image, a weighted sum of its frames; later frames weigh more.

Bilen et al., "Dynamic Image Networks for Action Recognition", CVPR 2016, with the weights of
LEARNet's published preprocessing: its sums have N where Bilen et al. have N + 1.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np


@lru_cache(maxsize=1024)
def frame_weights(frames: int) -> np.ndarray:
    """The weight of each frame, (N,), float64, read-only; they sum to N.

    Frame n of N, counted from 1, weighs Σ_{i=n..N} (2i - N)/i. Raises ValueError without a frame.
    """
    if frames < 1:
        raise ValueError("a dynamic image of 0 frames: expected at least 1")
    i = np.arange(1, frames + 1)
    weights = np.cumsum(((2 * i - frames) / i)[::-1])[::-1]
    weights.flags.writeable = False
    return weights


def dynamic_image(video: np.ndarray) -> np.ndarray:
    """`video` (N, H, W, C), uint8, as one image (H, W, C), uint8.

    The weighted sum of the frames, rescaled so that its minimum over all pixels and channels is 0
    and its maximum 255 (fractions are truncated, as in the published code); zeros where all values
    are equal. Raises ValueError for a video without a frame.
    """
    total = np.zeros(video.shape[1:])
    for weight, frame in zip(frame_weights(len(video)), video, strict=True):
        total += weight * frame
    least, greatest = total.min(), total.max()
    if least == greatest:
        return np.zeros(total.shape, np.uint8)
    return ((total - least) * (255 / (greatest - least))).clip(0, 255).astype(np.uint8)
