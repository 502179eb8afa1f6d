"""Videos as frames (needs the extra `video`): upright, whole, and each counted from 0."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BytesIO
from itertools import islice, pairwise
from typing import TYPE_CHECKING, TypeVar, cast

from bench.data.clips import Clip
from bench.data.disk.limits import MAX_CLIP_BYTES, MAX_PIXELS
from bench.data.disk.numbering import JPEG_SUFFIXES, VIDEO_SUFFIXES
from bench.errors import DataError, printable
from bench.system.installed import install_command

if TYPE_CHECKING:
    import numpy as np
    from av import VideoFrame
    from av.container import InputContainer
    from av.packet import Packet

VIDEO_VERSION = 2
"""Raised whenever the same file would give other frames, or be refused: old cache entries lapse."""

ARRAY_VERSION = 3
"""The same of .npy arrays."""

JPEG_VERSION = 1
"""The same of JPEG images."""

MOST_FRAMES = 20_000
"""A clip lasts half a second: a longer file is not a clip, and could fill the memory."""

MISCOUNTED = 1
"""Frames by which a whole video's own count may be off."""

VIDEO_FORMATS = "avi,matroska,webm,mov,mp4,mpeg,mpegts,mpegvideo"
"""The only formats that are opened, whatever the file's name.

A playlist, for example, would make FFmpeg open the files and addresses that it lists.
"""

COVERS = frozenset({"mjpeg", "png", "bmp", "gif"})
"""Codecs of a still that a player shows of a video, which is stored as a video beside it."""

A_PACKET_A_FRAME = frozenset({"h264", "hevc"})
"""Codecs of which Matroska has each frame in a packet of its own, and no others."""

QUARTER_TURNS = {(1, 0, 0, 1): 0, (0, -1, 1, 0): 1, (-1, 0, 0, -1): 2, (0, 1, -1, 0): 3}
"""Signs of a display matrix -> counter-clockwise quarter turns that set a frame upright."""

ANEW = "write it anew, as with `ffmpeg -i OLD -c:v libx264 -qp 0 NEW.mp4`"

EVEN = 0.1
"""Share of the time between two frames by which cameras that run evenly are off."""

HIGH_RANGE = frozenset({16, 18})
"""Transfer characteristics of HDR: PQ (SMPTE ST 2084) and HLG (ARIB STD-B67), as of H.273."""

FIRST_FRAMES = 2
"""Frames that are asked whether a video is interlaced."""

_ONLY_THESE = {"format_whitelist": VIDEO_FORMATS, "protocol_whitelist": ""}


def read_video(clip: Clip, content: bytes, first: int, end: int | None) -> tuple[np.ndarray, int]:
    """The frames from `first` to before `end` (None: all), and how many were counted up to there.

    They are uint8 RGB (n, H, W, 3), turned as players turn them, fewer where the video ends before.
    Raises DataError for a file that cannot be
    read, is cut off, mirrored or turned by other than quarters, and for one that begins amid its
    frames.
    """
    import numpy as np

    try:
        import av
    except ImportError:
        raise DataError(
            f"{printable(clip.frames[0])}: reading a video needs PyAV: " + install_command("video")
        ) from None
    frames: list[np.ndarray] = []
    taken = 0
    try:
        with av.open(BytesIO(content), "r", options=_ONLY_THESE) as container:
            _check_streams(clip, container)
            reader = _Reader(clip, container)
            for number, frame in enumerate(reader):
                if number >= (MOST_FRAMES + first if end is None else end):
                    break
                if frame.is_corrupt:
                    what = f"is damaged or cut off: frame {number} is not whole"
                    raise bad_file(clip, what, "copy it again")
                if number < first:
                    continue
                taken += 3 * frame.width * frame.height
                if taken > MAX_CLIP_BYTES:
                    what = f"needs more than {MAX_CLIP_BYTES >> 20} MB"
                    raise bad_file(clip, what, "give onset and offset, or crop it to the face")
                turns = _quarter_turns(clip, frame)
                frames.append(np.rot90(frame.to_ndarray(format="rgb24"), turns))
            if end is None and len(frames) == MOST_FRAMES:
                raise bad_file(clip, f"has {MOST_FRAMES} frames or more", "give onset and offset")
            if end is None or reader.decoded < end:
                reader.check_whole(content)
    except (av.FFmpegError, IndexError, ValueError) as error:
        reason = printable(error)[:120]
        what = f"cannot be decoded ({reason})"
        raise bad_file(clip, what, "copy it again, or convert it") from error
    if len({frame.shape for frame in frames}) > 1:
        raise bad_file(clip, "changes its size", "convert it to one size")
    video = np.stack(frames) if frames else np.empty((0, 1, 1, 3), np.uint8)
    return video, reader.decoded


