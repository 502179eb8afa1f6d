"""Videos of a real face: scikit-image's photograph of an astronaut, with a motion that is known."""

from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import map_coordinates

CORNERS = ((96, 68), (96, 93))
"""Line and column of the mouth's corners."""

NOSE = (80, 80)
SIDE = 160
SPREAD = 8.0
"""Standard deviation of the moved region in pixels."""


def face(degrees: float) -> np.ndarray:
    """The face, uint8 (SIDE, SIDE, 3), with the head turned in the picture's plane."""
    from skimage.data import astronaut

    picture = Image.fromarray(astronaut()).rotate(
        degrees, Image.Resampling.BICUBIC, center=(224, 120)
    )
    return np.asarray(picture.crop((104, 0, 344, 240)).resize((SIDE, SIDE)))


def smiling(lift: float) -> np.ndarray:
    """The upright face with the corners of its mouth `lift` pixels higher, uint8."""
    lines, columns = np.mgrid[:SIDE, :SIDE].astype(float)
    moved = sum(
        np.exp(-((lines - line) ** 2 + (columns - column) ** 2) / (2 * SPREAD**2))
        for line, column in CORNERS
    )
    picture = face(0).astype(float)
    places = (lines + lift * moved, columns)
    channels = [map_coordinates(picture[..., c], places, order=1, mode="nearest") for c in range(3)]
    return np.stack(channels, -1).round().astype(np.uint8)


def write_video(path: Path) -> Path:
    """20 frames of a smile, strongest on the ninth, then 20 of the head turned by 60 degrees."""
    import av

    lifts = np.interp(range(20), (0, 8, 19), (0, 3, 0))
    frames = [*map(smiling, lifts), *[face(-60)] * 20]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=30)
        stream.width = stream.height = SIDE
        stream.pix_fmt, stream.bit_rate = "yuv420p", 4_000_000
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
        container.mux(stream.encode(None))
    return path
