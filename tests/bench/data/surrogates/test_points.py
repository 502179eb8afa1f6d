"""Landmarks of generated faces: in the usual order, and where the frames show what they mark."""

from __future__ import annotations

from itertools import islice, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from surrogate_rows import any_seed

from bench.data.sets.catalogue import load_clips
from bench.data.steps.landmarks import landmark_points
from bench.data.stills.patches import chosen
from bench.data.surrogates.faces import draw_face
from bench.data.surrogates.pictures import render_clip
from bench.data.surrogates.plans import Settings, plan_clips
from bench.data.surrogates.points import face_points, onset_points
from bench.data.surrogates.releases import RELEASES
from bench.data.surrogates.writing import write_surrogate

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
@settings(max_examples=20)
def test_a_face_at_rest_is_its_own_mirror_image(seed):
    points = face_points(draw_face(np.random.default_rng(seed)))
    assert points.shape == (68, 2)
    np.testing.assert_allclose(points[list(MIRRORED)], points * (-1, 1), atol=1e-12)


@given(any_seed)
@settings(max_examples=20)
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


@given(any_seed)
@settings(max_examples=20)
def test_each_part_is_numbered_as_detectors_do(seed):
    points = face_points(draw_face(np.random.default_rng(seed)))
    x, y = points.T
    assert (np.diff(y[:9]) > 0).all() and (x[:8] < 0).all()  # down to the chin, image's left first
    assert (np.diff(x[17:27]) > 0).all()
    assert (np.diff(y[27:31]) > 0).all() and (np.diff(x[31:36]) > 0).all()
    for start, right, end in ((36, 39, 42), (42, 45, 48), (48, 54, 60), (60, 64, 68)):
        ring = slice(start, end)
        assert start + x[ring].argmin() == start
        assert start + x[ring].argmax() == right
        assert y[start + 1 : right].mean() <= y[right + 1 : end].mean()  # clockwise


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
    points = onset_points(plan_clips("smic", 0)[0], Settings(0.0, 0, 128))
    heights = np.array(chosen(points, "here"))[:, 1]
    assert len(heights) == 30
    assert heights[:10].max() < points[36:48, 1].min()  # above the eyes
    assert heights[10:].min() > points[31:36, 1].max()  # below the nose


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("dataset", [*RELEASES, "composite"])
def test_every_clip_that_loads_has_them(tmp_path, dataset, raw):
    subjects = {plan.row.dataset: plan.row.subject for plan in plan_clips(dataset, 0)}
    folder, names = tmp_path / "clips", list(subjects.values())
    write_surrogate(dataset, folder, size=16, subjects=names, raw=raw, workers=1)
    clips = load_clips(dataset, folder, names).clips
    assert {clip.dataset for clip in clips} == set(subjects)
    for clip in clips:
        assert len(landmark_points(clip, str(folder / "landmarks.csv"))) == 68
