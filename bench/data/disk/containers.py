"""Clips stored in one file: .npy arrays and videos (the latter need the extra `video`)."""

from __future__ import annotations

from io import BytesIO
from math import prod
from typing import TYPE_CHECKING

from bench.data.clips import Clip
from bench.data.disk.limits import MAX_CLIP_BYTES, MAX_PIXELS
from bench.errors import DataError, printable
from bench.system.installed import install_command

if TYPE_CHECKING:
    import numpy as np
    from av.container import InputContainer

MOST_FRAMES = 20_000
"""A clip lasts half a second: a longer file is not a clip, and could fill the memory."""

MOST_HEADER = 4096
"""Bytes in which the header of a .npy file of plain numbers ends."""

FLOW_CHANNELS = (2, 3)
"""First axis of optical flow as PyTorch stores an image: u and v, or u, v and strain."""

MISCOUNTED = 1
"""Frames by which a whole video's own count may be off."""

VIDEO_FORMATS = "avi,matroska,webm,mov,mp4,mpeg,mpegts,mpegvideo"
"""The only formats that are opened, whatever the file's name.

A playlist, for example, would make FFmpeg open the files and addresses that it lists.
"""

COVERS = frozenset({"mjpeg", "png", "bmp", "gif"})
"""Codecs of a still that a player shows of a video, which is stored as a video beside it."""

_ONLY_THESE = {"format_whitelist": VIDEO_FORMATS, "protocol_whitelist": ""}


def unpack(clip: Clip, content: bytes) -> np.ndarray:
    """The clip's frames, uint8 (n, H, W, C) with C = 1 or 3.

    Raises DataError for a file that cannot be read, arrays of other shapes or dtypes, three axes
    that look like (H, W, 3), (H, W, T) or, without a span, (channels, H, W), and a span beyond the
    end.
    """
    path = clip.frames[0]
    first, end = clip.span or (0, None)
    if path.suffix.lower() == ".npy":
        video = _array(clip, content)[first:end]
    else:
        video = _video(clip, content, first, end)
    wanted = None if end is None else end - first
    if not len(video) or (wanted is not None and len(video) < wanted):
        raise _bad(clip, f"has no frames {first}..{'' if end is None else end - 1}", "check onset")
    return video


def array_length(clip: Clip) -> int | None:
    """The number of frames that the header of a clip's .npy file tells of; None without a header.

    Nothing is decoded.
    """
    try:
        with clip.frames[0].open("rb") as file:
            shape, *_ = _header(clip, file.read(MOST_HEADER))
    except (DataError, OSError):  # it is reported when the clip is read
        return None
    return shape[0] if shape else None


def _array(clip: Clip, content: bytes) -> np.ndarray:
    """A view of the file's bytes as an array; a header that claims more or less fails."""
    import numpy as np

    shape, by_columns, kind, start = _header(clip, content)
    wanted = (*shape, 1) if len(shape) == 3 else shape
    if len(wanted) != 4 or wanted[-1] not in (1, 3) or 0 in wanted:
        raise _bad(clip, f"has shape {shape}", "expected (T, H, W) or (T, H, W, 3)")
    if len(shape) == 3 and (shape[2] in (1, 3) or shape[0] == shape[1] != shape[2]):
        what = f"has shape {shape}, which may be (H, W, colours) or (H, W, T)"
        raise _bad(clip, what, "save grey frames as (T, H, W, 1), colour as (T, H, W, 3)")
    if len(shape) == 3 and shape[0] in FLOW_CHANNELS and clip.span is None:
        what = f"has shape {shape}: {shape[0]} grey frames, or u, v (and strain) of optical flow"
        advice = "save grey frames as (T, H, W, 1), flow as (28, 28, 3), or give onset and offset"
        raise _bad(clip, what, advice)
    if kind != np.uint8:
        raise _bad(clip, f"has numbers of kind {kind}", "expected uint8, 0 to 255")
    size = prod(shape)
    there = len(content) - start
    if there != size:
        what = "is cut off" if there < size else "holds more than its array"
        what += f": its header tells of {size} bytes, {there} are there"
        raise _bad(clip, what, "copy it again, or save it again with numpy.save")
    array = np.frombuffer(content, np.uint8, size, start)
    return array.reshape(shape, order="F" if by_columns else "C").reshape(wanted)


