"""A file of several pictures is no frame, whatever its format and whoever reads it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from bench.data.clips import Clip
from bench.data.disk.images import decode, read_frames
from bench.data.disk.ready_flow import ReadyFlow, is_ready_flow
from bench.data.sets.catalogue import load_clips
from bench.errors import DataError


def pictures(side: int, count: int) -> list[Image.Image]:
    levels = np.random.default_rng(0).integers(0, 256, (count, side, side, 3), np.uint8)
    return [Image.fromarray(each) for each in levels]


def clip_of(path) -> Clip:
    return Clip("lab", "p1", "c", 0, (path,), None, "negative", 200.0)


@pytest.mark.parametrize("suffix", ["webp", "gif", "tif", "png"])
@pytest.mark.parametrize("count", [1, 3])
def test_a_frame_is_a_file_of_one_picture(tmp_path, suffix, count):
    first, *others = pictures(16, count)
    path = tmp_path / f"img1.{suffix}"
    first.save(path, save_all=count > 1, append_images=others)
    clip = clip_of(path)
    if count == 1:
        assert decode(clip, read_frames(clip)).shape == (1, 16, 16, 3)
        return
    with pytest.raises(DataError, match=r"holds 3 pictures .* numbered in their order"):
        decode(clip, read_frames(clip))


def test_a_ready_flow_image_is_one_picture_too(tmp_path):
    first, *others = pictures(28, 3)
    first.save(path := tmp_path / "flow.tif", save_all=True, append_images=others)
    assert is_ready_flow(path)
    clip = clip_of(path)
    with pytest.raises(DataError, match="holds 3 pictures"):
        ReadyFlow(28).make(clip, read_frames(clip))


@pytest.mark.parametrize("suffix", ["webp", "tif"])
def test_it_is_refused_where_a_manifest_names_it(tmp_path, suffix):
    first, *others = pictures(16, 3)
    first.save(tmp_path / f"c.{suffix}", save_all=True, append_images=others)
    row = f"lab,s1,c,negative,c.{suffix}"
    (tmp_path / "m.csv").write_text(f"dataset,subject,clip,label,frames\n{row}\n")
    found = load_clips(f"manifest:{tmp_path / 'm.csv'}", tmp_path)
    (problem,) = found.problems
    assert found.clips == () and problem.fatal and "holds 3 pictures" in problem.what


def test_what_a_camera_adds_to_a_photograph_is_no_frame(tmp_path):
    first, *others = pictures(16, 2)
    first.save(path := tmp_path / "img1.jpg", "MPO", save_all=True, append_images=others)
    clip = clip_of(path)
    assert decode(clip, read_frames(clip)).shape == (1, 16, 16, 3)
