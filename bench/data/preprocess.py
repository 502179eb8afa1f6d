"""From the image files of a clip to a small 8-bit video: the steps between disk and cache.

The order is crop, magnify, TIM, resize, normalise. A clip is a stack of frames (n, H, W, C) from
step to step; normalisation is left to `bench.data.tensors`, so that what is kept is 8-bit.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.data.clips import Clip
from bench.data.frames import CONTAINER_SUFFIXES
from bench.data.limits import MAX_CLIP_BYTES, MAX_IMAGE_BYTES, MAX_PIXELS, MAX_SIDE
from bench.errors import DataError, UsageError, printable

if TYPE_CHECKING:  # the command line reads the settings: numpy and Pillow come with the first clip
    import numpy as np
    from PIL.Image import Image

    from bench.config.settings import DataConfig
    from bench.data.crop import Box

PIPELINE_VERSION = 1
"""Raised whenever the same files and settings would give other pixels: old cache entries lapse."""

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""What a frame may be, whatever its file is called; Pillow starts programs for some other kinds."""

_GREY_MODES = ("1", "L", "LA")
_COLOUR_MODES = ("P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")


@dataclass(frozen=True)
class Preprocessing:
    """What a clip becomes: `frames` frames (T) of `size` × `size` pixels (S).

    crop: none, detect (the largest face of the onset frame) or landmarks (a file of the user's);
    crop_margin: what is added all round, in sides of the box; crop_fallback: what to do where
    there is no face. magnify: none, eulerian (`bench.data.magnify`) or learned
    (`bench.data.magnet`, by the weights in `magnifier_weights`); the rest are its settings.
    """

    frames: int = 16
    size: int = 112
    crop: str = "none"
    crop_margin: float = 0.0
    crop_fallback: str = "stop"
    landmarks: str = ""
    magnify: str = "none"
    magnify_alpha: float = 10.0
    magnify_low: float = 0.002
    magnify_high: float = 0.25
    magnify_wavelength: float = 16.0
    magnify_side: int = 160
    magnifier_weights: str = ""

    def __post_init__(self):
        for name in ("frames", "size"):
            value = getattr(self, name)
            if value < 1:
                raise UsageError(f"{name} is {value}; expected a whole number of at least 1.")
        if self.crop == "landmarks" and not self.landmarks:
            raise UsageError("data.crop=landmarks needs the file: --set data.landmarks=FILE.csv")
        if self.magnify == "learned" and not self.magnifier_weights:
            raise UsageError(
                "data.magnify=learned needs the weights of the network: --magnifier-weights FILE, "
                "the state_dict of a trained one"
            )
        if self.magnify_low >= self.magnify_high:
            raise UsageError(
                f"data.magnify_low={self.magnify_low} is not below "
                f"data.magnify_high={self.magnify_high}"
            )

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(T, S, S, 3) of what a clip becomes."""
        return (self.frames, self.size, self.size, 3)

    @property
    def dtype(self) -> str:
        return "uint8"

    def make(self, clip: Clip, contents: Sequence[bytes]) -> np.ndarray:
        """The clip preprocessed, for the cache: `preprocess_frames`."""
        return preprocess_frames(clip, contents, self)

    @property
    def key(self) -> str:
        """Names what these settings do and the version of the code that does it.

        Settings of a step that is off do not count, and neither do the names of files: a clip's
        box among the landmarks does (`clip_key`), and what is in the file of weights.
        """
        used = {"frames": self.frames, "size": self.size, **self._crop_settings}
        used |= self.magnify_settings
        return json.dumps({"version": PIPELINE_VERSION, **used}, sort_keys=True)

    def clip_key(self, clip: Clip) -> str:
        """`key`, and what the settings say of this very clip."""
        return self.key + self._box_key(clip)

    def crop_key(self, clip: Clip) -> str:
        """As `clip_key`, of the crop alone."""
        return json.dumps({"version": PIPELINE_VERSION, **self._crop_settings}) + self._box_key(
            clip
        )

    @property
    def magnify_settings(self) -> dict[str, Any]:
        """What decides how motion is magnified; empty where it is not."""
        if self.magnify == "eulerian":
            return {k: v for k, v in asdict(self).items() if k.startswith("magnify")}
        if self.magnify == "learned":
            from bench.data.magnet_ports import MAGNET_VERSION, weights_digest

            return {
                "magnify": [self.magnify, MAGNET_VERSION],
                "magnify_alpha": self.magnify_alpha,
                "magnifier_weights": weights_digest(self.magnifier_weights),
            }
        return {}

    @property
    def _crop_settings(self) -> dict[str, str | float]:
        if self.crop == "none":
            return {}
        used = {name: getattr(self, name) for name in ("crop", "crop_margin", "crop_fallback")}
        if self.crop == "detect":
            from bench.data.crop import DETECTOR_VERSION

            used["detector"] = DETECTOR_VERSION
        return used

    def _box_key(self, clip: Clip) -> str:
        if self.crop != "landmarks":
            return ""
        from bench.data.crop import landmark_box

        return f" {landmark_box(clip, MAX_SIDE, MAX_SIDE, self.landmarks, 0.0)}"


def preprocessing(config: DataConfig) -> Preprocessing:
    """The steps between disk and cache under these settings."""
    names = (item.name for item in fields(Preprocessing))
    return Preprocessing(**{name: getattr(config, name) for name in names})


def preprocess_clip(clip: Clip, settings: Preprocessing) -> np.ndarray:
    """The clip as uint8 (T, S, S, 3), grey frames with three equal channels.

    Frames that are not square are scaled to a square. Raises DataError for a frame that is
    missing, cannot be read, is of another size than the others, or is larger than MAX_PIXELS.
    """
    return preprocess_frames(clip, read_frames(clip), settings)


def preprocess_frames(clip: Clip, contents: Sequence[bytes], settings: Preprocessing) -> np.ndarray:
    """As `preprocess_clip`, from the bytes of the clip's files that the caller has read."""
    from bench.data.tim import interpolate

    video = decode(clip, contents)  # (n, H, W, C)
    video = crop(clip, video, settings)  # (n, h, w, C)
    video = magnify(video, settings)
    video = interpolate(video, settings.frames)  # (T, H, W, C)
    video = resize(video, settings.size)  # (T, S, S, C)
    return _as_uint8_rgb(video)