def _header(clip: Clip, content: bytes) -> tuple[tuple[int, ...], bool, np.dtype, int]:
    """Shape, whether in Fortran order, dtype, and the offset of the numbers in the file."""
    from numpy.lib import format as layout

    readers = {(1, 0): layout.read_array_header_1_0, (2, 0): layout.read_array_header_2_0}
    file = BytesIO(content)
    try:
        version = layout.read_magic(file)
        if version not in readers:
            raise ValueError(f"version {version} of the format is not for plain numbers")
        shape, by_columns, kind = readers[version](file)
        if min(shape, default=0) < 0:
            raise ValueError(f"its header tells of the shape {shape}")
    except Exception as error:  # headers are parsed as Python: a damaged one may raise anything
        reason = printable(error)[:120]
        raise _bad(clip, f"cannot be read ({reason})", "save it again with numpy.save") from error
    if kind.hasobject:
        what = "cannot be read: it holds Python objects, a pickle, which is never loaded"
        raise _bad(clip, what, "save numbers of kind uint8 with numpy.save")
    return shape, by_columns, kind, file.tell()


def _video(clip: Clip, content: bytes, first: int, end: int | None) -> np.ndarray:
    import numpy as np

    try:
        import av
    except ImportError:
        raise DataError(
            f"{printable(clip.frames[0])}: reading a video needs PyAV: " + install_command("video")
        ) from None
    frames: list[np.ndarray] = []
    taken = decoded = stated = 0
    try:
        with av.open(BytesIO(content), "r", options=_ONLY_THESE) as container:
            stated = _check_extent(clip, container)
            for number, frame in enumerate(container.decode(video=0)):
                if number >= (MOST_FRAMES + first if end is None else end):
                    break
                decoded = number + 1
                if frame.is_corrupt:
                    what = f"is damaged or cut off: frame {number} is not whole"
                    raise _bad(clip, what, "copy it again")
                if number < first:
                    continue
                taken += 3 * frame.width * frame.height
                if taken > MAX_CLIP_BYTES:
                    what = f"needs more than {MAX_CLIP_BYTES >> 20} MB"
                    raise _bad(clip, what, "give onset and offset, or crop it to the face")
                frames.append(frame.to_ndarray(format="rgb24"))
    except (av.FFmpegError, IndexError, ValueError) as error:
        reason = printable(error)[:120]
        raise _bad(clip, f"cannot be decoded ({reason})", "copy it again, or convert it") from error
    if end is None and len(frames) == MOST_FRAMES:
        raise _bad(clip, f"has {MOST_FRAMES} frames or more", "give onset and offset")
    if not decoded or (end is None and decoded + MISCOUNTED < stated):
        what = f"is cut off: {decoded} of {stated or 'its'} frames can be decoded"
        raise _bad(clip, what, "copy it again")
    if len({frame.shape for frame in frames}) > 1:
        raise _bad(clip, "changes its size", "convert it to one size")
    return np.stack(frames) if frames else np.empty((0, 1, 1, 3), np.uint8)


def frame_rate(clip: Clip, content: bytes) -> float | None:
    """Frames per second that a video states; None where it states none, and of arrays."""
    if clip.frames[0].suffix.lower() == ".npy":
        return None
    try:
        import av

        with av.open(BytesIO(content), "r", options=_ONLY_THESE) as container:
            rate = container.streams.video[0].average_rate
    except (ImportError, av.FFmpegError, IndexError):  # to decode it says what is wrong
        return None
    return float(rate) if rate else None


def _check_extent(clip: Clip, container: InputContainer) -> int:
    """The number of frames that the first video states, 0 where it states none."""
    if not container.streams.video:
        raise _bad(clip, "holds no video: it may be cut off", "copy it again, or convert it")
    views = [each for each in container.streams.video if each.codec_context.name not in COVERS]
    if len(views) > 1:
        raise _bad(clip, f"holds {len(views)} videos", "write each into a file of its own")
    for stream in container.streams.video:
        if stream.width * stream.height > MAX_PIXELS:
            what = f"has frames of {stream.width}×{stream.height} pixels"
            raise _bad(clip, what, f"expected at most {MAX_PIXELS} pixels")
    return container.streams.video[0].frames


def _bad(clip: Clip, what: str, advice: str) -> DataError:
    where = f"{clip.dataset} {clip.subject}/{clip.name}"
    shown = printable(clip.frames[0])
    return DataError(f"{shown}: this file of clip {where} {what}; {advice}.")