class _Reader:
    """The frames of the first video in a container, and what was seen of its packets."""

    def __init__(self, clip: Clip, container: InputContainer) -> None:
        self.clip = clip
        self.container = container
        self.packets = self.decoded = 0

    def __iter__(self) -> Iterator[VideoFrame]:
        """Each frame in order; DataError where those before the first key frame are lost."""
        begins_whole, start = True, None
        for packet in self.container.demux(self.container.streams.video[0]):
            if packet.size and not self.packets:
                begins_whole, start = packet.is_keyframe, packet.pts
            self.packets += bool(packet.size)  # the last is empty: the decoder gives what it holds
            for frame in packet.decode():
                # Some files mark no frame of those codecs of which each frame stands alone.
                if not (self.decoded or begins_whole or (frame.key_frame and frame.pts == start)):
                    what = "begins amid its frames (no key frame), so that its first ones are lost"
                    advice = "cut it from the whole video without `-c copy`"
                    advice += ": `ffmpeg -ss START -i WHOLE NEW`"
                    raise bad_file(self.clip, what, advice)
                self.decoded += 1
                yield frame

    def check_whole(self, content: bytes) -> None:
        """DataError where the file has less than it promises: bytes, or frames."""
        stream = self.container.streams.video[0]
        form, stated = self.container.format.name, stream.frames
        if not stated and "matroska" in form and stream.codec_context.name in A_PACKET_A_FRAME:
            stated = self.packets
        absent = absent_bytes(form, content)
        few = self.decoded + MISCOUNTED < stated
        if not self.decoded or (absent and (few or not stream.frames)):
            what = f"is cut off: {self.decoded} of {stream.frames or 'its'} frames can be decoded"
            raise bad_file(self.clip, what, "copy it again")
        if few:
            what = f"shows {self.decoded} of the {stated} frames that it holds"
            if "mp4" in form:
                advice = f"it was trimmed (an edit list) or damaged: {ANEW}, and count frames there"
            else:
                advice = "it is damaged or cut off: copy it again"
            raise bad_file(self.clip, what, advice)


def absent_bytes(form: str, content: bytes) -> int:
    """Bytes by which the parts of a Matroska or MP4 file reach beyond its end; 0 for others.

    form: FFmpeg's name of the format.
    """
    if "matroska" in form:
        return max(_matroska_end(content) - len(content), 0)
    if "mp4" in form:
        return max(_mp4_end(content) - len(content), 0)
    return 0


SEGMENT = 0x18538067
"""The part of a Matroska file that holds all others (RFC 9559)."""


def _matroska_end(content: bytes) -> int:
    """Where the last part ends by its own size; 0 where a part states none (a live recording)."""
    at = 0
    while at < len(content) and content[at]:  # zeros are no part: bytes behind the last one
        kind, at = _ebml_number(content, at, keep_length=True)
        if at >= len(content):
            return at + 1
        size, at = _ebml_number(content, at)
        if size is not None:
            at += size
        elif kind != SEGMENT:
            return 0
    return at


def _ebml_number(content: bytes, at: int, keep_length: bool = False) -> tuple[int | None, int]:
    """A number of 1 to 8 bytes, whose leading bit says how many (None: unknown), and its end."""
    length = 9 - content[at].bit_length()
    number = int.from_bytes(content[at : at + length], "big")
    if not keep_length:
        number &= (1 << 7 * length) - 1
    unknown = not keep_length and number == (1 << 7 * length) - 1
    return (None if unknown else number), at + length


def _mp4_end(content: bytes) -> int:
    """Where the last box ends by its own size (ISO/IEC 14496-12)."""
    at = 0
    while at < len(content):
        size = int.from_bytes(content[at : at + 4], "big")
        if size == 1:
            size = int.from_bytes(content[at + 8 : at + 16], "big")
        if size < 8:  # 0: to the end of the file
            return 0
        at += size
    return at


def _quarter_turns(clip: Clip, frame: VideoFrame) -> int:
    """How often a frame is to be turned counter-clockwise by 90 degrees, as players turn it."""
    import numpy as np

    side_data = frame.side_data.get("DISPLAYMATRIX")
    if side_data is None:
        return 0
    matrix = np.frombuffer(bytes(cast("bytes", side_data)), "=i4").reshape(3, 3)[:2, :2] / (1 << 16)
    signs = np.sign(np.where(np.abs(matrix) < np.abs(matrix).max() / 100, 0, matrix))
    turns = QUARTER_TURNS.get(tuple(signs.astype(int).ravel().tolist()))
    if turns is None:
        how = "mirrored" if np.linalg.det(matrix) < 0 else "turned by an odd angle"
        raise bad_file(clip, f"is to be shown {how} (its display matrix)", ANEW)
    return turns


