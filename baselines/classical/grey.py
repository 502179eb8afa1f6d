"""Grey levels of colour frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def grey(clip: np.ndarray) -> np.ndarray:
    """Luminance (ITU-R 601-2) of uint8 (T, H, W, 3): float32 (T, H, W), 0 to 255."""
    import numpy as np

    return clip.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
