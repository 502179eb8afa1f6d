"""Pairs of faces with a known motion between them."""

import numpy as np
from scipy.ndimage import fourier_shift, gaussian_filter


def texture(side=96, seed=0) -> np.ndarray:
    """A smooth random picture, float32 (side, side) of 0..255, that goes on round its edges."""
    noise = np.random.default_rng(seed).normal(size=(side, side))
    smooth = gaussian_filter(noise, 2.5, mode="wrap")
    return (128 + 40 * smooth / smooth.std()).clip(0, 255).astype(np.float32)


def translated(image: np.ndarray, right: float, down: float) -> np.ndarray:
    """The picture moved by a fraction of a pixel, round its edges."""
    spectrum = fourier_shift(np.fft.fft2(image), (down, right))
    return np.real(np.fft.ifft2(spectrum)).clip(0, 255).astype(np.float32)
