"""Arrays: time is their first axis, colours the last, and one that shows otherwise is refused."""

from __future__ import annotations

import numpy as np
import pytest
from image_clips import clip_of, noise
from moved_faces import texture, translated

from bench.data.disk.images import decode, read_frames
from bench.data.inspect.deep import deep_problems
from bench.errors import DataError


def face(frames, height, width):
    """A texture that moves by a pixel, with noise: (T, H, W), uint8."""
    moved = np.stack([translated(texture(64), n / frames, 0) for n in range(frames)])
    spoilt = moved + np.random.default_rng(0).normal(0, 2, moved.shape)
    return spoilt.clip(0, 255).astype(np.uint8)[:, :height, :width]


def saved(folder, array):
    np.save(folder / "a.npy", array)
    return clip_of([folder / "a.npy"])


@pytest.mark.parametrize("shape", [(9, 64, 48), (40, 40, 64), (64, 60, 50), (2, 48, 64)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_frames_along_the_last_axis_are_refused(tmp_path, shape, order):
    video = face(*shape)
    clip = saved(tmp_path, video.transpose(1, 2, 0).copy(order))
    with pytest.raises(DataError, match=r"\(H, W, T\).*; save grey frames as \(T, H, W, 1\)"):
        decode(clip, read_frames(clip))
    assert [problem.kind for problem in deep_problems([clip], 1)[0]] == ["unreadable"]
    clip = saved(tmp_path, video.transpose(1, 2, 0)[..., None])  # whoever says so is believed
    assert len(decode(clip, read_frames(clip))) == shape[1]


@pytest.mark.parametrize(
    "array",
    [
        face(4, 64, 48),
        face(64, 30, 20),
        np.repeat(face(1, 64, 48), 9, axis=0),  # a still
        np.full((9, 64, 48), 7, np.uint8),
        noise(9, 40, 30, 1),
        face(9, 64, 48) // 2 + np.arange(0, 90, 10, np.uint8)[:, None, None],  # ever brighter
    ],
)
def test_frames_along_the_first_axis_are_read(tmp_path, array):
    clip = saved(tmp_path, array)
    np.testing.assert_array_equal(decode(clip, read_frames(clip))[..., 0], array)


def in_colour(frames, height, width):
    """A face whose colours differ: (T, H, W, 3), uint8."""
    grey, shade = face(frames, height, width), face(1, width, height)[0].T
    return np.stack([grey, grey // 2 + 20, shade // 2 + grey // 4], axis=3)


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ((1, 2, 0), "third axis, as (H, W, T"),
        ((2, 1, 0), "third axis, as (H, W, T"),
        ((1, 0, 2), "second axis, as (H, T, W"),
    ],
)
@pytest.mark.parametrize("shape", [(9, 64, 48), (30, 40, 40)])
def test_axes_in_another_order_are_refused_in_grey_and_colour(tmp_path, order, said, shape):
    for array in (face(*shape).transpose(order), in_colour(*shape).transpose(*order, 3)):
        if array.ndim == 3 and array.shape[0] == array.shape[1] != array.shape[2]:
            continue  # its shape says so
        clip = saved(tmp_path, array)
        with pytest.raises(DataError) as error:
            decode(clip, read_frames(clip))
        assert said in str(error.value)
        assert ("if those are its axes" in str(error.value)) == (array.ndim == 4)


@pytest.mark.parametrize("shape", [(9, 64, 48), (4, 40, 50)])
def test_planes_of_colours_are_neither_pixels_nor_frames(tmp_path, shape):
    video = in_colour(*shape)
    planes = video.transpose(0, 3, 1, 2)
    for array, said in (
        (planes.reshape(video.shape), r"lies as \(T, 3, H, W\): it was reshaped, not transposed"),
        (planes.reshape(-1, *shape[1:]), "are planes of colours"),
        (video.transpose(3, 0, 1, 2).reshape(-1, *shape[1:]), "are planes of colours"),
    ):
        clip = saved(tmp_path, array)
        with pytest.raises(DataError, match=said):
            decode(clip, read_frames(clip))
    clip = saved(tmp_path, array[..., None])  # whoever says so is believed
    assert len(decode(clip, read_frames(clip))) == 3 * shape[0]


@pytest.mark.parametrize(
    "array",
    [
        in_colour(4, 64, 48),
        in_colour(60, 30, 30),
        np.repeat(face(9, 64, 48)[..., None], 3, axis=3),  # grey, stored as colour
        np.full((9, 64, 48, 3), (200, 120, 90), np.uint8),
        noise(9, 40, 30, 3),
        in_colour(9, 64, 48) // 2 + np.arange(0, 90, 10, np.uint8)[:, None, None, None],
    ],
)
def test_colour_arrays_are_read(tmp_path, array):
    clip = saved(tmp_path, array)
    np.testing.assert_array_equal(decode(clip, read_frames(clip)), array)


def test_frames_that_repeat_thrice_or_flicker_are_no_planes(tmp_path):
    flicker = face(12, 64, 48) // 2 + np.tile(np.array([0, 40], np.uint8), 6)[:, None, None]
    for array in (np.repeat(face(3, 64, 48), 3, axis=0), flicker):
        clip = saved(tmp_path, array)
        assert len(decode(clip, read_frames(clip))) == len(array)
