"""From the image files of a clip to a small 8-bit video: the steps between disk and cache.

The order is crop, magnify, TIM, resize, normalise. Each step maps a stack of frames (n, H, W, C)
to another; `bench.training.augment` normalises, so that cached clips are 8-bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.data.clips import Clip
from bench.data.disk.images import decode, read_frames
from bench.data.pixels import as_uint8_rgb, resize
from bench.data.steps.crop import crop
from bench.data.steps.keys import clip_key
from bench.data.steps.magnify import magnify
from bench.data.steps.settings import Preprocessing

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Video:
    """For the clip cache: a clip as `preprocess_clip` makes it."""

    steps: Preprocessing

    dtype = "uint8"

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(T, S, S, 3)."""
        return (self.steps.frames, self.steps.size, self.steps.size, 3)

    def clip_key(self, clip: Clip) -> str:
        """The settings that matter for this clip."""
        return clip_key(self.steps, clip)

    def make(self, clip: Clip, contents: Sequence[bytes]) -> np.ndarray:
        """The video, uint8 (T, S, S, 3)."""
        return preprocess_frames(clip, contents, self.steps)


def preprocess_clip(clip: Clip, settings: Preprocessing) -> np.ndarray:
    """The clip as uint8 (T, S, S, 3), grey frames with three equal channels.

    Frames that are not square are stretched to a square. Raises DataError for a frame that is
    missing, cannot be read, differs in size from the others, or is larger than MAX_PIXELS.
    """
    return preprocess_frames(clip, read_frames(clip), settings)


def preprocess_frames(clip: Clip, contents: Sequence[bytes], settings: Preprocessing) -> np.ndarray:
    """As `preprocess_clip`, given the bytes of the clip's files."""
    from bench.data.steps.tim import interpolate

    video = decode(clip, contents)  # (n, H, W, C)
    video = crop(clip, video, settings)  # (n, h, w, C)
    video = magnify(video, settings)
    video = interpolate(video, settings.frames)  # (T, H, W, C)
    video = resize(video, settings.size)  # (T, S, S, C)
    return as_uint8_rgb(video)
