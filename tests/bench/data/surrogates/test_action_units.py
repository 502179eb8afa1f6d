"""Action units: they pull the landmarks that FACS names, in its directions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from surrogate_rows import any_seed

from bench.data.surrogates.action_units import ACTION_UNITS, unit_field
from bench.data.surrogates.faces import draw_face, landmarks


@pytest.mark.parametrize("unit", ACTION_UNITS)
@given(seed=any_seed)
@settings(max_examples=5)
def test_a_unit_moves_at_most_by_one_and_symmetrically_without_asymmetry(unit, seed):
    face = draw_face(np.random.default_rng(seed))
    assert np.hypot(*unit_field(face, unit, 32)).max() == pytest.approx(1)
    field = unit_field(replace(face, asymmetry=0.0), unit, 32)
    np.testing.assert_allclose(field[0], -field[0, :, ::-1], atol=1e-6)
    np.testing.assert_allclose(field[1], field[1, :, ::-1], atol=1e-6)


@pytest.mark.parametrize(
    ("unit", "landmark", "outwards", "down"),
    [
        (1, "inner_brow", 0, -1),
        (2, "outer_brow", 0, -1),
        (4, "inner_brow", -1, 1),
        (5, "upper_lid", 0, -1),
        (6, "cheek", 0, -1),
        (9, "nose_side", 0, -1),
        (12, "lip_corner", 1, -1),
        (14, "lip_corner", -1, 0),
        (15, "lip_corner", 0, 1),
        (26, "chin", 0, 1),
    ],
)
@given(seed=any_seed)
@settings(max_examples=5)
def test_a_unit_pulls_its_landmark_the_way_facs_says(unit, landmark, outwards, down, seed):
    face = draw_face(np.random.default_rng(seed))
    field = unit_field(face, unit, 64)
    x, y = landmarks(face)[landmark]
    column, line = int((x + 1) * 32), int((y + 1) * 32)
    for expected, part in ((outwards, field[0]), (down, field[1])):
        assert not expected or part[line, column] * expected > 0.2


@given(seed=any_seed, asymmetry=st.floats(-0.2, 0.2))
@settings(max_examples=5)
def test_asymmetry_is_the_strength_of_the_left_half_less_the_right(seed, asymmetry):
    face = replace(draw_face(np.random.default_rng(seed)), asymmetry=asymmetry)
    length = np.hypot(*unit_field(face, 2, 64))  # outer brows: the halves hardly meet
    left, right = length[:, :32].max(), length[:, 32:].max()
    assert (left - right) / (left + right) == pytest.approx(asymmetry, abs=0.01)
