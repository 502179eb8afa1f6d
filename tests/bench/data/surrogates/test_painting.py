"""Painted faces: what their lids cover."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from surrogate_rows import any_seed

from bench.data.surrogates.faces import draw_face, grid
from bench.data.surrogates.painting import lid_mask, paint


def test_lids_close_from_above():
    face = draw_face(np.random.default_rng(0))
    y = np.linspace(face.eye_y - face.eye_height, face.eye_y + face.eye_height, 9)
    cover = [lid_mask(face, y, closure) for closure in (0.0, 0.5, 1.0)]
    assert cover[0].mean() < 0.1 < cover[1].mean() < 0.9 < cover[2].mean()
    assert (np.diff(cover[1]) <= 0).all()


def test_open_and_closed_eyes_differ_only_around_the_eyes():
    face = draw_face(np.random.default_rng(0))
    layers = paint(face, 96, 1.0)
    change = np.abs(layers.open_eyes - layers.closed_eyes).max(axis=0)  # (96, 96)
    x, y = grid(96)
    near = (np.abs(np.abs(x) - face.eye_x) < 2 * face.eye_width) & (
        np.abs(y - face.eye_y) < 3 * face.eye_height
    )
    assert change[near].max() > 50
    assert change[~near].max() < 1


@given(any_seed)
@settings(max_examples=5)
def test_open_eyes_have_pupils_and_closed_ones_a_dark_rim(seed):
    face = draw_face(np.random.default_rng(seed))
    layers = paint(face, 192, 1.0)
    column, middle, below = (
        int((place + 1) * 96) for place in (face.eye_x, face.eye_y, face.eye_y + face.eye_height)
    )
    skin = layers.closed_eyes[0, middle, column]
    assert layers.open_eyes[0, middle, column] < 0.5 * skin
    assert layers.closed_eyes[0, middle:below, column].min() < 0.7 * skin
