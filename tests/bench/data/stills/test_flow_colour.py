"""Colours of a flow, against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from bench.data.stills.flow_colour import flow_colours

RED = np.full((1, 2, 3), (200.0, 0.0, 0.0))
"""A fully saturated apex frame of two pixels."""


@pytest.mark.parametrize(
    ("u", "v", "colour"),
    [
        (3, 0, (255, 0, 0)),  # right, hue 0
        (0, 3, (127.5, 255, 0)),  # down, a quarter of the circle
        (-3, 0, (0, 255, 255)),
        (0, -3, (127.5, 0, 255)),
    ],
)
def test_directions_go_round_the_colours_and_the_pixel_at_rest_is_black(u, v, colour):
    flow = np.array([[[u, 0]], [[v, 0]]], np.float32)
    image = flow_colours(flow, RED)
    assert image.shape == (1, 2, 3)
    np.testing.assert_allclose(image, [[colour, (0, 0, 0)]], atol=1e-3)


def test_saturation_is_that_of_the_apex():
    """Red 200, green and blue 100 is half saturated; black and grey pixels are not at all."""
    flow = np.array([[[1, 1, 1, 0]], [[0, 0, 0, 0]]], np.float32)
    apex = np.array([[(200, 100, 100), (50, 50, 50), (0, 0, 0), (0, 0, 0)]], float)
    image = flow_colours(flow, apex)
    white, black = (255, 255, 255), (0, 0, 0)
    np.testing.assert_allclose(image, [[(255, 127.5, 127.5), white, white, black]], atol=1e-3)


def test_motion_that_is_the_same_everywhere_is_black():
    assert not flow_colours(np.ones((2, 1, 2), np.float32), RED).any()
