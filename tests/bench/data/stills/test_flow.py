"""Optical flow and strain: known motion is found, stillness stays still."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moved_faces import texture, translated

from bench.data.stills.flow import flow_image, strain, tvl1

INNER = (slice(16, -16), slice(16, -16))


@pytest.mark.parametrize(
    ("right", "down"), [(0.3, -0.2), (0.5, 0.0), (-0.8, 0.4), (0.0, 1.5), (2.0, -3.0)]
)
def test_a_translation_is_found_with_its_direction(right, down):
    onset = texture()
    u, v = tvl1(onset, translated(onset, right, down))
    assert np.median(u[INNER]) == pytest.approx(right, abs=0.08)
    assert np.median(v[INNER]) == pytest.approx(down, abs=0.08)
    error = np.hypot(u[INNER] - right, v[INNER] - down)
    assert np.quantile(error, 0.9) < 0.15


def test_without_motion_flow_and_strain_are_zero():
    assert not flow_image(texture(), texture()).any()


def test_flow_is_in_pixels_of_the_frames():
    image = flow_image(texture(), translated(texture(), 0.5, 0))
    assert image.shape == (3, 96, 96)
    assert image.dtype == np.float32


@given(st.lists(st.floats(-2, 2), min_size=6, max_size=6))
def test_the_strain_of_a_linear_field_is_the_same_everywhere(numbers):
    ux, uy, vx, vy, u0, v0 = numbers
    y, x = np.mgrid[:7, :9].astype(float)
    found = strain(u0 + ux * x + uy * y, v0 + vx * x + vy * y)
    expected = np.sqrt(ux**2 + vy**2 + (uy + vx) ** 2 / 2)
    np.testing.assert_allclose(found, expected, atol=1e-6)


@given(st.floats(-1, 1))
def test_a_small_rotation_strains_nothing(angle):
    y, x = np.mgrid[:7, :9].astype(float)
    np.testing.assert_allclose(strain(-angle * y, angle * x), 0, atol=1e-12)
