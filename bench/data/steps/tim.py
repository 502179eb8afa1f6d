"""Temporal interpolation (TIM): a clip of n frames becomes one of T frames.

TIM embeds the n frames as the vertices of a path graph, runs the curve of the graph Laplacian's
eigenvectors through them and maps points of the curve back to frames (Zhou, Zhao, Pietikäinen,
"Towards a Practical Lipreading System", CVPR 2011). For a path graph those eigenvectors are the
cosines of the DCT-II, so that the whole construction is one (T, n) matrix.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

_BLOCK = 1 << 16
"""Pixels interpolated at once, so that the floating-point copy takes no more than a few MB."""


@lru_cache(maxsize=1024)
def tim_matrix(n: int, frames: int) -> np.ndarray:
    """The (frames, n) weights of TIM, float64, read-only; every row sums to 1.

    X(τ) = Σ_i K_i(τ) X_i with K_i(τ) = 1/n + (2/n) Σ_k cos(πk(i-½)/n) cos(πk(nτ-½)/n) and
    τ = p(1-1/n) + 1/n, p evenly spaced in [0, 1]. A row whose τ falls on an input frame selects
    exactly that frame, so the end frames are kept; n = 1 repeats the frame; frames = 1 takes the
    first.
    """
    if n < 1 or frames < 1:
        raise ValueError(f"TIM from {n} to {frames} frames: both must be at least 1")
    steps = max(frames - 1, 1)
    scaled = np.arange(frames) * (n - 1)  # position in input frames, times `steps`: whole numbers
    k = np.arange(1, n)
    at_inputs = np.cos(np.pi * np.outer(k, np.arange(n) + 0.5) / n)  # (n - 1, n)
    at_outputs = np.cos(np.pi * np.outer(scaled / steps + 0.5, k) / n)  # (frames, n - 1)
    matrix = 1 / n + 2 / n * (at_outputs @ at_inputs)

    meets = scaled % steps == 0
    matrix[meets] = np.eye(n)[scaled[meets] // steps]
    matrix.flags.writeable = False
    return matrix


def interpolate(video: np.ndarray, frames: int) -> np.ndarray:
    """`video` (n, ...) at `frames` frames: (frames, ...), float64 for float64, else float32.

    The curve overshoots between frames; it is clipped to the video's minimum and maximum, so that
    [0, 1] stays within [0, 1] and 8-bit within 0..255.
    """
    dtype = np.float64 if video.dtype == np.float64 else np.float32
    weights = tim_matrix(len(video), frames).astype(dtype)
    pixels = video.reshape(len(video), -1)  # (n, P)
    result = np.empty((frames, pixels.shape[1]), dtype)
    for start in range(0, pixels.shape[1], _BLOCK):
        block = slice(start, start + _BLOCK)
        np.matmul(weights, pixels[:, block].astype(dtype, copy=False), out=result[:, block])
    np.clip(result, video.min(), video.max(), out=result)
    return result.reshape(frames, *video.shape[1:])
