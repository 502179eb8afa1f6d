"""Frames of one clip that are turned, coloured or timed in several ways are told."""

from __future__ import annotations

import sys
from fractions import Fraction

import numpy as np
import pytest
from image_clips import clip_of, noise
from PIL import Image, ImageCms

from bench.config.settings import DataConfig
from bench.data.disk.video_files import frame_rate, has_high_range, uneven_times
from bench.data.inspect.deep import deep_problems
from bench.data.sources import input_problems

SRGB, LAB = (
    ImageCms.ImageCmsProfile(ImageCms.createProfile(name)).tobytes() for name in ("sRGB", "LAB")
)


def told(clip, cache):
    """Kinds of the problems that a run tells; a deep check tells the same."""
    made = noise(1, 4, 4)
    by_run = list(input_problems([clip], made, None, DataConfig(), cache))
    deep, _ = deep_problems([clip], 1)
    assert by_run == list(input_problems([clip], made, None, DataConfig(), cache))  # from the cache
    assert [problem for problem in deep if problem.kind != "repeated"] == by_run
    assert not any(problem.fatal for problem in by_run)
    return [problem.kind for problem in by_run]


def images(folder, ending, *options):
    paths = [folder / f"img{number}.{ending}" for number in range(1, len(options) + 1)]
    for path, pixels, kept in zip(paths, noise(len(paths), 16, 16), options, strict=True):
        Image.fromarray(pixels).save(path, **kept)
    return clip_of(paths)


def tag(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return {"exif": exif}


@pytest.mark.parametrize("ending", ["jpg", "webp", "png"])
def test_frames_that_are_turned_otherwise(tmp_path, ending):
    mixed = images(tmp_path, ending, tag(1), tag(1), tag(3))
    assert told(mixed, tmp_path / "cache") == ["turned"]
    same = images(tmp_path, ending, {}, tag(1), tag(1))
    assert told(same, tmp_path / "cache") == []
    assert told(images(tmp_path, ending, tag(6), tag(6)), tmp_path / "cache") == []


@pytest.mark.parametrize("ending", ["jpg", "png", "tif"])
def test_frames_of_another_colour_profile(tmp_path, ending):
    dated = SRGB[:24] + bytes(range(12)) + SRGB[36:]
    srgb, later, lab = ({"icc_profile": each} for each in (SRGB, dated, LAB))
    assert told(images(tmp_path, ending, srgb, srgb, lab), tmp_path / "cache") == ["profile"]
    assert told(images(tmp_path, ending, {}, {}, srgb), tmp_path / "cache") == ["profile"]
    assert told(images(tmp_path, ending, srgb, later), tmp_path / "cache") == []


def video(path, times, unit=1000, curve="bt709"):
    av = pytest.importorskip("av", reason="PyAV is absent: pip install -e '.[video]'")
    with av.open(path, "w") as container:
        stream = container.add_stream(
            "libx264", rate=30, options={"bf": "2", "x264-params": f"transfer={curve}"}
        )
        stream.height = stream.width = 32
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, unit)
        for pixels, time in zip(noise(len(times), 32, 32), times, strict=True):
            frame = av.VideoFrame.from_ndarray(pixels)
            frame.pts, frame.time_base = time, Fraction(1, unit)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return clip_of([path])


@pytest.mark.parametrize("ending", ["mkv", "mp4"])
@pytest.mark.parametrize(
    ("times", "kinds"),
    [
        ([0, 33, 66, 500, 533, 566], ["times"]),
        ([0, 33, 67, 133, 167, 200], ["times"]),  # one frame was dropped
        ([0, 33, 66, 106, 146, 186], ["times"]),  # a phone in the dark
        ([0, 33, 67, 100, 133, 167], []),
        ([0, 34, 66, 101, 133, 166], []),
        (list(range(0, 60, 5)), []),
    ],
)
def test_videos_whose_frames_are_not_even_in_time(tmp_path, ending, times, kinds):
    assert told(video(tmp_path / f"a.{ending}", times), tmp_path / "cache") == kinds


@pytest.mark.parametrize("rate", [25, 29.97, 59.94, 100, 120, 200])
@pytest.mark.parametrize("ending", ["mkv", "mp4"])
def test_times_that_a_container_rounds_are_even(tmp_path, ending, rate):
    times = np.round(np.arange(30) * 1000 / rate).astype(int).tolist()
    assert told(video(tmp_path / f"a.{ending}", times), tmp_path / "cache") == []


def stored_clip(folder, video, ending):
    """A clip of the frames, as one array or an image each."""
    if ending == "npy":
        np.save(folder / "a.npy", video)
        return clip_of([folder / "a.npy"])
    clip = clip_of([folder / f"{number}.{ending}" for number in range(len(video))])
    for path, pixels in zip(clip.frames, video, strict=True):
        Image.fromarray(pixels).save(path)
    return clip


