"""Drawn faces are known as such; photographs and patterns are not."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data

from bench.data.surrogates.pictures import render_clip
from bench.data.surrogates.plans import Settings, plan_clips
from bench.data.surrogates.recognising import are_drawn


@pytest.mark.parametrize(("dataset", "seed", "version"), [("smic", 0, 1), ("casme2", 7, 4)])
@pytest.mark.parametrize(("size", "difficulty"), [(128, 0.15), (64, 0.45)])
def test_drawn_faces_are_known(dataset, seed, version, size, difficulty):
    settings = Settings(difficulty, seed, size, raw=False, version=version)
    plans = {plan.row.subject: plan for plan in plan_clips(dataset, seed, None, version)}
    frames = [next(render_clip(plan, settings)) for plan in [*plans.values()][:5]]
    assert are_drawn(np.atleast_3d(frame) for frame in frames)


@pytest.mark.parametrize("cut", [slice(0, 200), slice(30, 180), slice(60, 150)])
def test_a_photographed_face_is_none(cut):
    photograph = skimage.data.astronaut()[cut, 150:300]
    assert not are_drawn([photograph])
    assert not are_drawn([photograph.mean(2, keepdims=True)])


@pytest.mark.parametrize(
    "frame",
    [
        np.zeros((40, 40, 1), np.uint8),
        np.random.default_rng(0).integers(0, 255, (50, 60, 3), np.uint8),
        np.tile(np.arange(64, dtype=np.uint8)[:, None, None], (1, 64, 3)),
    ],
)
def test_nor_is_what_shows_no_face(frame):
    assert not are_drawn([frame])
    assert not are_drawn([])
