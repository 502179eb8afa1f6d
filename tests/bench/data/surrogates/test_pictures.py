"""Pictures: nothing shows the emotion before the onset, and only it moves without nuisance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from surrogate_rows import ROWS, SETS, any_row, other_emotions

from bench.data.surrogates import pictures
from bench.data.surrogates.faces import grid
from bench.data.surrogates.motion import Motion, expression_field
from bench.data.surrogates.pictures import render_clip, subject_face
from bench.data.surrogates.plans import Settings, plan_clip
from bench.data.surrogates.releases import RELEASES


@given(any_row, st.integers(0, 3), st.sampled_from([0.0, 0.5, 1.0]))
@settings(max_examples=8)
def test_frames_up_to_the_onset_are_the_same_whatever_the_emotion(row, seed, difficulty):
    chosen = Settings(difficulty, seed, 32)
    first = plan_clip(row, seed)
    clips = [
        np.stack(list(render_clip(plan_clip(other, seed), chosen))) for other in other_emotions(row)
    ]
    onset, apex = first.before, first.before + first.apex
    assert all((clip[: onset + 1] == clips[0][: onset + 1]).all() for clip in clips)
    assert any((clip[apex] != clips[0][apex]).any() for clip in clips)


@given(any_row, st.integers(0, 3))
@settings(max_examples=8)
def test_without_nuisance_only_the_expression_moves(row, seed):
    plan, chosen = plan_clip(row, seed), Settings(0.0, seed, 48)
    clip = np.stack(list(render_clip(plan, chosen))).astype(int)
    change = np.abs(clip[plan.before + plan.apex] - clip[plan.before])
    change = change.reshape(48, 48, -1).max(axis=2)
    face = subject_face(row.dataset, row.subject, seed)
    moved = np.hypot(*expression_field(plan, chosen, face))
    assert change[moved < 0.001].max(initial=0) <= 1
    assert change[moved > 0.3].max() >= 4


PINNED = {
    (1, "smic"): [66, 136, 161, 169, 126, 111, 151, 191, 179, 147, 111, 125, 158, 151, 122, 54],
    (1, "samm"): [23, 70, 115, 111, 110, 118, 124, 138, 130, 119, 112, 107, 100, 102, 51, 34],
    (2, "smic"): [63, 131, 161, 170, 130, 117, 156, 193, 178, 144, 114, 133, 159, 151, 103, 48],
    (2, "samm"): [23, 70, 115, 112, 111, 119, 124, 139, 129, 118, 112, 106, 100, 98, 46, 33],
    (3, "smic"): [63, 122, 158, 158, 130, 117, 139, 174, 177, 143, 104, 123, 140, 139, 114, 48],
    (3, "samm"): [27, 85, 121, 104, 68, 87, 117, 139, 126, 97, 72, 87, 102, 104, 47, 30],
}
"""Line 5 of the apex frame of the first clip at difficulty 0.45, 16×16, by version and set."""


@pytest.mark.parametrize(("version", "dataset"), PINNED)
def test_the_clips_of_a_version_stay_what_they_were(version, dataset):
    plan = plan_clip(ROWS[dataset][0], 0, version)
    old = Settings(0.45, 0, 16, version=version)
    apex = list(render_clip(plan, old))[plan.before + plan.apex]
    first_channel = apex[5].reshape(16, -1)[:, 0].astype(int)
    # A processor may round otherwise, once in a while; any other motion moves lines by much more.
    assert np.abs(first_channel - PINNED[version, dataset]).max() <= 1


@pytest.mark.parametrize("dataset", SETS)
def test_frames_have_the_channels_of_the_release(dataset):
    plan = plan_clip(ROWS[dataset][0], 0)
    frame = next(render_clip(plan, Settings(0.5, 0, 40)))
    assert frame.shape == ((40, 40) if RELEASES[dataset].grey else (40, 40, 3))
    assert frame.dtype == np.uint8
    assert frame.std() > 20


@pytest.fixture
def film(monkeypatch):
    """The first frame of a clip, signed, 48×48, in which nothing happens but what is asked for."""

    def first_frame(field: tuple[float, float] = (0.0, 0.0), **happening) -> np.ndarray:
        plan, chosen = plan_clip(ROWS["smic"][0], 0), Settings(0.0, 0, 48)
        still = {
            "activation": 0.0,
            "peak": 1.0,
            "shift": (0.0, 0.0),
            "turn": 0.0,
            "zoom": 1.0,
            "lids": 0.0,
            "light": (1.0, 0.0, 0.0),
            "noise": 0.0,
        }
        motion = {
            name: value if name in ("peak", "noise") else np.array([value] * plan.frames)
            for name, value in (still | happening).items()
        }
        everywhere = np.ones((2, 48, 48)) * np.reshape(field, (2, 1, 1))
        monkeypatch.setattr(pictures, "draw_motion", lambda *_: Motion(**motion))
        monkeypatch.setattr(pictures, "expression_field", lambda *_: everywhere)
        return next(render_clip(plan, chosen)).astype(int)

    return first_frame


def test_a_shift_by_whole_pixels_moves_the_picture_by_them(film):
    moved = film(shift=(2 * 5 / 48, 2 * 3 / 48))
    assert np.abs(moved[3:, 5:] - film()[:-3, :-5]).max() <= 1


def test_an_expression_that_pulls_alike_everywhere_is_a_shift(film):
    pulled = film(field=(1.0, -0.5), activation=0.5, peak=2.0)
    assert np.abs(pulled - film(shift=(1 / 64, -0.5 / 64))).max() <= 1


def test_a_quarter_turn_is_clockwise(film):
    assert np.abs(film(turn=np.pi / 2) - np.rot90(film(), -1)).max() <= 1


def test_a_threefold_zoom_shows_the_middle_third(film):
    assert np.abs(film(zoom=3.0)[1::3, 1::3] - film()[16:32, 16:32]).max() <= 1


def test_light_scales_with_a_slope(film):
    x, y = grid(48)
    gain = (0.8 + 0.1 * x - 0.05 * y)[..., None]
    assert np.abs(film(light=(0.8, 0.1, -0.05)) - gain * film()).max() <= 1.5


def test_closed_lids_change_the_eyes_alone(film):
    x, y = grid(48)
    face = subject_face("smic", ROWS["smic"][0].subject, 0)
    change = np.abs(film(lids=1.0) - film()).max(axis=2)
    near = (abs(abs(x) - face.eye_x) < 2 * face.eye_width) & (
        abs(y - face.eye_y) < 3 * face.eye_height
    )
    assert change[near].max() > 50
    assert change[~near].max() <= 1


def test_noise_has_the_deviation_asked_for(film):
    clean = film()
    inside = (clean > 20) & (clean < 235)
    assert (film(noise=4.0) - clean)[inside].std() == pytest.approx(4, rel=0.1)


@pytest.mark.parametrize("dataset", SETS)
def test_an_uncropped_frame_shows_the_same_face_in_a_scene_that_stands_still(dataset):
    plan = plan_clip(ROWS[dataset][0], 0)
    crop = next(render_clip(plan, Settings(0.0, 0, 40)))
    raw = np.stack(list(render_clip(plan, Settings(0.0, 0, 40, raw=True))))
    assert raw.shape[1:3] == (68, 88)
    middle = crop[15:25, 15:25].astype(int)
    places = [
        (top, left)
        for top in range(29)
        for left in range(49)
        if np.abs(raw[0, top + 15 : top + 25, left + 15 : left + 25] - middle).max() <= 1
    ]
    ((top, left),) = places
    outside = np.ones((68, 88), bool)
    outside[top : top + 40, left : left + 40] = False
    assert (raw[:, outside] == raw[0, outside]).all()
    assert raw[0, outside].std() > 5