def reader_key(clip: Clip) -> str:
    """Names the version of the code that reads a video, array or JPEG; empty for other files."""
    suffix = clip.frames[0].suffix.lower() if clip.frames else ""
    if suffix == ".npy":
        return f" array {ARRAY_VERSION}"
    if suffix in JPEG_SUFFIXES:
        return f" jpeg {JPEG_VERSION}"
    return f" video {VIDEO_VERSION}" if suffix in VIDEO_SUFFIXES else ""


Told = TypeVar("Told")


def _told(content: bytes, ask: Callable[[InputContainer], Told]) -> Told | None:
    """What a file says of itself, nothing decoded; None where it cannot be read.

    What is wrong with it is said when it is decoded.
    """
    try:
        import av
    except ImportError:
        return None
    try:
        with av.open(BytesIO(content), "r", options=_ONLY_THESE) as container:
            return ask(container)
    except (av.FFmpegError, IndexError, ValueError):
        return None


def frame_rate(content: bytes) -> float | None:
    """Frames per second that a video states; None where it states none, or cannot be read."""
    rate = _told(content, lambda container: container.streams.video[0].average_rate)
    return float(rate) if rate else None


def has_high_range(content: bytes) -> bool:
    """Whether a video says that it is HDR; False where it says nothing, or cannot be read."""
    curve = _told(content, lambda container: container.streams.video[0].codec_context.color_trc)
    return curve in HIGH_RANGE


def is_interlaced(content: bytes) -> bool:
    """Whether first frames of a video show two moments each, in lines by turns.

    False where it cannot be read.
    """

    def first_frames(container: InputContainer) -> bool:
        frames = islice(container.decode(video=0), FIRST_FRAMES)
        return any(frame.interlaced_frame for frame in frames)

    return bool(_told(content, first_frames))


def uneven_times(content: bytes, first: int, end: int | None) -> tuple[float, float] | None:
    """The shortest and the longest time in ms between frames first..end, where they are not even.

    None where they are, up to the unit that files count in or EVEN, and for a file without
    times or that cannot be read. Nothing is decoded.
    """
    found = _told(content, _packets)
    if found is None:
        return None
    packets, unit = found
    stamps = [packet.pts for packet in packets if not packet.is_discard]
    times = sorted(stamp for stamp in stamps if stamp is not None)
    if len(times) < len(stamps):
        return None
    gaps = sorted(after - before for before, after in pairwise(dict.fromkeys(times[first:end])))
    if len(gaps) < 2:
        return None
    usual = gaps[len(gaps) // 2]
    rounded = max(1, 1.01 / (1000 * unit)) if unit else 1  # also by a container of before, to 1 ms
    off = max(EVEN * usual, min(rounded, usual / 2))
    if usual - gaps[0] <= off and gaps[-1] - usual <= off:
        return None
    return 1000 * unit * gaps[0], 1000 * unit * gaps[-1]


def _packets(container: InputContainer) -> tuple[list[Packet], float]:
    """The packets of the first video, and the unit of their times in seconds, 0 for none."""
    stream = container.streams.video[0]
    packets = [packet for packet in container.demux(stream) if packet.size]
    return packets, float(stream.time_base or 0)


def _check_streams(clip: Clip, container: InputContainer) -> None:
    if not container.streams.video:
        raise bad_file(clip, "holds no video: it may be cut off", "copy it again, or convert it")
    if not all(each.codec_context for each in container.streams.video):
        what = "is of a codec that is not known: it may be cut off"
        raise bad_file(clip, what, "copy it again, or convert it")
    views = [each for each in container.streams.video if each.codec_context.name not in COVERS]
    if len(views) > 1:
        raise bad_file(clip, f"holds {len(views)} videos", "write each into a file of its own")
    for stream in container.streams.video:
        if stream.width * stream.height > MAX_PIXELS:
            what = f"has frames of {stream.width}×{stream.height} pixels"
            raise bad_file(clip, what, f"expected at most {MAX_PIXELS} pixels")


def bad_file(clip: Clip, what: str, advice: str) -> DataError:
    """The error for a file that holds a whole clip, one line."""
    where = f"{clip.dataset} {clip.subject}/{clip.name}"
    shown = printable(clip.frames[0])
    return DataError(f"{shown}: this file of clip {where} {what}; {advice}.")
