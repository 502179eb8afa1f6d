"""Which number of a name is the frame's, and pictures as viewers show them."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from image_clips import clip_of, noise
from PIL import Image

from bench.data.clips import Clip, Problem, problem_lines
from bench.data.disk.images import decode
from bench.data.disk.numbering import frame_numbers, frame_problems, is_image
from bench.data.disk.ready_flow import ReadyFlow
from bench.data.sets.catalogue import load_clips
from bench.errors import DataError


@pytest.mark.parametrize(
    ("names", "numbers"),
    [
        (["img (3).jpg", "img (12).jpg"], [3, 12]),
        (["Bild-007_crop.png", "Bild-010_crop.png"], [7, 10]),
        (["a1_12_face.bmp", "a1_9_face.bmp"], [12, 9]),
        (["00012_aligned_2.png", "00013_aligned_2.png"], [12, 13]),
        (["006_05562.jpg", "006_05563.jpg"], [5562, 5563]),
        (["s2_frame8.webp"], [8]),
        (["10.jpg", "cover.jpg"], [10, None]),
        (["img2.jpg", "img2 (1).jpg"], [2, 1]),
    ],
)
def test_the_number_of_a_frame(names, numbers):
    assert frame_numbers([Path(name) for name in names]) == numbers


@pytest.mark.parametrize("name", ["a.webp", "a.WEBP", "a.jfif", "a.PGM"])
def test_these_are_images_too(name):
    assert is_image(name)


def stored(picture: Image.Image, orientation: int, form: str) -> bytes:
    """As a camera stores it: lying, with the tag that says how it is to be turned."""
    turned = {
        1: picture,
        3: picture.rotate(180),
        6: picture.rotate(90, expand=True),
        8: picture.rotate(-90, expand=True),
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = BytesIO()
    turned[orientation].save(file, form, exif=exif, lossless=True, quality=100)
    return file.getvalue()


@pytest.mark.parametrize("form", ["JPEG", "WEBP", "PNG"])
def test_pictures_are_turned_as_viewers_show_them(form):
    levels = np.zeros((16, 32), np.uint8)
    levels[:8, :16] = 255
    picture = Image.fromarray(levels).convert("RGB")
    kept = (1, 3, 6, 8) if form != "PNG" else (1, 3)
    paths = tuple(Path(f"{number}.{form.lower()}") for number in kept)
    clip = Clip("mine", "a", "c", 0, paths, None, "negative", 200.0)
    frames = [stored(picture, number, form) for number in kept]
    if form == "PNG":  # viewers leave it as it is stored
        assert decode(clip, frames)[1, 12, 24, 0] == 255
        return
    video = decode(clip, frames).astype(int)
    assert video.shape[:3] == (4, 16, 32)
    assert np.abs(video - video[0]).max() < 16


def test_sizes_that_differ_once_turned_are_refused():
    picture = Image.new("RGB", (32, 16))
    clip = Clip("m", "a", "c", 0, (Path("1.jpg"), Path("2.jpg")), None, "negative", 200.0)
    upright = stored(picture, 1, "JPEG")
    lying = Image.open(BytesIO(upright)).rotate(90, expand=True)
    with pytest.raises(DataError, match="one size"):
        decode(clip, [upright, stored(lying, 1, "JPEG")])


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_hole_in_a_jpeg_is_found_and_black_is_none(mode):
    soft = Image.fromarray(noise(1, 24, 24, 1)[0]).resize((96, 96))
    black = Image.new("L", (96, 96))
    black.paste(soft.resize((24, 24)), (64, 64))
    clip = clip_of([Path("1.jpg")])
    for how in ({}, {"optimize": True}, {"progressive": True}, {"restart_marker_blocks": 4}):
        for picture in (black, soft):
            file = BytesIO()
            picture.convert(mode).save(file, "JPEG", **how)
            content = file.getvalue()
            assert len(decode(clip, [content + bytes(99)])) == 1  # zeros behind are common
        if "progressive" in how:
            continue  # black may be zeros there
        middle = len(content) * 3 // 4
        holed = content[:middle] + bytes(64) + content[middle + 64 :]
        with pytest.raises(DataError, match="16 zero bytes or more amid its pixels"):
            decode(clip, [holed])
        stereo = BytesIO()
        whole = Image.open(BytesIO(content))
        whole.save(stereo, "MPO", save_all=True, append_images=[whole], quality="keep")
        content = stereo.getvalue()
        assert Image.open(BytesIO(content)).format == "MPO" and len(decode(clip, [content])) == 1
        middle = len(content) // 3
        with pytest.raises(DataError, match="16 zero bytes or more amid its pixels"):
            decode(clip, [content[:middle] + bytes(64) + content[middle + 64 :]])


@pytest.mark.parametrize("lossless", [False, True])
def test_a_webp_that_ends_in_zeros_is_refused_and_a_blank_one_is_not(lossless):
    clip = clip_of([Path("1.webp")])
    for picture in (noise(1, 96, 96)[0], np.full((400, 400, 3), 255, np.uint8)):
        file = BytesIO()
        Image.fromarray(picture).save(file, "WEBP", lossless=lossless, exif=b"Exif\0\0" + bytes(99))
        content = file.getvalue()
        assert len(decode(clip, [content])) == 1
    file = BytesIO()
    Image.fromarray(noise(1, 96, 96)[0]).save(file, "WEBP", lossless=lossless)
    content = file.getvalue()
    with pytest.raises(DataError, match="zero bytes or more amid its pixels"):
        decode(clip, [content[: len(content) // 2].ljust(len(content), b"\0")])


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_a_jpeg_that_ends_early_is_found_and_a_grey_corner_is_none(mode):
    soft = Image.fromarray(noise(1, 24, 24, 3)[0]).resize((96, 80))
    cornered = soft.copy()
    cornered.paste((128, 128, 128), (48, 40, 96, 80))
    clip = clip_of([Path("1.jpg")])
    for how in ({}, {"optimize": True}, {"progressive": True}, {"restart_marker_blocks": 4}):
        for picture in (soft, cornered, Image.new("RGB", (96, 80), (128, 128, 128))):
            file = BytesIO()
            picture.convert(mode).save(file, "JPEG", **how)
            assert len(decode(clip, [file.getvalue()])) == 1
            assert len(decode(clip, [file.getvalue() + bytes(99)])) == 1
        file = BytesIO()
        soft.convert(mode).save(file, "JPEG", **how)
        content = file.getvalue()
        for share in (0.6, 0.75, 0.9):
            cut = content[: int(share * len(content))].rstrip(b"\xff")
            with pytest.raises(DataError, match=r"end early|cannot be read"):
                decode(clip, [cut + b"\xff\xd9"])


def test_a_flow_image_whose_jpeg_ends_early_is_refused():
    clip = replace(clip_of([Path("1.jpg")]), ready_flow=True)
    file = BytesIO()
    Image.fromarray(noise(1, 28, 28, 3)[0]).save(file, "JPEG", quality=95)
    content = file.getvalue()
    assert ReadyFlow(28).make(clip, [content]).shape == (3, 28, 28)
    with pytest.raises(DataError, match="end early, and grey is filled in"):
        ReadyFlow(28).make(clip, [content[: len(content) * 2 // 3].rstrip(b"\xff") + b"\xff\xd9"])


def clips_in(folder, **cells):
    row = {
        "dataset": "lab",
        "subject": "p1",
        "clip": "a",
        "label": "negative",
        "frames": "c",
    } | cells
    (folder / "m.csv").write_text(",".join(row) + "\n" + ",".join(row.values()) + "\n")
    return load_clips(f"manifest:{folder / 'm.csv'}", folder)


def frames_in(folder, count=3):
    folder.mkdir()
    for number in range(1, count + 1):
        Image.new("L", (8, 8), number).save(folder / f"img{number}.png")
    return folder


LOST = ["img4.pnm", "img4.JP2", "img4.PNG_", "img4.png.part", "img4.png~", "img0.heic", "img5.npy"]


@pytest.mark.parametrize("name", LOST)
def test_a_frame_whose_ending_is_not_read_is_not_left_out_silently(tmp_path, name):
    (frames_in(tmp_path / "c") / name).write_bytes(b"x")
    (problem,) = clips_in(tmp_path).problems
    assert problem.fatal and f"cannot be read, the first is {name}: " in problem.what
    (problem,) = clips_in(tmp_path, frames="c/img*").problems
    assert problem.fatal
    found = clips_in(tmp_path, onset="1", offset="3")  # the clip ends before
    (problem,) = found.problems
    assert len(found.clips[0].frames) == 3 and not problem.fatal
    assert problem.where == f"c/{name}" and "named and numbered like the frames" in problem.what
    assert clips_in(tmp_path, frames="c/*.png").problems == ()


@pytest.mark.parametrize("name", ["clip.mp4", "video.wmv", "flow.npy", "all.npz", "IMG_0007.HEIC"])
def test_a_picture_video_or_array_among_frames_is_told(tmp_path, name):
    (frames_in(tmp_path / "c") / name).write_bytes(b"x")
    found = clips_in(tmp_path)
    (problem,) = found.problems
    assert len(found.clips[0].frames) == 3
    assert not problem.fatal and "a picture, video or array among the frames" in problem.what


@pytest.mark.parametrize("name", ["notes.txt", "img1.txt", "img1.png.xml", "landmarks.csv", "AU"])
def test_other_files_among_frames_are_nothing_to_tell(tmp_path, name):
    (frames_in(tmp_path / "c") / name).write_text("x")
    assert clips_in(tmp_path).problems == ()


@pytest.mark.parametrize("name", ["reg_image4.jp2", "reg_image4.bmp.part"])
def test_frames_of_a_release_are_not_left_out_either(tmp_path, name):
    clip = tmp_path / "SMIC_all_cropped" / "HS" / "s01" / "micro" / "negative" / "s01_ne_01"
    clip.mkdir(parents=True)
    for number in range(1, 4):
        Image.new("L", (8, 8)).save(clip / f"reg_image{number}.bmp")
    assert len(load_clips("smic", tmp_path).clips) == 1
    (clip / name).write_bytes(b"x")
    found = load_clips("smic", tmp_path)
    assert not found.clips
    assert any(problem.fatal and name in problem.what for problem in found.problems)


@pytest.mark.parametrize("ending", ["png", "bmp", "tif"])
def test_of_a_frame_in_two_formats_the_lossless_is_taken_and_told_in_one_line(tmp_path, ending):
    rows = []
    for name in "abc":
        (tmp_path / name).mkdir()
        for number, pixels in enumerate(noise(3, 16, 16)):
            for form in ("jpg", ending):
                Image.fromarray(pixels).save(tmp_path / name / f"{number}.{form}")
        rows.append(f"lab,p1,{name},positive,{name}")
    (tmp_path / "m.csv").write_text("\n".join(["dataset,subject,clip,label,frames", *rows]))
    found = load_clips(f"manifest:{tmp_path / 'm.csv'}", tmp_path)
    assert {path.suffix for clip in found.clips for path in clip.frames} == {f".{ending}"}
    lines = [line for line in problem_lines(found.problems) if line.startswith("odd")]
    assert len(lines) == 1
    assert f"the frame lies beside it as .{ending}, too (so it is with 2 more)" in lines[0]


@pytest.mark.parametrize("numbers", [(1, 2, 3), (4, 5, 6)])
@pytest.mark.parametrize("path", ["a*/img*.png", "a?"])
def test_a_path_that_names_two_folders_says_so(tmp_path, numbers, path):
    frames_in(tmp_path / "a1")
    (tmp_path / "a2").mkdir()
    for number in numbers:
        Image.new("L", (8, 8), number).save(tmp_path / "a2" / f"img{number}.png")
    found = clips_in(tmp_path, frames=path)
    said = [problem.what for problem in found.problems]
    assert "its frames lie in 2 folders: a1, a2; if it is one clip's, name that alone" in said
    assert not any("lies beside it" in what for what in said)
    assert any("a1/img1.png has the frame number 1, too" in w for w in said) == (1 in numbers)
    assert not clips_in(tmp_path, frames="a1").problems


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (("t0.0", "t0.05", "t0.1", "t0.15", "t0.2"), True),
        (("0,5 s", "0,75 s", "0,8 s"), True),
        (("t0.10", "t0.15", "t0.20"), False),
        (("s01.8", "s01.9", "s01.10", "s01.11"), False),
        (("img.1", "img.15", "img.2"), False),
        (("half_0.5_1", "half_0.5_12", "half_0.5_2"), False),
    ],
)
def test_numbers_behind_the_points_of_times_are_told(tmp_path, names, told):
    (tmp_path / "c").mkdir()
    for level, name in enumerate(names):
        Image.new("L", (8, 8), level).save(tmp_path / "c" / f"{name}.png")
    odd = [p.what for p in clips_in(tmp_path).problems if p.kind == "odd"]
    assert len(odd) == told and all("by the number behind its point" in what for what in odd)


@pytest.mark.parametrize(("step", "first", "last"), [(2, 4, 18), (5, 0, 22)])
def test_numbers_that_rise_by_more_than_one_are_told_as_such(step, first, last):
    (found,) = frame_problems("x", range(first, last + 1, step), first, last)
    assert f"the numbers of its frames rise by {step}:" in found.what
    (found,) = frame_problems("x", [*range(first, last - 2 * step, step)], first, last)
    assert "missing, the first is number" in found.what


@pytest.mark.parametrize("differ", [False, True])
def test_many_places_of_one_cause_are_one_line_with_the_first_and_the_count(differ):
    found = [Problem("frames", f"row {n}", f"{n * differ} of 9 missing") for n in range(24)]
    (line,) = problem_lines(found)
    assert line.startswith("frames: 24 times: row 0, row 1, ")
    assert "row 5 and 18 more" in line
    assert len(list(problem_lines(found[:3]))) == (3 if differ else 1)


@pytest.mark.parametrize(
    "what", ["it is the same as {}: counted twice?", "2 of its frames are those of {}, of another"]
)
def test_so_are_many_that_name_each_another_clip(what):
    clips = [f"lab {who}/{who}_{word}" for who in ("ann", "bea") for word in ("a", "b", "c", "d")]
    found = [Problem("twin", f"{clip}m", what.format(clip)) for clip in clips]
    (line,) = problem_lines(found)
    assert line.startswith("twin: 8 times: lab ann/ann_am, ") and what.format(clips[0]) in line
    other = replace(found[0], what="another thing")
    assert len(list(problem_lines([*found, other]))) == 2
