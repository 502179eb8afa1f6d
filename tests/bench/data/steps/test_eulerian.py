"""Eulerian magnification: nothing without motion, about 1 + α with it, always in range."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bench.data.sets.catalogue import DATASETS
from bench.data.steps.eulerian import (
    _band_pass,
    _collapsed,
    _laplacian,
    amplified,
    eulerian,
    motion_bands,
)

SETTINGS = {"alpha": 10.0, "low": 0.002, "high": 0.25, "wavelength": 16.0}


def grating(shifts, size=96, wavelength=24.0):
    """A smooth pattern moved sideways by so many pixels per frame: (n, size, size, 1)."""
    columns = np.arange(size)[None, :] - np.asarray(shifts)[:, None]
    row = 128 + 60 * np.sin(2 * np.pi * columns / wavelength)
    return np.repeat(row[:, None, :, None], size, axis=1).astype(np.float32)


def shift_of(frame, wavelength=24.0):
    """How far the grating stands to the right, in pixels, by the phase of its fundamental."""
    inner = frame[24:72, 24:72, 0].mean(0)
    wave = np.exp(-2j * np.pi * np.arange(24, 72) / wavelength)
    return -np.angle((inner * wave).sum() * 1j) * wavelength / (2 * np.pi)


def steps(video):
    """The largest motion from a frame to the next."""
    return np.abs(np.diff([shift_of(frame) for frame in video])).max()


def test_a_still_clip_stays_as_it_is():
    still = np.repeat(np.random.default_rng(0).uniform(0, 255, (1, 40, 33, 3)), 9, axis=0)
    assert np.allclose(eulerian(still, **SETTINGS), still, atol=1e-3)


@pytest.mark.parametrize("alpha", [2.0, 5.0, 10.0])
def test_a_small_motion_grows_about_1_plus_alpha_times(alpha):
    shifts = 0.1 * np.sin(np.pi * np.arange(13) / 12)  # onset, apex, offset
    magnified = eulerian(grating(shifts), **{**SETTINGS, "alpha": alpha})
    measured = max(shift_of(frame) for frame in magnified)
    assert measured / shifts.max() == pytest.approx(1 + alpha, rel=0.2)


def test_some_frames_alone_are_those_of_the_whole():
    video = grating(0.1 * np.sin(np.pi * np.arange(13) / 12))
    bands = motion_bands(video, SETTINGS["low"], SETTINGS["high"], [0, 5])
    for alpha in (3.0, 10.0):  # the bands serve again
        some = amplified(video[[0, 5]], bands, alpha, SETTINGS["wavelength"])
        whole = eulerian(video, **{**SETTINGS, "alpha": alpha})
        np.testing.assert_array_equal(some, whole[[0, 5]])


def test_what_is_slower_or_faster_than_the_band_stays():
    fast = 0.2 * (np.arange(24) % 2)
    narrow = {**SETTINGS, "high": 0.01}
    assert steps(eulerian(grating(fast), **narrow)) < 2 * 0.2
    assert steps(eulerian(grating(fast), **SETTINGS)) > 5 * 0.2


@given(
    arrays(
        np.uint8,
        st.tuples(
            st.integers(1, 6), st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3])
        ),
    )
)
def test_any_clip_stays_finite_in_range_and_shape(video):
    magnified = eulerian(video, **SETTINGS)
    assert magnified.shape == video.shape
    assert np.isfinite(magnified).all()
    assert magnified.min() >= 0 and magnified.max() <= 255


@given(st.integers(1, 70), st.integers(1, 70))
def test_the_bands_add_up_to_the_frames(height, width):
    frames = np.random.default_rng(0).uniform(0, 255, (2, height, width)).astype(np.float32)
    assert np.allclose(_collapsed(_laplacian(frames)), frames, atol=1e-2)


@pytest.mark.parametrize(("dataset", "hertz"), [("smic", 1.0), ("casme2", 2.0), ("samm", 2.0)])
def test_cut_offs_are_shares_of_the_frame_rate(dataset, hertz):
    """A first-order filter passes 1/√2 at its cut-off: 0.01 is 1 Hz of SMIC, 2 Hz of the others."""
    cut, fps = 0.01, DATASETS[dataset].fps
    seconds = np.arange(2000) / fps
    band = np.sin(2 * np.pi * hertz * seconds)[:, None, None, None]
    settled = {
        "high": _band_pass(band, 0.0, cut)[1000:],
        "low": _band_pass(band, cut, 0.5)[1000:] - _band_pass(band, 0.0, 0.5)[1000:],
    }
    for passed in settled.values():
        assert np.abs(passed).max() == pytest.approx(2**-0.5, rel=0.1)


def test_the_frame_rates_are_those_of_the_releases():
    rates = {"smic": 100, "casme2": 200, "samm": 200, "casme3": 30, "4dme": 60, "mmew": 90}
    assert {name: DATASETS[name].fps for name in rates} == rates


@pytest.mark.parametrize("channels", [1, 3])
def test_colours_keep_their_differences(channels):
    shifts = 0.1 * np.sin(np.pi * np.arange(9) / 8)
    grey = grating(shifts) / 2
    tint = np.linspace(0, 40, channels, dtype=np.float32)
    magnified = eulerian(grey + tint, **{**SETTINGS, "alpha": 3.0})
    np.testing.assert_allclose(magnified - magnified[..., :1], tint + 0 * magnified, atol=1e-3)