def read_frames(clip: Clip) -> list[bytes]:
    """The bytes of each frame's file, in order.

    Raises DataError where there is none to read, and for more than a clip may have
    (`bench.data.limits`), before memory is taken for it.
    """
    if not clip.frames:
        raise DataError(
            f"clip {clip_title(clip)} has no frames; expected at least one image. "
            "Unpack the data set again."
        )
    _check_bytes(clip)
    return [_read(clip, path) for path in clip.frames]


def decode(clip: Clip, contents: Sequence[bytes]) -> np.ndarray:
    """The frames as uint8 (n, H, W, C): C = 1 if all of them are grey, else 3 (RGB).

    Raises DataError for frames that cannot be read, and for a clip of which only the flow is given.
    """
    import numpy as np

    if clip.ready_flow:
        raise DataError(
            f"{clip.frames[0]}: clip {clip_title(clip)} is given as a ready flow image; expected "
            "its frames. Name them in the manifest, or choose a variant that sees optical flow."
        )

    if clip.frames[0].suffix.lower() in CONTAINER_SUFFIXES:
        from bench.data.containers import unpack

        return unpack(clip, contents[0])

    images = [_open(clip, *frame) for frame in zip(clip.frames, contents, strict=True)]
    _check_sizes(clip, images)
    width, height = images[0].size
    mode = "L" if all(image.mode in _GREY_MODES for image in images) else "RGB"
    if len(images) * height * width * len(mode) > MAX_CLIP_BYTES:
        raise _too_long(clip, f"{len(images)} frames of {_by(images[0].size)} pixels")
    video = np.empty((len(images), height, width, len(mode)), np.uint8)
    for pixels, path, image in zip(video, clip.frames, images, strict=True):
        pixels[...] = _pixels(clip, path, image, mode).reshape(pixels.shape)
    return video


