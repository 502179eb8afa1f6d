"""Clips stored in one file: .npy arrays and videos (the latter need the extra `video`)."""

from __future__ import annotations

from io import BytesIO
from math import prod
from typing import TYPE_CHECKING

from bench.data.clips import Clip
from bench.data.disk.video_files import bad_file, read_video
from bench.data.disk.video_files import frame_rate as video_rate
from bench.errors import DataError, printable

if TYPE_CHECKING:
    import numpy as np

MOST_HEADER = 4096
"""Bytes in which the header of a .npy file of plain numbers ends."""

FLOW_CHANNELS = (2, 3)
"""First axis of optical flow as PyTorch stores an image: u and v, or u, v and strain."""

EXPLICIT = "save grey frames as (T, H, W, 1), colour as (T, H, W, 3)"
"""What to do with an array whose axes are not certain."""

TURNED = "save the clip as (T, H, W, 3); if those are its axes, save its frames as images"
"""What to do with a colour array whose axes are not certain."""

STILL = 0.25
"""Variance along the axis of time, of that along height and width, where a face changes little.

A face varies along its width about as along its height, and planes of its colours differ so.
"""

UNLIKE = 9
"""How many times more a face may vary along its height than along its width, or the reverse."""

LEAST = 8
"""Pixels along each side of the smallest face."""

COLOURS = 3
"""Planes of a colour picture."""

PLACES = 24
"""Places along each axis that are looked at."""


def unpack(clip: Clip, content: bytes) -> np.ndarray:
    """The clip's frames, uint8 (n, H, W, C) with C = 1 or 3.

    Raises DataError for a file that cannot be read, arrays of other shapes or dtypes, axes that
    look like (H, W, 3), (H, W, T), (H, T, W), these in colour, or, without a span,
    (channels, H, W), by their shape or by what changes along them, planes of colours that became
    frames or pixels by a wrong reshape, and a span beyond the end.
    """
    first, end = clip.span or (0, None)
    if is_array(clip):
        whole = _array(clip, content)
        video, there = whole[first:end], len(whole)
    else:
        video, there = read_video(clip, content, first, end)
    wanted = None if end is None else end - first
    if not len(video) or (wanted is not None and len(video) < wanted):
        what = f"has no frames {first}..{'' if end is None else end - 1}: it has 0..{there - 1}"
        advice = "check onset and offset, which count from 0 in a video or an array"
        raise bad_file(clip, what, advice)
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
        raise bad_file(clip, f"has shape {shape}", "expected (T, H, W) or (T, H, W, 3)")
    if len(shape) == 3 and (shape[2] in (1, 3) or shape[0] == shape[1] != shape[2]):
        what = f"has shape {shape}, which may be (H, W, colours) or (H, W, T)"
        raise bad_file(clip, what, EXPLICIT)
    if len(shape) == 3 and shape[0] in FLOW_CHANNELS and clip.span is None:
        what = f"has shape {shape}: {shape[0]} grey frames, or u, v (and strain) of optical flow"
        advice = "save grey frames as (T, H, W, 1), flow as (28, 28, 3), or give onset and offset"
        raise bad_file(clip, what, advice)
    if kind != np.uint8:
        raise bad_file(clip, f"has numbers of kind {kind}", "expected uint8, 0 to 255")
    size = prod(shape)
    there = len(content) - start
    if there != size:
        what = "is cut off" if there < size else "holds more than its array"
        what += f": its header tells of {size} bytes, {there} are there"
        raise bad_file(clip, what, "copy it again, or save it again with numpy.save")
    array = np.frombuffer(content, np.uint8, size, start)
    array = array.reshape(shape, order="F" if by_columns else "C")
    wrong = _wrong_axes(array)
    if wrong:
        raise bad_file(clip, f"has shape {shape} and {wrong}", TURNED if shape[3:] else EXPLICIT)
    return array.reshape(wanted)


def _wrong_axes(array: np.ndarray) -> str:
    """What shows that the axes are not (T, H, W) or (T, H, W, 3); nothing if they may be."""
    colour = array.ndim == 4
    if colour and array.shape[3] != COLOURS:  # (T, H, W, 1): whoever says so is believed
        return ""
    for axis, name, order in ((2, "third", "H, W, T"), (1, "second", "H, T, W")):
        if _is_time(array, axis):
            return f"changes least along its {name} axis, as ({order}{', 3' * colour}) does"
    if colour and _interleaved(array[len(array) // 2]):
        return "lies as (T, 3, H, W): it was reshaped, not transposed"
    if not colour and _planes(array):
        return "its frames are planes of colours, as of (T, 3, H, W) or (3, T, H, W) reshaped"
    return ""


def _is_time(array: np.ndarray, axis: int) -> bool:
    """Whether the frames of an array seem to follow each other along an axis of the first three."""
    sides = set(range(3)) - {axis}
    if min(array.shape[side] for side in sides) < LEAST:
        return False
    sample = _sampled(array, (0, 1, 2))
    along = [float(sample.var(side).mean()) for side in sides]
    still = float(sample.var(axis).mean())
    return still < STILL * min(along) and max(along) < UNLIKE * min(along)


def _interleaved(frame: np.ndarray) -> bool:
    """Whether the values of a frame (H, W, 3) make a picture as three planes (H, W).

    Of pixels whose colours lie beside each other, rows of such planes are a third of the width
    apart, and neighbours are of different colours.
    """
    height, width, _ = frame.shape
    planes = frame.reshape(COLOURS, height, width).astype(float)
    spread = 2 * planes.var(2).mean()
    steps = ((planes[:, 1:] - planes[:, :-1]) ** 2, (planes[..., 1:] - planes[..., :-1]) ** 2)
    return all(step.size and step.mean() < STILL * spread for step in steps)


def _planes(array: np.ndarray) -> bool:
    """Whether the frames (T, H, W) seem to be planes: R, G, B in turn, or all R, all G, all B."""
    import numpy as np

    count = len(array) // COLOURS
    if len(array) % COLOURS or count < 2:
        return False
    sample = _sampled(array, (1, 2)).astype(float)
    turns = sample.reshape(count, COLOURS, -1)
    if turns.var(0).mean() < STILL * turns.var(1).mean():
        return True
    steps = (np.diff(sample, axis=0) ** 2).mean((1, 2))
    jumps = steps[count - 1 :: count]
    others = np.delete(steps, np.s_[count - 1 :: count])
    return count > 2 and bool(STILL * jumps.min() > others.max() > 0)


def _sampled(array: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """The array at some places along these of its first three axes."""
    import numpy as np

    most = (PLACES if axis in axes else array.shape[axis] for axis in range(3))
    places = zip(array.shape, most, strict=False)
    return array[np.ix_(*(np.linspace(0, n - 1, min(n, m)).astype(int) for n, m in places))]


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
        raise bad_file(
            clip, f"cannot be read ({reason})", "save it again with numpy.save"
        ) from error
    if kind.hasobject:
        what = "cannot be read: it holds Python objects, a pickle, which is never loaded"
        raise bad_file(clip, what, "save numbers of kind uint8 with numpy.save")
    return shape, by_columns, kind, file.tell()


def frame_rate(clip: Clip, content: bytes) -> float | None:
    """Frames per second that a video states; None where it states none, and of arrays."""
    return None if is_array(clip) else video_rate(content)


def is_array(clip: Clip) -> bool:
    """Whether the clip's file is a .npy array."""
    return clip.frames[0].suffix.lower() == ".npy"
