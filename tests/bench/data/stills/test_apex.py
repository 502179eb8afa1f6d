"""The apex of clips without one: the largest change of the face, not of the light."""

from __future__ import annotations

import numpy as np
import pytest
from moved_faces import texture, translated

from bench.data.disk.images import decode, read_frames
from bench.data.sets.catalogue import load_clips
from bench.data.stills.apex import spot_apex
from bench.data.surrogates.writing import write_surrogate


def moving(profile, side=64):
    """A face whose lower half moves right by `profile` pixels: (n, side, side, 1)."""
    still = texture(side)
    frames = []
    for shift in profile:
        frame = still.copy()
        frame[side // 2 :] = translated(still, shift, 0)[side // 2 :]
        frames.append(frame)
    return np.stack(frames)[..., None]


@pytest.mark.parametrize("apex", [6, 10, 17])
def test_the_peak_of_a_motion_is_the_apex(apex):
    profile = np.interp(np.arange(24), [0, apex, 23], [0, 2, 0.3])
    assert abs(spot_apex(moving(profile)) - apex) <= 1


def test_light_that_grows_is_no_expression():
    profile = np.interp(np.arange(24), [0, 8, 23], [0, 1.5, 0.2])
    brighter = moving(profile) * 0.7 + np.arange(24)[:, None, None, None]
    assert abs(spot_apex(brighter) - 8) <= 1


@pytest.mark.parametrize("frames", [1, 2, 4])
def test_short_clips_have_an_apex_too(frames):
    assert 0 <= spot_apex(moving(np.linspace(0, 1, frames))) < frames


def test_still_clips_peak_at_the_onset():
    assert spot_apex(moving(np.zeros(9))) == 0


def test_the_apex_of_easy_surrogates_is_found(tmp_path):
    write_surrogate("casme2", tmp_path, difficulty=0, subjects=["sub05"], size=64, workers=1)
    clips = load_clips("casme2", tmp_path, ["sub05"]).clips
    errors = [
        abs(spot_apex(decode(clip, read_frames(clip))) - clip.apex) / len(clip.frames)
        for clip in clips
    ]
    assert np.median(errors) < 0.1