def crop(clip: Clip, video: np.ndarray, settings: Preprocessing) -> np.ndarray:
    """One box of all frames: (n, H, W, C) -> (n, h, w, C)."""
    if settings.crop == "none":
        return video
    return crop_box(clip, video[0], settings).cut(video)


def crop_box(clip: Clip, onset: np.ndarray, settings: Preprocessing) -> Box:
    """The box that `crop` cuts, by the onset frame (H, W, C); the whole frame for crop=none."""
    from bench.data.crop import Box, face_box, landmark_box

    height, width = onset.shape[:2]
    if settings.crop == "detect":
        return face_box(clip, onset, settings.crop_margin, settings.crop_fallback)
    if settings.crop == "landmarks":
        return landmark_box(clip, height, width, settings.landmarks, settings.crop_margin)
    return Box(0, 0, height, width)


def magnify(video: np.ndarray, settings: Preprocessing) -> np.ndarray:
    """The clip with its motion made larger, where the settings say so.

    Eulerian magnification works on frames of at most `magnify_side` × `magnify_side` pixels, larger
    ones are shrunk: a wavelength in pixels then means about the same part of the face in every
    data set.
    """
    if settings.magnify == "none":
        return video
    if settings.magnify == "learned":
        from bench.data.magnet import learned

        return learned(video, settings.magnify_alpha, settings.magnifier_weights)
    from bench.data.magnify import eulerian

    return eulerian(
        shrunk(video, settings.magnify_side),
        settings.magnify_alpha,
        settings.magnify_low,
        settings.magnify_high,
        settings.magnify_wavelength,
    )


def shrunk(video: np.ndarray, side: int) -> np.ndarray:
    """`video` (T, H, W, C); where its frames are longer than `side`, (T, side, side, C)."""
    return resize(video, side) if max(video.shape[1:3]) > side else video


def resize(video: np.ndarray, size: int) -> np.ndarray:
    """`video` (T, H, W, C) as float32 (T, size, size, C).

    The filter is Pillow's antialiased bilinear one: a triangle that covers every input pixel when
    it shrinks, plain bilinear interpolation when it enlarges.
    """
    import numpy as np
    from PIL import Image

    frames, _, _, channels = video.shape
    planes = np.moveaxis(video, -1, 1).astype(np.float32, order="C", copy=False)  # (T, C, H, W)
    result = np.empty((frames, size, size, channels), np.float32)
    for frame, channel in np.ndindex(frames, channels):
        plane = Image.fromarray(planes[frame, channel])
        result[frame, :, :, channel] = plane.resize((size, size), Image.Resampling.BILINEAR)
    return result


def luminance(video: np.ndarray) -> np.ndarray:
    """Grey of a video, (..., 1 or 3) -> float32 (...), in the same range (ITU-R 601-2)."""
    import numpy as np

    if video.shape[-1] == 1:
        return video[..., 0].astype(np.float32)
    return video.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)


def clip_title(clip: Clip) -> str:
    """The clip as messages name it."""
    return f"{clip.dataset} {clip.subject}/{clip.name}"


def unreadable(clip: Clip, path: Path, error: Exception) -> DataError:
    """The error for a frame whose file is missing, locked away or no image."""
    if isinstance(error, FileNotFoundError):
        what = "is missing"
    else:
        what = f"cannot be read ({_first_line(error)})"
    return DataError(
        f"{printable(path)}: this frame of clip {clip_title(clip)} {what}; expected a whole image "
        "file. Unpack the data set again."
    )


