"""Which number of a name is the frame's, and pictures as viewers show them."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from image_clips import clip_of, noise
from PIL import Image

from bench.data.clips import Clip
from bench.data.disk.images import decode
from bench.data.disk.numbering import frame_numbers, is_image
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
