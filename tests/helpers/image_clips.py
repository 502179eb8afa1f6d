"""Clips as image files, written for a test."""

from pathlib import Path

import numpy as np
from PIL import Image

from bench.data.clips import Clip


def clip_of(frames, *, name="s01_ne_01", subject="s01", dataset="smic", label=0) -> Clip:
    """A clip of files that exist already."""
    return Clip(dataset, subject, name, label, tuple(frames), None, "negative", 100.0)


def write_clip(folder: Path, video: np.ndarray, *, suffix=".png", **labels) -> Clip:
    """A clip of one image file per frame of `video` (n, H, W) or (n, H, W, 3), uint8."""
    folder.mkdir(parents=True, exist_ok=True)
    frames = [folder / f"img{number}{suffix}" for number in range(len(video))]
    for path, pixels in zip(frames, video, strict=True):
        Image.fromarray(pixels).save(path)
    return clip_of(frames, **labels)


def noise(frames=5, height=12, width=9, channels=3, seed=0) -> np.ndarray:
    """Random pixels: grey (n, H, W) for one channel, else (n, H, W, channels)."""
    shape = (frames, height, width) + ((channels,) if channels > 1 else ())
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
