"""Action units: they pull the landmarks that FACS names, in its directions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from surrogate_rows import any_seed

from bench.config.settings import NEWEST_VERSION
from bench.data.sets.challenge import CLASS_MAPS
from bench.data.surrogates.action_units import (
    ACTION_UNITS,
    CODED_UNITS,
    coded_field,
    unit_field,
)
from bench.data.surrogates.coded_units import CODED
from bench.data.surrogates.faces import draw_face, grid, landmarks
from bench.data.surrogates.releases import RELEASES


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


@pytest.mark.parametrize("unit", [2, 12, 43])
@given(seed=any_seed)
@settings(max_examples=5)
def test_a_one_sided_unit_leaves_the_other_half_almost_still(unit, seed):
    face = replace(draw_face(np.random.default_rng(seed)), asymmetry=0.0)
    for side, moving in (("L", slice(32, None)), ("R", slice(None, 32))):  # the person's left
        stream = np.random.default_rng(seed)
        length = np.hypot(*coded_field(face, [unit], side, *grid(64), stream))
        assert length[:, moving].sum() > 2 * length[:, ::-1][:, moving].sum()


def test_units_that_releases_code_can_be_shown():
    shown = {
        unit
        for releases in CODED.values()
        for words in releases.values()
        for each in words.values()
        for s in each.weights
        for unit in s
    }
    assert {10, 25, 43} <= shown <= set(CODED_UNITS)


SHEETS = {
    ("casme2", "negative"): {4: 0.67, 7: 0.33, 17: 0.22, 10: 0.19, 9: 0.14, 15: 0.13, 14: 0.06},
    ("casme2", "positive"): {12: 0.84, 6: 0.25, 14: 0.16, 15: 0.09},
    ("casme2", "surprise"): {2: 0.8, 1: 0.72, 25: 0.08},
    ("samm", "negative"): {7: 0.42, 4: 0.23, 14: 0.12, 17: 0.08, 20: 0.08, 43: 0.07, 10: 0.03},
    ("samm", "positive"): {12: 0.88, 15: 0.08, 7: 0.12, 6: 0.04},
    ("samm", "surprise"): {5: 0.6, 1: 0.27, 2: 0.27, 26: 0.13},
}
"""Share of a class's clips that show a unit, from the coding sheets of the releases."""


@pytest.mark.parametrize(("dataset", "name"), SHEETS)
def test_units_are_shown_as_often_as_the_sheets_code_them(dataset, name):
    share: dict[int, float] = {}
    coding = CODED[NEWEST_VERSION][dataset]
    words = [word for word in coding if CLASS_MAPS[dataset].get(word) == name]
    clips = sum(RELEASES[dataset].quota[word] for word in words)
    for word in words:
        weights = coding[word].weights
        for units, weight in weights.items():
            for unit in units:
                part = weight / sum(weights.values()) * RELEASES[dataset].quota[word] / clips
                share[unit] = share.get(unit, 0) + part
    for unit, expected in SHEETS[dataset, name].items():
        assert share[unit] == pytest.approx(expected, abs=0.05)
