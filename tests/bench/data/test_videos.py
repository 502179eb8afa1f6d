"""Clips of optical flow: known motion, normalisation, cache, ready images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from image_clips import noise, write_clip
from moved_faces import texture, translated
from PIL import Image

from baselines.fixed import StillInput
from bench.config.settings import DataConfig
from bench.data.cache import load_arrays
from bench.data.clips import CHALLENGE_CLASSES, ClipSet
from bench.data.disk.images import read_frames
from bench.data.stills import flow as flow_module
from bench.data.stills.inputs import load_inputs
from bench.data.videos import clip_settings, load_videos, normalised, video_product
from bench.training.augment import TURNED, augment

SIDE = 48
RIGHT, DOWN = 1.5, -0.75
FRAMES = 5
CONFIG = DataConfig(representation="flow", frames=FRAMES, size=24, flow_side=SIDE)
INNER = slice(5, -5)


def faces(frames=FRAMES) -> np.ndarray:
    """A textured square that moves steadily, uint8 (n, SIDE, SIDE)."""
    shares = np.linspace(0, 1, frames)
    moved = [translated(texture(SIDE), RIGHT * share, DOWN * share) for share in shares]
    return np.stack(moved).round().astype(np.uint8)


def stretched() -> np.ndarray:
    """A textured square whose right half moves to the right, uint8 (n, SIDE, SIDE)."""
    video = np.repeat(texture(SIDE).round().astype(np.uint8)[None], FRAMES, axis=0)
    video[1:, :, SIDE // 2 :] = faces()[1:, :, SIDE // 2 :]
    return video


@pytest.fixture
def clip(tmp_path):
    return replace(write_clip(tmp_path / "clip", faces()), apex=3)


def load(clips, config=CONFIG, cache=None):
    return load_videos(ClipSet("smic", CHALLENGE_CLASSES, tuple(clips)), config, cache)


def raw(clip, cache, config=CONFIG):
    return load_arrays([clip], video_product(config), cache)[0]


def test_a_translation_is_found_in_every_frame_from_the_onset_on(clip, tmp_path):
    flows = raw(clip, tmp_path / "cache")
    assert flows.shape == (FRAMES, 24, 24, 3)
    assert flows.dtype == np.float32
    assert not flows[0].any()
    for share, (u, v, _) in zip(
        np.linspace(0, 1, FRAMES), np.moveaxis(flows, -1, 1)[:, :, INNER, INNER], strict=True
    ):
        assert np.median(u) == pytest.approx(RIGHT * share, abs=0.15)
        assert np.median(v) == pytest.approx(DOWN * share, abs=0.15)


def test_a_mirrored_clip_has_the_mirrored_flow_with_u_turned(tmp_path):
    ahead, back = (
        load([write_clip(tmp_path / name, video)], cache=tmp_path / "cache")[0]
        for name, video in (("ahead", stretched()), ("back", stretched()[:, :, ::-1]))
    )
    u, v, strain = np.moveaxis(ahead[:, :, ::-1], -1, 0)
    assert np.abs(back[..., 0] + u).mean() < 0.05 < np.abs(back[..., 0] - u).mean()
    assert np.abs(back[..., 1] - v).mean() < 0.05
    assert np.abs(back[..., 2] - strain).mean() < 0.05
    again = augment(
        torch.from_numpy(back).expand(8, -1, -1, -1, -1),
        flip=True,
        turned=TURNED["flow"],
        generator=torch.Generator().manual_seed(0),
    ).numpy()
    near = [np.abs(each - ahead).mean() < 0.05 for each in again]
    assert any(near) and not all(near)


def test_the_cache_holds_what_would_be_made_anew(clip, tmp_path, monkeypatch):
    first = raw(clip, tmp_path)
    anew = video_product(CONFIG).make(clip, read_frames(clip))
    monkeypatch.setattr(flow_module, "tvl1", None)
    np.testing.assert_array_equal(raw(clip, tmp_path), anew)
    np.testing.assert_array_equal(first, anew)


@pytest.mark.parametrize(
    "change",
    [
        {"frames": 3},
        {"size": 16},
        {"flow_side": 32},
        {"magnify": "eulerian"},
        {"representation": "rgb"},
    ],
    ids=str,
)
def test_settings_that_change_a_clip_have_an_entry_of_their_own(clip, tmp_path, change):
    before = load([clip], cache=tmp_path)
    after = load([clip], replace(CONFIG, **change), tmp_path)
    assert after.shape != before.shape or not np.allclose(after, before)
    assert len(list(tmp_path.rglob("*.npz"))) == 2


def test_a_clip_of_one_frame_is_the_flow_image_at_the_apex(tmp_path):
    clip = replace(write_clip(tmp_path / "clip", stretched()), apex=3)
    config = replace(CONFIG, frames=1)
    clips = ClipSet("smic", CHALLENGE_CLASSES, (clip,))
    still = load_inputs(clips, StillInput("flow", 24), config, tmp_path / "cache")
    found = load([clip], config, tmp_path / "cache")
    assert found.shape == (1, 1, 24, 24, 3)
    assert found.any()
    np.testing.assert_array_equal(found, normalised(still.transpose(0, 2, 3, 1)[:, None].copy()))


def test_ready_images_are_clips_of_one_frame(tmp_path):
    image = noise(1, 28, 28, seed=4)[0]
    Image.fromarray(image).save(tmp_path / "flow.png")
    clip = replace(write_clip(tmp_path / "unused", faces(1)), frames=(tmp_path / "flow.png",))
    ready = replace(clip, ready_flow=True)
    usual = DataConfig(frames=8, size=24, representation="rgb")
    assert clip_settings(usual, [clip]) == usual
    seen = clip_settings(usual, [clip, ready])
    assert (seen.representation, seen.frames, seen.size, seen.jitter) == ("flow", 1, 28, 0)
    found = load([ready], seen, tmp_path / "cache")
    np.testing.assert_array_equal(found, normalised(image[None, None].astype(np.float32)))


@given(
    seed=st.integers(0, 2**16),
    unit=st.floats(0.01, 100),
    offset=st.floats(-50, 50),
)
def test_normalised_clips_depend_on_neither_unit_nor_translation(seed, unit, offset):
    flows = np.random.default_rng(seed).normal(size=(2, 3, 4, 5, 3))
    flows[0, 0] = flows[1] = 0
    found = normalised(flows.copy())
    assert np.abs(found[0, ..., :2]).max() == np.abs(found[0, ..., 2]).max() == 1
    assert not found[0, 0].any() and not found[1].any()
    np.testing.assert_allclose(normalised(flows * unit + offset), found, atol=1e-6)
    turned = flows * [-1, 1, 1]
    np.testing.assert_allclose(normalised(turned), found * [-1, 1, 1], atol=1e-12)


def test_the_scale_is_one_for_the_clip_and_for_u_and_v():
    flows = np.zeros((1, 3, 2, 3, 3))
    flows[0, 1, 0, 0] = 1, 2, 3
    flows[0, 2, 0, 0] = 2, 4, 6
    found = normalised(flows)
    np.testing.assert_allclose(found[0, 1:, 0, 0], [[0.25, 0.5, 0.5], [0.5, 1, 1]])
