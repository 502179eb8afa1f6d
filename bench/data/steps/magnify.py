"""Motion magnification according to the settings: none, Eulerian or learned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.data.pixels import shrunk
from bench.data.steps.settings import Preprocessing

if TYPE_CHECKING:
    import numpy as np


def magnify(video: np.ndarray, settings: Preprocessing) -> np.ndarray:
    """The clip with its motion magnified, where the settings say so.

    For Eulerian magnification larger frames are shrunk to `magnify_side` × `magnify_side` pixels,
    so that a wavelength in pixels is about the same part of the face in every data set.
    """
    if settings.magnify == "none":
        return video
    if settings.magnify == "learned":
        from bench.data.steps.magnet import learned

        return learned(video, settings.magnify_alpha, settings.magnifier_weights)
    from bench.data.steps.eulerian import eulerian

    return eulerian(
        shrunk(video, settings.magnify_side),
        settings.magnify_alpha,
        settings.magnify_low,
        settings.magnify_high,
        settings.magnify_wavelength,
    )
