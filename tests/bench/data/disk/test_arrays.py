"""Grey arrays of three axes: time is the first, and one that shows otherwise is refused."""

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
