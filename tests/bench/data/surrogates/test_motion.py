"""Motion: one rise and fall between onset and offset, and nuisance that grows with difficulty."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from surrogate_rows import ROWS, any_difficulty, any_row, any_seed

from bench.data.surrogates.faces import draw_face
from bench.data.surrogates.motion import (
    ALIGNMENT_LIMIT,
    conditions,
    draw_motion,
    expression_field,
)
from bench.data.surrogates.plans import Settings, plan_clip


@given(any_row, any_seed, any_difficulty, st.floats(0.85, 1.15))
def test_a_profile_rises_from_the_onset_to_the_apex_and_falls(row, seed, difficulty, gain):
    plan = plan_clip(row, seed)
    motion = draw_motion(plan, Settings(difficulty, seed, 32), gain)
    apex = plan.before + plan.apex
    assert motion.activation.shape == (plan.frames,)
    assert not motion.activation[: plan.before + 1].any()
    assert not motion.activation[plan.before + plan.length :].any()
    assert motion.activation[apex] == 1
    assert (np.diff(motion.activation[: apex + 1]) >= 0).all()
    assert (np.diff(motion.activation[apex:]) <= 0).all()
    assert 0.3 <= motion.peak <= 2


@given(any_row, any_seed, any_difficulty)
@settings(max_examples=20)
def test_the_strongest_point_of_a_clip_moves_by_its_peak_at_any_size(row, seed, difficulty):
    plan = plan_clip(row, seed)
    for size in (32, 64):
        chosen = Settings(difficulty, seed, size)
        face = draw_face(np.random.default_rng(seed))
        length = np.hypot(*expression_field(plan, chosen, face))
        assert length.max() == pytest.approx(1)
        assert length.mean() < 0.3  # an expression is local, head motion is not


@given(st.lists(any_difficulty, min_size=2, max_size=2).map(sorted))
def test_difficulty_weakens_motion_and_strengthens_nuisance(levels):
    easier, harder = (conditions(level) for level in levels)
    assert easier.peak >= harder.peak
    for nuisance in ("drift", "turn", "zoom", "blink", "flicker", "noise", "alignment"):
        assert 0 <= getattr(easier, nuisance) <= getattr(harder, nuisance)


@given(any_row, any_seed, any_difficulty)
@settings(max_examples=50, deadline=None)
def test_misalignment_shifts_and_scales_each_crop_within_bounds_and_moves_nothing_else(
    row, seed, difficulty
):
    plan, limit = plan_clip(row, seed), ALIGNMENT_LIMIT * conditions(difficulty).alignment / 64
    old, new = (
        draw_motion(plan, Settings(difficulty, seed, 32, version=version), 1.0)
        for version in (1, 2)
    )
    scale = new.zoom / old.zoom
    slip = new.shift - scale[:, None] * old.shift
    assert np.abs(scale - 1).max() <= limit + 1e-9 and np.abs(slip).max() <= limit + 1e-9
    for part in ("activation", "peak", "turn", "lids", "light", "noise"):
        assert np.array_equal(getattr(old, part), getattr(new, part))


def test_misalignment_is_drawn_anew_for_every_frame():
    plans = [plan_clip(row, 0) for row in ROWS["smic"][:40]]
    level, chosen = conditions(0.5).alignment / 64, Settings(0.5, 0, 32)
    scales = [
        draw_motion(plan, chosen, 1.0).zoom
        / draw_motion(plan, replace(chosen, version=1), 1.0).zoom
        - 1
        for plan in plans
    ]
    assert np.concatenate(scales).std() == pytest.approx(level, rel=0.1)
    one, next_one = (
        np.concatenate([scale[part] for scale in scales])
        for part in (slice(None, -1), slice(1, None))
    )
    assert abs(np.corrcoef(one, next_one)[0, 1]) < 0.1


@given(any_row, any_seed)
@settings(max_examples=20, deadline=None)
def test_neither_difficulty_0_nor_an_uncropped_frame_is_misaligned(row, seed):
    plan = plan_clip(row, seed)
    for difficulty, raw in ((0.0, False), (1.0, True)):
        old, new = (
            draw_motion(plan, Settings(difficulty, seed, 32, raw, version), 1.0)
            for version in (1, 2)
        )
        assert np.array_equal(old.shift, new.shift) and np.array_equal(old.zoom, new.zoom)