@pytest.mark.parametrize("level", [0, 255])
@pytest.mark.parametrize("stored", ["png", "npy"])
def test_a_blank_frame_before_a_clip_is_told_by_a_run(tmp_path, level, stored):
    frames = noise(4, 16, 16)
    frames[0] = level
    clip = stored_clip(tmp_path, frames, stored)
    made = noise(1, 4, 4)
    (found,) = input_problems([clip], made, None, DataConfig(), tmp_path / "cache")
    assert (found.kind, found.fatal) == ("constant", False)
    assert "its first frame is of one level all over" in found.what
    assert [problem.kind for problem in deep_problems([clip], 1)[0]] == ["constant"]


def few(video, bits):
    """The frames with so few bits a level; 0: dithered to black and white."""
    if not bits:
        grey = [np.asarray(Image.fromarray(frame).convert("1").convert("RGB")) for frame in video]
        return np.stack(grey)
    return video >> (8 - bits) << (8 - bits)


@pytest.mark.parametrize("bits", [0, 1, 2, 4])
@pytest.mark.parametrize("ending", ["png", "npy"])
def test_frames_of_few_levels_are_told(tmp_path, bits, ending):
    frames = np.concatenate([noise(3, 32, 32), np.zeros_like(noise(3, 16, 32))], 1)  # a border
    plain, small = frames.copy(), frames >> 2 | 32
    kept = [few(plain, bits), plain, small]
    for video, kinds in zip(kept, (["levels"], [], []), strict=True):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        clip = stored_clip(folder, video, ending)
        made = noise(1, 4, 4)
        found = [*input_problems([clip], made, None, DataConfig(), tmp_path / "cache")]
        assert [problem.kind for problem in found] == kinds
        deep, _ = deep_problems([clip], 1)
        assert [problem.kind for problem in deep] == kinds
        assert all("thresholded, dithered" in problem.what for problem in (*found, *deep))


@pytest.mark.parametrize("ending", ["bmp", "tif", "ppm", "npy"])
@pytest.mark.parametrize("border", [False, True])
def test_frames_that_were_copied_in_part_are_told_by_a_run(tmp_path, ending, border):
    """And not a black border, which all frames have, nor a black frame."""
    video = noise(6, 24, 20)
    video[2] *= not border
    if border:
        video[:, :, :] = np.where(np.arange(24)[:, None, None] % 16 < 8, 0, video)
    if ending == "npy":
        if not border:
            video[3:5, 12:] = 0
        np.save(tmp_path / "a.npy", video)
        clip = clip_of([tmp_path / "a.npy"])
    else:
        paths = [tmp_path / f"{number}.{ending}" for number in range(6)]
        for path, pixels in zip(paths, video, strict=True):
            Image.fromarray(pixels).save(path)
        for path in paths[3:5] if not border else ():
            content = path.read_bytes()
            path.write_bytes(content[: len(content) // 2].ljust(len(content), b"\0"))
        clip = clip_of(paths)
    found = list(input_problems([clip], noise(1, 4, 4), None, DataConfig(), tmp_path / "cache"))
    assert [each.kind for each in found] == ["part"] * (not border)
    assert all(each.what.startswith("2 frame(s) end in zeros") for each in found)
    deep = [each.kind for each in deep_problems([clip], 1)[0]]
    assert ("part" in deep) is not border


@pytest.mark.parametrize(
    ("curve", "kinds"), [("smpte2084", ["profile"]), ("arib-std-b67", ["profile"]), ("bt709", [])]
)
@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_hdr_videos(tmp_path, ending, curve, kinds):
    file = video(tmp_path / f"a.{ending}", range(0, 160, 40), curve=curve)
    assert told(file, tmp_path / "cache") == kinds


@pytest.mark.parametrize("codec", ["mpeg2video", "mpeg4"])
@pytest.mark.parametrize(("flags", "kinds"), [("+ildct+ilme", ["interlaced"]), ("", [])])
def test_interlaced_videos(tmp_path, codec, flags, kinds):
    av = pytest.importorskip("av", reason="PyAV is absent: pip install -e '.[video]'")
    path = tmp_path / "a.avi"
    with av.open(path, "w") as container:
        stream = container.add_stream(codec, rate=25, options={"flags": flags} if flags else {})
        stream.height = stream.width = 64
        stream.pix_fmt = "yuv420p"
        for pixels in noise(4, 64, 64):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels)))
        container.mux(stream.encode())
    assert told(clip_of([path]), tmp_path / "cache") == kinds


def test_without_its_reader_a_video_says_nothing(monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    assert frame_rate(b"") is None and uneven_times(b"", 0, None) is None
    assert not has_high_range(b"")
