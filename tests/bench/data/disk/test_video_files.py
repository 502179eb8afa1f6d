"""Videos are turned as players turn them, and those that lost frames are refused."""

from __future__ import annotations

import numpy as np
import pytest
from image_clips import noise

from bench.data.clips import Clip
from bench.data.disk.images import decode, read_frames
from bench.data.steps.crop import FaceFound
from bench.data.steps.pipeline import Video
from bench.data.steps.settings import Preprocessing
from bench.data.stills.products import Flow
from bench.errors import DataError

av = pytest.importorskip("av", reason="PyAV is absent: pip install -e '.[video]'")

TURNED = {
    0: lambda video: video,
    90: lambda video: np.rot90(video, 1, (1, 2)),
    180: lambda video: video[:, ::-1, ::-1],
    270: lambda video: np.rot90(video, 3, (1, 2)),
}
"""Degrees counter-clockwise by which a player turns the frames -> the frames that it shows."""

CODECS = {
    "mkv": "libx264",
    "webm": "libvpx-vp9",
    "mp4": "libx264",
    "avi": "mpeg4",
    "mpg": "mpeg2video",
}


def clip_of(path, span=None):
    return Clip("lab", "p1", "a", 0, (path,), None, "negative", 30.0, span)


def corners(count=6, height=32, width=48):
    """Dark frames whose upper left quarter is bright, brighter from frame to frame."""
    video = np.zeros((count, height, width, 3), np.uint8)
    for number, frame in enumerate(video):
        frame[: height // 2, : width // 2] = 120 + 20 * number
    return video


def write(path, video, codec="mpeg4", **options):
    """A video of 25 frames a second; `change` is called with its stream."""
    change = options.pop("change", lambda stream: None)
    with av.open(path, "w") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.height, stream.width = video.shape[1:3]
        stream.pix_fmt = "yuv420p"
        change(stream)
        for pixels in video:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels)))
        container.mux(stream.encode())
    return clip_of(path)


def decoded(clip):
    return decode(clip, read_frames(clip))


@pytest.mark.parametrize("ending", ["mp4", "mov"])
@pytest.mark.parametrize("degrees", TURNED)
def test_a_video_is_turned_as_players_turn_it(tmp_path, ending, degrees):
    video = corners()
    path = tmp_path / f"a.{ending}"
    clip = write(path, video, change=lambda stream: stream.set_display_rotation(degrees))
    found, shown = decoded(clip).astype(int), TURNED[degrees](video).astype(int)
    assert found.shape == shown.shape
    assert np.abs(found - shown).mean() < 5


@pytest.mark.parametrize(
    ("matrix", "said"),
    [
        ((-1, 0, 0, 1), "mirrored"),
        ((0, 1, 1, 0), "mirrored"),
        ((0.7, 0.7, -0.7, 0.7), "turned by an odd angle"),
    ],
)
def test_a_mirrored_or_slanted_video_is_refused(tmp_path, matrix, said):
    a, b, c, d = (round(part * (1 << 16)) for part in matrix)
    whole = (a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path = tmp_path / "a.mp4"
    clip = write(path, corners(), change=lambda stream: stream.set_display_matrix(whole))
    with pytest.raises(DataError, match=f"a.mp4: .* is to be shown {said} .*write it anew") as told:
        decoded(clip)
    assert "\n" not in str(told.value)


def test_what_was_made_of_videos_by_earlier_versions_is_made_anew(tmp_path, monkeypatch):
    steps = Preprocessing()
    products = [Video(steps), Flow(steps, 28), FaceFound()]
    video, picture = clip_of(tmp_path / "a.mp4"), clip_of(tmp_path / "a.png")
    before = [(made.clip_key(video), made.clip_key(picture)) for made in products]
    monkeypatch.setattr("bench.data.disk.video_files.VIDEO_VERSION", 99)
    for made, (old, same) in zip(products, before, strict=True):
        assert made.clip_key(video) != old
        assert made.clip_key(picture) == same


@pytest.mark.parametrize("ending", CODECS)
def test_a_whole_video_is_read_whole(tmp_path, ending):
    clip = write(tmp_path / f"a.{ending}", noise(30, 64, 64), CODECS[ending])
    assert len(decoded(clip)) == 30


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.99])
@pytest.mark.parametrize("ending", ["mkv", "webm", "mp4"])
def test_a_video_that_was_cut_off_is_refused(tmp_path, ending, share):
    clip = write(tmp_path / f"a.{ending}", noise(30, 64, 64), CODECS[ending])
    (whole,) = read_frames(clip)
    with pytest.raises(DataError, match="copy it again"):
        decode(clip, [whole[: int(share * len(whole))]])
    if ending == "mkv":
        with pytest.raises(DataError, match="is cut off"):  # and not that it never had them
            decode(clip_of(clip.frames[0], (1, 30)), [whole[: int(share * len(whole))]])


def copied(source, path, first):
    """A stream copy from packet `first` on."""
    with av.open(source) as whole, av.open(path, "w") as part:
        stream = part.add_stream_from_template(whole.streams.video[0])
        for number, packet in enumerate(whole.demux(video=0)):
            if number >= first and packet.size:
                packet.stream = stream
                part.mux(packet)
    return clip_of(path)


@pytest.mark.parametrize("ending", ["mkv", "mp4"])
def test_a_copy_that_begins_without_a_key_frame_is_refused(tmp_path, ending):
    write(tmp_path / f"a.{ending}", noise(30, 64, 64), "libx264", g="12", sc_threshold="0")
    with pytest.raises(DataError, match=r"begins amid its frames .* without `-c copy`"):
        decoded(copied(tmp_path / f"a.{ending}", tmp_path / f"b.{ending}", 5))
    assert len(decoded(copied(tmp_path / f"a.{ending}", tmp_path / f"c.{ending}", 12))) == 18


def test_a_video_that_hides_frames_says_so(tmp_path):
    """As a phone trims: the times where to play are changed, the frames stay."""
    path = tmp_path / "a.mp4"
    clip = write(path, noise(30, 64, 64))
    whole = bytearray(path.read_bytes())
    place = whole.index(b"elst") + 16  # after version, count and duration
    whole[place : place + 4] = (10 * 512).to_bytes(4, "big")
    with pytest.raises(DataError, match=r"shows 20 of the 30 frames .* edit list.*`ffmpeg"):
        decode(clip, [bytes(whole)])


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_frames_beyond_the_end_are_told_with_those_there(tmp_path, ending):
    clip = write(tmp_path / f"a.{ending}", corners())
    later = clip_of(clip.frames[0], (1, 7))
    with pytest.raises(DataError, match=r"no frames 1\.\.6: it has 0\.\.5; .* count from 0"):
        decoded(later)
