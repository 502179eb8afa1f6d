"""TIM: the closed form is the published construction, and keeps what it must keep."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.data.steps import tim
from bench.data.steps.tim import interpolate, tim_matrix

lengths = st.integers(1, 60)


def graph_laplacian_tim(video: np.ndarray, frames: int) -> np.ndarray:
    """Zhou et al. 2011 step by step: embed, draw the curve, map back. (n, P) -> (frames, P)."""
    n = len(video)
    links = np.eye(n, k=1) + np.eye(n, k=-1)
    laplacian = np.diag(links.sum(1)) - links
    vectors = np.linalg.eigh(laplacian)[1][:, 1:]  # without the constant one: (n, n - 1)

    def curve(t: np.ndarray) -> np.ndarray:  # f_k(t) = sin(πkt + π(n-k)/(2n)), t in [1/n, 1]
        k = np.arange(1, n)
        return np.sin(np.pi * np.outer(t, k) + np.pi * (n - k) / (2 * n))

    at_frames = curve(np.arange(1, n + 1) / n)
    signs = np.sum(vectors * at_frames, axis=0) / np.sum(at_frames**2, axis=0)

    mean = video.mean(axis=0)
    left, values, right = np.linalg.svd((video - mean).T, full_matrices=False)
    left, reduced = left[:, : n - 1], (values[:, None] * right)[: n - 1]  # frames less their mean
    embed = np.linalg.lstsq(reduced.T, vectors, rcond=None)[0]  # reducedᵀ · embed = vectors

    t = np.linspace(1 / n, 1, frames) if frames > 1 else np.array([1 / n])
    points = np.linalg.lstsq(embed.T, (curve(t) * signs).T, rcond=None)[0]
    return (left @ points).T + mean


@given(n=st.integers(2, 30), frames=st.integers(1, 40))
@settings(max_examples=60)
def test_is_the_graph_laplacian_construction(n, frames):
    video = np.random.default_rng(n * 100 + frames).random((n, 4 * n))
    expected = graph_laplacian_tim(video, frames)
    assert np.abs(tim_matrix(n, frames) @ video - expected).max() < 1e-10


@given(n=lengths, frames=lengths)
def test_rows_sum_to_one_and_the_end_frames_are_exact(n, frames):
    matrix = tim_matrix(n, frames)
    assert matrix.shape == (frames, n)
    assert matrix.dtype == np.float64
    np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-12)
    np.testing.assert_array_equal(matrix[0], np.eye(n)[0])
    if frames > 1:
        np.testing.assert_array_equal(matrix[-1], np.eye(n)[-1])


@given(n=lengths)
def test_as_many_frames_as_there_are_change_nothing(n):
    np.testing.assert_array_equal(tim_matrix(n, n), np.eye(n))


@given(n=lengths, frames=st.integers(2, 60))
def test_a_clip_run_backwards_is_interpolated_backwards(n, frames):
    matrix = tim_matrix(n, frames)
    np.testing.assert_allclose(matrix[::-1, ::-1], matrix, atol=1e-12)


@given(frames=lengths)
def test_one_frame_is_repeated(frames):
    np.testing.assert_array_equal(tim_matrix(1, frames), np.ones((frames, 1)))


@given(n=lengths, frames=lengths, level=st.integers(0, 255))
def test_a_still_clip_stays_still(n, frames, level):
    still = np.full((n, 2, 3, 1), level, np.uint8)
    assert np.all(interpolate(still, frames) == level)


def test_overshoot_is_clipped_to_the_values_of_the_clip():
    step = np.array([0, 0, 0, 255, 255, 255], np.uint8).reshape(6, 1, 1, 1)
    free = tim_matrix(6, 16) @ step.reshape(6).astype(float)
    assert free.min() < 0 and free.max() > 255
    clipped = interpolate(step, 16)
    assert clipped.min() == 0 and clipped.max() == 255
    inside = (free > 0) & (free < 255)
    np.testing.assert_allclose(clipped.reshape(16)[inside], free[inside], atol=1e-3)


@pytest.mark.parametrize(
    ("dtype", "result"),
    [(np.uint8, np.float32), (np.float32, np.float32), (np.float64, np.float64)],
)
def test_blocks_and_types_agree_with_one_product(dtype, result, monkeypatch):
    monkeypatch.setattr(tim, "_BLOCK", 7)  # 36 values a frame: five whole blocks and a rest
    video = np.random.default_rng(0).integers(0, 256, (9, 4, 3, 3)).astype(dtype)
    expected = np.clip(
        np.tensordot(tim_matrix(9, 5), video.astype(float), 1), video.min(), video.max()
    )
    found = interpolate(video, 5)
    assert found.dtype == result
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-3)


def test_the_shared_matrix_cannot_be_written():
    with pytest.raises(ValueError, match="read-only"):
        tim_matrix(5, 3)[0, 0] = 2


@pytest.mark.parametrize(("n", "frames"), [(0, 4), (4, 0), (-1, 4)])
def test_no_frames_are_refused(n, frames):
    with pytest.raises(ValueError, match="at least 1"):
        tim_matrix(n, frames)
