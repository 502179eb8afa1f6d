"""Linear Eulerian motion magnification (Wu et al., SIGGRAPH 2012).

Each band of a Laplacian pyramid is filtered in time by the difference of two first-order low-pass
filters, amplified and added. Both filters start at the onset frame, so that a clip without motion
stays as it is. Cut-offs are frequencies in units of the clip's frame rate (0.5 is the Nyquist
frequency), so that the same settings serve 100 and 200 frames a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

LEVELS = 5
"""Largest number of levels of the pyramid; small frames have fewer."""

SMALLEST_SIDE = 4
"""Smallest length of the shorter side at the coarsest level, in pixels."""


def eulerian(
    video: np.ndarray, alpha: float, low: float, high: float, wavelength: float
) -> np.ndarray:
    """`video` (n, H, W, C) as float32 with its motion amplified about 1 + alpha times.

    low, high: cut-offs. wavelength: spatial wavelength (pixels) from which on a band is amplified
    in full; finer ones less (Wu et al., Eq. 14), since the linear approximation fails there.
    Only the luminance is amplified, which equals the full chromatic attenuation of Wu et al. The
    result is clipped to 0..255.
    """
    return amplified(video, motion_bands(video, low, high), alpha, wavelength)


def motion_bands(
    video: np.ndarray, low: float, high: float, frames: Sequence[int] | None = None
) -> list[np.ndarray]:
    """The band-passed luminance of `video` (n, H, W, C) as a Laplacian pyramid, finest level first.

    frames: indices of the k frames to return, None for all. Levels are float32 (k, H, W),
    (k, H/2, W/2), ...
    """
    from bench.data.pixels import luminance

    moving = _band_pass(luminance(video), low, high)  # before the pyramid: the filters commute
    return _laplacian(moving if frames is None else moving[list(frames)])


def amplified(
    frames: np.ndarray, bands: Sequence[np.ndarray], alpha: float, wavelength: float
) -> np.ndarray:
    """`eulerian` for k frames (k, H, W, C), given their `motion_bands`."""
    import numpy as np

    factors = _factors(frames.shape, len(bands), alpha, wavelength)
    added = _collapsed([band * factor for band, factor in zip(bands, factors, strict=True)])
    magnified = frames + added[..., None]
    return np.clip(magnified, 0, 255, out=magnified)


def _factors(shape: tuple[int, ...], count: int, alpha: float, wavelength: float) -> list[float]:
    """Amplification per band, finest first; 0 for the coarsest, which shows changes of light.

    A band's wavelength is nominal, as in the authors' code: a third of the diagonal for the
    coarsest amplified band, half as much for each finer one. The pyramid ends at LEVELS bands.
    """
    coarsest = (shape[1] ** 2 + shape[2] ** 2) ** 0.5 / 3
    waves = [coarsest / 2 ** (count - 2 - level) for level in range(count - 1)]
    return [*(min(alpha, max((1 + alpha) * wave / wavelength - 1, 0)) for wave in waves), 0.0]


def _band_pass(video: np.ndarray, low: float, high: float) -> np.ndarray:
    """The difference of two first-order low-pass filters per pixel, both starting at the onset."""
    import numpy as np

    fast, slow = video[0].copy(), video[0].copy()
    band = np.empty_like(video)
    for frame, passed in zip(video, band, strict=True):
        fast += _share(high) * (frame - fast)
        slow += _share(low) * (frame - slow)
        np.subtract(fast, slow, out=passed)
    return band


def _share(cut: float) -> float:
    """The weight of each new frame in a first-order low-pass filter."""
    import math

    return 1 - math.exp(-2 * math.pi * cut)


def _laplacian(frames: np.ndarray) -> list[np.ndarray]:
    """Laplacian pyramid of (n, H, W), finest first; `_collapsed` inverts it, up to rounding."""
    bands: list[np.ndarray] = []
    while len(bands) < LEVELS - 1 and min(frames.shape[1:]) >= 2 * SMALLEST_SIDE:
        smaller = _halved(_halved(frames, 1), 2)
        bands.append(frames - _enlarged(smaller, frames.shape))
        frames = smaller
    return [*bands, frames.copy()]


def _collapsed(bands: list[np.ndarray]) -> np.ndarray:
    frames = bands[-1]
    for band in reversed(bands[:-1]):
        frames = _enlarged(frames, band.shape)
        frames += band
    return frames


def _halved(frames: np.ndarray, axis: int) -> np.ndarray:
    """Blurs an axis by (1, 4, 6, 4, 1)/16, mirrored at the edges, and keeps every second sample."""
    import numpy as np

    width = [(2, 2) if place == axis else (0, 0) for place in range(frames.ndim)]
    lines = np.moveaxis(np.pad(frames, width, mode="reflect"), axis, -1)
    count = (frames.shape[axis] + 1) // 2
    far = lines[..., 0::2][..., :count] + lines[..., 4::2][..., :count]
    near = lines[..., 1::2][..., :count] + lines[..., 3::2][..., :count]
    middle = lines[..., 2::2][..., :count]
    return np.moveaxis((far + 4 * near + 6 * middle) / 16, -1, axis)


def _enlarged(frames: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The inverse size change of `_halved`: inserts zeros, blurs as there, multiplies by four."""
    return _doubled(_doubled(frames, 1, shape[1]), 2, shape[2])


def _doubled(frames: np.ndarray, axis: int, length: int) -> np.ndarray:
    import numpy as np

    lines = np.moveaxis(frames, axis, -1)
    after = lines[..., -1:] if length % 2 == 0 else lines[..., -2:-1]
    padded = np.concatenate([lines[..., 1:2], lines, after], axis=-1)
    large = np.empty((*lines.shape[:-1], length), frames.dtype)
    large[..., 0::2] = (padded[..., :-2] + 6 * lines + padded[..., 2:]) / 8
    large[..., 1::2] = ((padded[..., 1:-1] + padded[..., 2:]) / 2)[..., : length // 2]
    return np.moveaxis(large, -1, axis)
