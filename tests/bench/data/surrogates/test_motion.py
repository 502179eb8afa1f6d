"""Motion: one rise and fall between onset and offset, and nuisance that grows with difficulty."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from surrogate_rows import any_difficulty, any_row, any_seed

from bench.data.surrogates.faces import draw_face
from bench.data.surrogates.motion import conditions, draw_motion, expression_field
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
    for nuisance in ("drift", "turn", "zoom", "blink", "flicker", "noise"):
        assert 0 <= getattr(easier, nuisance) <= getattr(harder, nuisance)
