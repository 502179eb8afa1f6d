"""Inputs of networks that see one image per clip: kinds, shapes, scales, and their cache."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from image_clips import noise, write_clip
from moved_faces import texture, translated

from baselines.fixed import StillInput
from bench.config.settings import DataConfig
from bench.data.clips import CHALLENGE_CLASSES, ClipSet
from bench.data.disk.images import decode, read_frames
from bench.data.pixels import luminance, resize
from bench.data.steps.magnify import magnify
from bench.data.steps.settings import preprocessing
from bench.data.stills import flow as flow_module
from bench.data.stills.dynamic_image import dynamic_image
from bench.data.stills.inputs import load_inputs, minmax
from bench.data.stills.patches import BROWS_AND_MOUTH, TEMPLATE, cut_patches
from bench.errors import DataError

SIDE = 64
CONFIG = DataConfig(flow_side=SIDE)
FLOW = StillInput("flow", 28)


def moved_clip(folder, right=1.0, down=0.0, frames=7, apex=4, colour=False):
    """A face that moves to its apex and half the way back."""
    still = texture(SIDE)
    profile = np.interp(np.arange(frames), [0, apex, frames - 1], [0, 1, 0.5])
    video = np.stack([translated(still, right * p, down * p) for p in profile])
    video = video.round().astype(np.uint8)
    if colour:
        video = np.repeat(video[..., None], 3, axis=-1)
    return replace(write_clip(folder, video), apex=apex)


@pytest.fixture
def clip(tmp_path):
    return moved_clip(tmp_path / "clip")


def load(clips, wanted=FLOW, config=CONFIG, cache=None, **more):
    return load_inputs(
        ClipSet("smic", CHALLENGE_CLASSES, tuple(clips)), wanted, config, cache, **more
    )


def test_flow_is_the_motion_from_onset_to_apex(clip, tmp_path):
    (image,) = load([clip], cache=tmp_path / "cache")
    assert image.shape == (3, 28, 28)
    assert image.dtype == np.float32
    u, v, strain = image[:, 7:-7, 7:-7]
    assert np.median(u) == pytest.approx(1, abs=0.15)
    assert np.median(v) == pytest.approx(0, abs=0.1)
    assert (strain >= 0).all()


def test_a_pair_is_the_flow_without_its_strain(clip, tmp_path):
    pair = load([clip], StillInput("flow_pair", 28), cache=tmp_path)
    np.testing.assert_array_equal(pair, load([clip], cache=tmp_path)[:, :2])


def test_raw_strain_may_be_that_of_plain_sobel_sums(clip, tmp_path):
    plain = load([clip], StillInput("flow", 28), cache=tmp_path)
    sums = load([clip], StillInput("flow", 28, strain_factor=8), cache=tmp_path)
    np.testing.assert_array_equal(sums[:, :2], plain[:, :2])
    np.testing.assert_allclose(sums[:, 2], 8 * plain[:, 2])


def test_without_an_apex_the_spotted_one_serves(clip, tmp_path):
    found = load([replace(clip, apex=None)], cache=tmp_path)
    assert np.median(found[0, 0, 7:-7, 7:-7]) == pytest.approx(1, abs=0.3)


def test_sizes_and_scales_share_one_entry(clip, tmp_path, monkeypatch):
    load([clip], cache=tmp_path)
    monkeypatch.setattr(flow_module, "tvl1", None)
    small = load([clip], StillInput("flow", 14, "minmax", 255.0), cache=tmp_path)
    assert small.shape == (1, 3, 14, 14)
    assert small.min((2, 3)).max() == 0
    np.testing.assert_allclose(small.max((2, 3)), 1)
    assert len(list(tmp_path.rglob("*.npz"))) == 1


@pytest.mark.parametrize("change", ["pixels", "apex", "side", "crop"])
def test_what_changes_a_still_is_never_served_from_before(tmp_path, change):
    clip, config, cache = moved_clip(tmp_path / "clip"), CONFIG, tmp_path / "cache"
    before = load([clip], config=config, cache=cache)
    if change == "pixels":
        write_clip(tmp_path / "clip", noise(7, SIDE, SIDE, 1))
    elif change == "apex":
        clip = replace(clip, apex=2)
    elif change == "side":
        config = replace(config, flow_side=48)
    else:
        config = replace(config, crop="detect", crop_fallback="centre")
    assert not np.allclose(load([clip], config=config, cache=cache), before)
    assert len(list(cache.rglob("*.npz"))) == 2


def test_settings_that_do_not_matter_leave_the_entry(clip, tmp_path, monkeypatch):
    first = load([clip], cache=tmp_path)
    monkeypatch.setattr(flow_module, "tvl1", None)
    config = replace(CONFIG, magnify="eulerian", frames=4, size=32)
    np.testing.assert_array_equal(load([clip], config=config, cache=tmp_path), first)


@pytest.mark.parametrize("colour", [False, True])
def test_the_apex_frame_is_rgb_of_0_to_1(tmp_path, colour):
    clip = moved_clip(tmp_path / "clip", colour=colour)
    (image,) = load([clip], StillInput("apex", SIDE), cache=tmp_path / "cache")
    expected = translated(texture(SIDE), 1, 0).round() / 255
    assert image.shape == (3, SIDE, SIDE)
    np.testing.assert_allclose(image, np.broadcast_to(expected, image.shape), atol=1e-6)


def test_the_dynamic_image_is_that_of_the_cropped_clip(tmp_path):
    video = noise(5, 20, 20)
    clip = write_clip(tmp_path / "clip", video)
    (image,) = load([clip], StillInput("dynamic_image", 10), cache=tmp_path / "cache")
    expected = resize(dynamic_image(video)[None], 10)[0].transpose(2, 0, 1)
    np.testing.assert_array_equal(image, expected.round())


def test_the_apex_may_come_with_the_frames_next_to_it(tmp_path):
    clip = moved_clip(tmp_path / "clip", right=8, apex=5)
    (frames,) = load([clip], StillInput("apex", 20, neighbours=2), cache=tmp_path)
    assert frames.shape == (5, 3, 20, 20)
    (apex,) = load([clip], StillInput("apex", 20), cache=tmp_path)
    np.testing.assert_array_equal(frames[2], apex)
    for place, frame in zip((3, 4, 5, 6, 6), frames, strict=True):  # the last one twice
        (other,) = load([replace(clip, apex=place)], StillInput("apex", 20), cache=tmp_path)
        np.testing.assert_array_equal(frame, other)


@pytest.mark.parametrize("apex", [0, 3, None])
def test_frames_next_to_the_apex_are_the_same_from_one_file(tmp_path, apex):
    clip = replace(moved_clip(tmp_path / "clip", right=8), apex=apex)
    path = tmp_path / "clip.npy"
    np.save(path, decode(clip, read_frames(clip)))
    wanted = StillInput("apex", 20, neighbours=1)
    (frames,) = load([clip], wanted, cache=tmp_path)
    (same,) = load([replace(clip, frames=(path,))], wanted, cache=tmp_path)
    np.testing.assert_array_equal(frames, same)
    assert (apex == 0) == np.array_equal(frames[0], frames[1])


class TestFlowColour:
    WANTED = StillInput("flow_colour", 32, divisor=255)

    @staticmethod
    def clip(folder, right=2.0, down=0.0, colour=(1.0, 0.5, 0.0)):
        """A face of one tint whose motion to the right grows down the frame: 0 to `right`."""
        still = texture(SIDE)
        moved = translated(still, right, down)
        share = np.linspace(0, 1, SIDE)[:, None]
        pair = np.stack([still, (1 - share) * still + share * moved])
        video = (pair[..., None] * np.array(colour)).round().astype(np.uint8)
        return replace(write_clip(folder, video), apex=1)

    def test_direction_is_hue_length_is_brightness_the_apex_gives_saturation(self, tmp_path):
        (image,) = load([self.clip(tmp_path / "clip")], self.WANTED, cache=tmp_path / "cache")
        assert image.shape == (3, 32, 32)
        assert image.min() >= 0 and image.max() <= 1
        below = image[:, -10:-4, 6:-6].mean((1, 2))
        above = image[:, 4:10, 6:-6].mean((1, 2))
        assert below[0] > 2 * below[1:].max()  # to the right is red
        assert below[0] > 2 * above[0]
        np.testing.assert_allclose(below[1:], 0, atol=0.15)  # a full tint

    def test_grey_faces_give_grey_images(self, tmp_path):
        grey = self.clip(tmp_path / "clip", colour=(1, 1, 1))
        (image,) = load([grey], self.WANTED, cache=tmp_path / "cache")
        np.testing.assert_array_equal(image, np.broadcast_to(image[0], image.shape))
        assert image.std() > 0.05

    def test_is_magnified_where_that_is_asked_for_and_cached_apart(self, clip, tmp_path):
        (plain,) = load([clip], self.WANTED, cache=tmp_path)
        for config in (replace(CONFIG, magnify="eulerian"), replace(CONFIG, flow_side=48)):
            (other,) = load([clip], self.WANTED, config, tmp_path)
            assert not np.array_equal(other, plain)
        assert len(list(tmp_path.rglob("*.npz"))) == 3


class TestPatches:
    WANTED = StillInput("landmark_patches", 7)

    def difference(self):
        return translated(texture(SIDE), 1, 0).round() - texture(SIDE).round()

    def test_the_template_serves_without_a_file(self, clip, tmp_path):
        (patches,) = load([clip], self.WANTED, cache=tmp_path)
        assert patches.shape == (30, 7, 7)
        points = [(x * SIDE - 0.5, y * SIDE - 0.5) for x, y in TEMPLATE]
        np.testing.assert_allclose(patches, cut_patches(self.difference(), points, 7), atol=1e-3)

    @pytest.mark.parametrize("count", [30, 68])
    def test_points_of_the_user(self, clip, tmp_path, count):
        points = np.random.default_rng(count).integers(3, SIDE - 3, (count, 2))
        points[:, 1].sort()  # brows come before the mouth
        names = ",".join(f"x{n},y{n}" for n in range(1, count + 1))
        values = ",".join(f"{x},{y}" for x, y in points)
        path = tmp_path / "points.csv"
        path.write_text(f"subject,clip,{names}\ns01,s01_ne_01,{values}\n")
        config = replace(CONFIG, landmarks=str(path))
        (patches,) = load([clip], self.WANTED, config, tmp_path / "cache")
        used = points if count == 30 else points[list(BROWS_AND_MOUTH)]
        for patch, (x, y) in zip(patches, used, strict=True):
            expected = self.difference()[y - 3 : y + 4, x - 3 : x + 4]
            np.testing.assert_allclose(patch, expected, atol=1e-3)

    def test_their_motion_is_magnified_where_that_is_asked_for(self, clip, tmp_path):
        config = replace(CONFIG, magnify="eulerian", magnify_alpha=5.0)
        (plain,) = load([clip], self.WANTED, cache=tmp_path)
        (large,) = load([clip], self.WANTED, config, tmp_path)
        assert np.abs(large).mean() > 1.5 * np.abs(plain).mean()
        whole = decode(clip, read_frames(clip))
        onset, apex = luminance(magnify(whole, preprocessing(config))[[0, clip.apex]])
        points = [(x * SIDE - 0.5, y * SIDE - 0.5) for x, y in TEMPLATE]
        np.testing.assert_allclose(large, cut_patches(apex - onset, points, 7), atol=1e-3)
        (stronger,) = load([clip], self.WANTED, replace(config, magnify_alpha=9.0), tmp_path)
        assert not np.allclose(stronger, large)

    @pytest.mark.parametrize("magnify", ["none", "eulerian"])
    def test_may_come_at_several_magnifications(self, clip, tmp_path, magnify):
        config = replace(CONFIG, magnify=magnify, magnify_alpha=6.0)
        shares = (0.5, 1.0, 1.5)
        wanted = replace(self.WANTED, amplifications=shares)
        (several,) = load([clip], wanted, config, tmp_path)
        assert several.shape == (3, 30, 7, 7)
        (plain,) = load([clip], self.WANTED, config, tmp_path)
        for share, patches in zip(shares, several, strict=True):
            expected = share * plain
            if magnify != "none":
                other = replace(config, magnify_alpha=6.0 * share)
                (expected,) = load([clip], self.WANTED, other, tmp_path)
            np.testing.assert_allclose(patches, expected, atol=1e-3)
        others = replace(wanted, amplifications=(0.5, 1.0, 1.25))  # the cache tells them apart
        (several,) = load([clip], others, config, tmp_path)
        assert np.abs(several[2]).mean() < np.abs(patches).mean()

    def test_other_stills_are_not_magnified(self, clip, tmp_path):
        config = replace(CONFIG, magnify="eulerian")
        np.testing.assert_array_equal(
            load([clip], config=config, cache=tmp_path), load([clip], cache=tmp_path)
        )

    def test_another_number_of_points_is_named(self, clip, tmp_path):
        path = tmp_path / "points.csv"
        path.write_text("subject,clip,x1,y1,x2,y2\ns01,s01_ne_01,1,1,5,5\n")
        with pytest.raises(DataError, match=r"s01/s01_ne_01 has 2 points; expected 30, or the 68"):
            load([clip], self.WANTED, replace(CONFIG, landmarks=str(path)), tmp_path / "cache")

    def test_the_template_is_a_face(self):
        assert len(TEMPLATE) == 30
        mirrored = {(round(1 - x, 6), y) for x, y in TEMPLATE}
        assert mirrored == {(round(x, 6), y) for x, y in TEMPLATE}


def test_patches_at_the_edge_repeat_it():
    image = np.arange(12.0).reshape(3, 4)
    (patch,) = cut_patches(image, [(0, 0)], 3)
    assert patch.tolist() == [[0, 0, 1], [0, 0, 1], [4, 4, 5]]


def test_minmax_is_blind_to_scale_and_offset():
    stills = np.random.default_rng(0).normal(size=(2, 3, 5, 5))
    scales = np.array([1, 10, 100]).reshape(1, 3, 1, 1)
    np.testing.assert_allclose(minmax(stills), minmax(stills * scales + 7))
    assert not minmax(np.full((1, 3, 5, 5), 4.0)).any()


def test_processes_make_the_same_stills(tmp_path):
    clips = [moved_clip(tmp_path / str(n), right=n / 2) for n in range(3)]
    apart = load(clips, cache=tmp_path / "apart", workers=2)
    np.testing.assert_array_equal(apart, load(clips, cache=tmp_path / "here"))


@pytest.mark.parametrize("workers", [1, 2])
def test_a_clip_whose_frames_are_gone_is_named(clip, tmp_path, workers):
    clip.frames[3].unlink()
    with pytest.raises(DataError, match="smic s01/s01_ne_01 is missing"):
        load([clip], cache=tmp_path / "cache", workers=workers)


def test_an_apex_behind_the_end_of_an_array_is_named(tmp_path):
    path = tmp_path / "clip.npy"
    np.save(path, noise(4, SIDE, SIDE, 1))
    clip = replace(moved_clip(tmp_path / "clip"), frames=(path,), apex=4)
    with pytest.raises(DataError, match="apex 4 of clip smic s01/s01_ne_01 lies behind"):
        load([clip], cache=tmp_path / "cache")


def test_progress_counts_the_clips(clip, tmp_path):
    seen = []
    load([clip, clip], cache=tmp_path, progress=lambda *step: seen.append(step))
    assert seen == [(1, 2), (2, 2)]