def _check_bytes(clip: Clip) -> None:
    whole_clip = clip.frames[0].suffix.lower() in CONTAINER_SUFFIXES
    total = 0
    for path in clip.frames:
        try:
            size = path.stat().st_size
        except OSError as error:
            raise unreadable(clip, path, error) from error
        if size > MAX_IMAGE_BYTES and not whole_clip:
            raise DataError(
                f"{printable(path)}: this frame of clip {clip_title(clip)} has {size >> 20} MB; "
                f"expected an image of at most {MAX_IMAGE_BYTES >> 20} MB"
            )
        total += size
    if total > MAX_CLIP_BYTES:
        raise _too_long(clip, f"{total >> 20} MB of files")


def _too_long(clip: Clip, what: str) -> DataError:
    return DataError(
        f"{printable(clip.frames[0].parent)}: clip {clip_title(clip)} has {what}, more than the "
        f"{MAX_CLIP_BYTES >> 20} MB that are read; check its onset and offset, or crop it"
    )


def _read(clip: Clip, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise unreadable(clip, path, error) from error


def _open(clip: Clip, path: Path, content: bytes) -> Image:
    """The image with its header read and checked; its pixels are decoded later."""
    from PIL import Image, UnidentifiedImageError

    try:
        image = Image.open(BytesIO(content), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(clip, path) from error
    except UnidentifiedImageError as error:
        raise unreadable(clip, path, ValueError(f"none of {', '.join(FORMATS)}")) from error
    except Exception as error:  # Pillow's readers raise OSError, SyntaxError, ValueError and others
        raise unreadable(clip, path, error) from error
    if image.width * image.height > MAX_PIXELS:
        raise _too_large(clip, path)
    if image.mode not in _GREY_MODES + _COLOUR_MODES:
        raise DataError(
            f"{printable(path)}: pixels of kind {image.mode!r}; expected 8-bit grey or colour. "
            f"Convert the frames of clip {clip_title(clip)} to 8 bits."
        )
    return image


def _pixels(clip: Clip, path: Path, image: Image, mode: str) -> np.ndarray:
    """The decoded pixels, uint8 (H, W) for mode L, (H, W, 3) for RGB; frees the image."""
    import numpy as np

    try:
        pixels = np.asarray(image.convert(mode))
    except Exception as error:  # a truncated or damaged file shows here, as any kind of error
        raise unreadable(clip, path, error) from error
    image.close()
    return pixels


def _check_sizes(clip: Clip, images: Sequence[Image]) -> None:
    first = images[0].size
    for path, image in zip(clip.frames, images, strict=True):
        if image.size != first:
            raise DataError(
                f"{printable(path)}: {_by(image.size)} pixels, but the first frame of clip "
                f"{clip_title(clip)} ({printable(clip.frames[0].name)}) has {_by(first)}; expected "
                "one size. Crop all frames of the clip with the same box."
            )


def _too_large(clip: Clip, path: Path) -> DataError:
    return DataError(
        f"{printable(path)}: this frame of clip {clip_title(clip)} is larger than {MAX_PIXELS} "
        "pixels; expected a video frame. Check the file, or crop the frames to the face."
    )


def _as_uint8_rgb(video: np.ndarray) -> np.ndarray:
    """Rounded to the nearest level, (T, S, S, 1 or 3) -> uint8 (T, S, S, 3)."""
    import numpy as np

    levels = np.clip(np.rint(video), 0, 255).astype(np.uint8)
    return np.repeat(levels, 3 // levels.shape[-1], axis=-1)


def _by(size: tuple[int, int]) -> str:
    return "{}×{}".format(*size)


def _first_line(error: Exception) -> str:
    text = (getattr(error, "strerror", None) or str(error)).strip()
    return printable(text.splitlines()[0]) if text else type(error).__name__
