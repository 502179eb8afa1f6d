"""Landmarks of generated faces: in the usual order, and where the frames show what they mark."""

from __future__ import annotations

from itertools import islice, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from surrogate_rows import any_seed

from bench.data.patches import BROWS_AND_MOUTH, chosen
from bench.data.surrogates.faces import draw_face
from bench.data.surrogates.pictures import render_clip
from bench.data.surrogates.plans import Settings, plan_clips
from bench.data.surrogates.points import face_points, onset_points

MIRRORED = (
    *range(16, -1, -1),
    *range(26, 16, -1),
    *range(27, 31),
    *range(35, 30, -1),
    *(45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40),
    *(54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55),
    *(64, 63, 62, 61, 60, 67, 66, 65),
)
"""Each of the 68 points in a mirror, as iBUG 300-W numbers them from 0."""


@given(any_seed)
@settings(max_examples=20, deadline=None)
def test_a_face_at_rest_is_its_own_mirror_image(seed):
    points = face_points(draw_face(np.random.default_rng(seed)))
    assert points.shape == (68, 2)
    np.testing.assert_allclose(points[list(MIRRORED)], points * (-1, 1), atol=1e-12)


@given(any_seed)
@settings(max_examples=20, deadline=None)
def test_parts_lie_in_the_order_of_a_face(seed):
    points = face_points(draw_face(np.random.default_rng(seed)))
    parts = {
        "brows": (17, 27),
        "eyes": (36, 48),
        "nose": (31, 36),
        "lips": (48, 68),
        "chin": (8, 9),
    }
    heights = [points[slice(*part), 1] for part in parts.values()]
    for above, below in pairwise(heights):
        assert above.max() < below.min()
    assert (points[:9, 0] <= 0).all()  # the image's left first
    assert (np.diff(points[:9, 1]) > 0).all()  # from the ear down to the chin


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("place", [0, 50, 100, 150])
def test_they_lie_on_what_the_onset_frame_shows(place, raw):
    plan = plan_clips("smic", 0)[place]
    setting = Settings(0.3, 0, 128, raw)
    frame = next(islice(render_clip(plan, setting), plan.before, None)).mean(2)
    points = onset_points(plan, setting)

    def grey(x, y):
        """Around a point; pixels have whole numbers."""
        column, row = round(x), round(y)
        return frame[row - 1 : row + 2, column - 1 : column + 2].mean()

    forehead = grey(*(points[19] - (0, 10)))
    for side in (slice(36, 42), slice(42, 48)):
        assert grey(*points[side].mean(0)) < 0.8 * forehead  # pupils
    for brow in (18, 19, 20, 23, 24, 25):
        assert grey(*points[brow]) < 0.8 * forehead
    for lip in (61, 62, 63):  # the seam between the lips is darker than either
        x, y = points[lip]
        assert grey(x, y) < min(grey(x, y - 4), grey(x, y + 4))


def test_the_nodes_of_graphs_are_brows_and_mouth():
    plan = plan_clips("smic", 0)[0]
    points = onset_points(plan, Settings(0.0, 0, 128))
    np.testing.assert_array_equal(chosen(points, "here"), points[list(BROWS_AND_MOUTH)])
