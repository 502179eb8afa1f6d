"""Eulerian motion magnification (Wu et al., SIGGRAPH 2012), linear: small motion made larger.

Each band of a Laplacian pyramid is filtered in time by the difference of two first-order low-pass
filters, amplified and added. Both filters start at the onset frame, so that a clip without motion
stays as it is. Cut-offs are frequencies in units of the clip's frame rate (0.5 is the Nyquist
frequency), so that the same settings serve 100 and 200 frames a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

LEVELS = 5
"""Most levels of the pyramid; small frames have fewer."""

SMALLEST_SIDE = 4
"""Pixels of the shorter side at the coarsest level."""


def eulerian(
    video: np.ndarray, alpha: float, low: float, high: float, wavelength: float
) -> np.ndarray:
    """`video` (n, H, W, C) as float32 with its motion amplified about 1 + alpha times.

    low, high: cut-offs. wavelength: spatial wavelength (pixels) from which on a band is amplified
    in full; finer ones less (Wu et al., Eq. 14), since the linear approximation fails there.
    The result is clipped to 0..255.
    """
    import numpy as np

    frames = video.astype(np.float32)
    bands = _laplacian(frames)
    factors = _factors(video.shape, len(bands), alpha, wavelength)
    for band, factor in zip(bands, factors, strict=True):
        if factor:
            band += factor * _band_pass(band, low, high)
    return np.clip(_collapsed(bands), 0, 255)


def _factors(shape: tuple[int, ...], count: int, alpha: float, wavelength: float) -> list[float]:
    """Amplification per band, finest first; none for the coarsest: light changes, not motion."""
    coarsest = (shape[1] ** 2 + shape[2] ** 2) ** 0.5 / 3
    waves = [coarsest / 2 ** (count - 2 - level) for level in range(count - 1)]
    return [*(min(alpha, max((1 + alpha) * wave / wavelength - 1, 0)) for wave in waves), 0.0]


def _band_pass(band: np.ndarray, low: float, high: float) -> np.ndarray:
    from scipy.signal import lfilter

    first = band[:1]
    deviation = band - first  # from the onset frame: both filters start at rest
    parts = []
    for cut in (high, low):
        share = _share(cut)
        parts.append(lfilter([share], [1, share - 1], deviation, axis=0))
    return (parts[0] - parts[1]).astype(band.dtype)


def _share(cut: float) -> float:
    """What a first-order low-pass takes of each new frame."""
    import math

    return 1 - math.exp(-2 * math.pi * cut)


def _laplacian(frames: np.ndarray) -> list[np.ndarray]:
    """Bands, finest first, whose `_collapsed` sum is `frames` exactly (but for rounding)."""
    bands = []
    while len(bands) < LEVELS - 1 and min(frames.shape[1:3]) >= 2 * SMALLEST_SIDE:
        smaller = _blurred(frames)[:, ::2, ::2]
        bands.append(frames - _enlarged(smaller, frames.shape))
        frames = smaller
    return [*bands, frames.copy()]


def _collapsed(bands: list[np.ndarray]) -> np.ndarray:
    frames = bands[-1]
    for band in reversed(bands[:-1]):
        frames = band + _enlarged(frames, band.shape)
    return frames


def _blurred(frames: np.ndarray) -> np.ndarray:
    import numpy as np
    from scipy.ndimage import correlate1d

    kernel = np.array([1, 4, 6, 4, 1], np.float32) / 16
    return correlate1d(correlate1d(frames, kernel, 1, mode="mirror"), kernel, 2, mode="mirror")


def _enlarged(frames: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Zeros between the pixels, blurred: four times the kernel keeps the brightness."""
    import numpy as np

    large = np.zeros(shape, np.float32)
    large[:, ::2, ::2] = 4 * frames
    return _blurred(large)
