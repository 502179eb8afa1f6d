"""A rectangle of a frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Box:
    """Pixels top..bottom-1 × left..right-1 of a frame."""

    top: int
    left: int
    bottom: int
    right: int

    def cut(self, video: np.ndarray) -> np.ndarray:
        """The box of every frame: (n, H, W, C) -> (n, bottom - top, right - left, C)."""
        return video[:, self.top : self.bottom, self.left : self.right]

    def widened(self, margin: float, height: int, width: int) -> Box:
        """The box enlarged on every side by `margin` times its length, within the frame."""
        down = round(margin * (self.bottom - self.top))
        across = round(margin * (self.right - self.left))
        return Box(
            max(self.top - down, 0),
            max(self.left - across, 0),
            min(self.bottom + down, height),
            min(self.right + across, width),
        )
