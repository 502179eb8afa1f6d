"""Grey levels of colour frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


LUMINANCE = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in grey (ITU-R 601-2)."""


def grey(clip: np.ndarray) -> np.ndarray:
    """Luminance of uint8 (T, H, W, 3): float32 (T, H, W), 0 to 255."""
    import numpy as np

    return clip.astype(np.float32) @ np.array(LUMINANCE, np.float32)
