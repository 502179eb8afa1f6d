"""Dynamic images: the weights are those of the formula, the picture shows what moves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bench.data.stills.dynamic_image import dynamic_image, frame_weights

videos = st.tuples(st.integers(1, 9), st.integers(1, 5), st.integers(1, 5), st.sampled_from([1, 3]))


def test_weights_by_hand():
    assert frame_weights(1).tolist() == [1]
    assert frame_weights(2).tolist() == [1, 1]  # (2-2)/1 + (4-2)/2, then (4-2)/2
    assert frame_weights(3) == pytest.approx([-1 + 1 / 2 + 1, 1 / 2 + 1, 1])


@given(st.integers(1, 300))
def test_weights_are_the_sums_of_the_formula_and_sum_to_the_number_of_frames(frames):
    expected = [
        sum((2 * i - frames) / i for i in range(n, frames + 1)) for n in range(1, frames + 1)
    ]
    assert frame_weights(frames) == pytest.approx(expected)
    assert frame_weights(frames).sum() == pytest.approx(frames)


@given(videos.flatmap(lambda shape: arrays(np.uint8, shape)))
def test_is_the_weighted_sum_stretched_over_all_channels(video):
    picture = dynamic_image(video)
    assert picture.shape == video.shape[1:]
    assert picture.dtype == np.uint8
    total = np.einsum("n,nhwc->hwc", frame_weights(len(video)), video.astype(float))
    if np.ptp(total) > 1e-9:
        stretched = (total - total.min()) / np.ptp(total) * 255
        assert np.abs(picture - stretched).max() <= 1
        assert picture.min() == 0
        assert picture.max() >= 254


@given(st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_a_still_clip_is_its_frame_with_the_contrast_stretched(frames, seed):
    frame = np.random.default_rng(seed).integers(60, 200, (6, 6, 3), dtype=np.uint8)
    video = np.repeat(frame[None], frames, axis=0)
    assert np.abs(dynamic_image(video).astype(int) - dynamic_image(frame[None])).max() <= 1


def test_what_comes_late_outweighs_what_comes_early():
    video = np.full((12, 4, 4, 1), 100, np.uint8)
    video[0, 0, 0] = 200  # a flash at the onset
    video[8, 3, 3] = 200  # and one late
    picture = dynamic_image(video)
    assert picture[3, 3] > picture[1, 1] > picture[0, 0]


def test_a_clip_of_one_colour_is_black():
    assert not dynamic_image(np.full((3, 4, 4, 3), 7, np.uint8)).any()


def test_of_nothing_is_an_error():
    with pytest.raises(ValueError, match="0 frames: expected at least 1"):
        dynamic_image(np.zeros((0, 4, 4, 3), np.uint8))
