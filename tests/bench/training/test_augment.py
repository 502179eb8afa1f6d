"""Representations and augmentation of batches in memory."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from baselines.fixed import StillInput
from bench.config.settings import DataConfig
from bench.errors import UsageError
from bench.training.augment import (
    ONSET_GAIN,
    REPRESENTATIONS,
    U,
    V,
    augment,
    augment_flow,
    mirrored,
    to_input,
)
from bench.training.loop import predict
from bench.training.tensors import StillTensors


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def random_videos(batch=4, frames=8, height=6, width=7, channels=3, seed=0):
    shape = (batch, frames, height, width, channels)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=seeded(seed))


def coordinates(batch=32, frames=9, height=10, width=12):
    """Videos whose pixels say where they are: channels are frame, row and column."""
    axes = torch.meshgrid(
        *(torch.arange(size, dtype=torch.uint8) for size in (frames, height, width)), indexing="ij"
    )
    return torch.stack(axes, dim=-1).expand(batch, -1, -1, -1, -1)


@pytest.mark.parametrize("representation", REPRESENTATIONS)
def test_inputs_are_contiguous_float32_channels_first(representation):
    found = to_input(random_videos(), representation)
    assert found.shape == (4, 3, 8, 6, 7)
    assert found.dtype == torch.float32
    assert found.is_contiguous()


def test_rgb_is_normalised():
    videos = random_videos()
    expected = (videos.permute(0, 4, 1, 2, 3).double() / 255 - 0.25) / 0.5
    found = to_input(videos, "rgb", mean=0.25, std=0.5)
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=1e-6)
    black_and_white = torch.tensor([0, 255], dtype=torch.uint8).reshape(1, 2, 1, 1, 1)
    assert to_input(black_and_white, "rgb").flatten().tolist() == [-1, 1]


def test_onset_difference_is_the_scaled_change_since_the_first_frame():
    videos = random_videos()
    change = (videos.double() - videos[:, :1].double()).permute(0, 4, 1, 2, 3)
    for gain in (1.0, ONSET_GAIN):
        found = to_input(videos, "onset_difference", gain=gain)
        torch.testing.assert_close(found.double(), change * gain / 255, rtol=1e-5, atol=1e-5)
        assert torch.all(found[:, :, 0] == 0)


@given(seed=st.integers(0, 2**16), gain=st.floats(1e-3, 1e3))
def test_a_still_clip_has_no_onset_difference_at_all(seed, gain):
    still = random_videos(frames=1, seed=seed).expand(-1, 5, -1, -1, -1)
    assert torch.all(to_input(still, "onset_difference", gain=gain) == 0)


def test_to_input_leaves_the_set_as_it_is():
    videos = random_videos()
    before = videos.clone()
    for representation in REPRESENTATIONS:
        to_input(videos, representation)
    assert torch.equal(videos, before)


def test_an_unknown_representation_names_the_nearest():
    with pytest.raises(UsageError, match="Did you mean 'onset_difference'"):
        to_input(random_videos(), "onset_diference")


def test_nothing_on_is_the_very_batch():
    videos = random_videos()
    generator = seeded()
    state = generator.get_state()
    assert augment(videos, generator=generator) is videos
    assert torch.equal(generator.get_state(), state)


all_on = {"flip": True, "shift": 2, "jitter": 2}


@given(seed=st.integers(0, 2**16))
def test_the_generator_decides_alone(seed):
    videos = random_videos()
    once = augment(videos, **all_on, generator=seeded(seed))
    assert once.shape == videos.shape and once.dtype == videos.dtype
    assert torch.equal(once, augment(videos, **all_on, generator=seeded(seed)))


@given(seed=st.integers(0, 2**16), position=st.integers(0, 3))
def test_a_clip_is_changed_alike_whatever_the_others_are(seed, position):
    videos, others = random_videos(seed=1), random_videos(seed=2)
    others[position] = videos[position]
    found = augment(videos, **all_on, generator=seeded(seed))
    beside_others = augment(others, **all_on, generator=seeded(seed))
    assert torch.equal(found[position], beside_others[position])


def test_flipping_twice_is_identity_and_about_half_are_flipped():
    videos = random_videos(batch=200)
    once = augment(videos, flip=True, generator=seeded())
    assert torch.equal(augment(once, flip=True, generator=seeded()), videos)
    flipped = (once == videos.flip(3)).flatten(1).all(1)
    kept = (once == videos).flatten(1).all(1)
    assert torch.all(flipped ^ kept)
    assert 70 <= flipped.sum() <= 130


@given(seed=st.integers(0, 2**16))
def test_a_mirrored_clip_turns_the_sign_of_the_channels_named_and_of_no_other(seed):
    videos = random_videos().float()
    plain = augment(videos, **all_on, generator=seeded(seed))
    found = augment(videos, **all_on, turned=(0,), generator=seeded(seed))
    assert torch.equal(found[..., 1:], plain[..., 1:])
    column = augment(coordinates(4, 8, 6, 7), **all_on, generator=seeded(seed)).long()[
        :, 0, 0, :, 2
    ]
    sign = torch.where(column[:, -1] < column[:, 0], -1, 1)
    assert torch.equal(found[..., 0], plain[..., 0] * sign[:, None, None, None])


@given(seed=st.integers(0, 2**16), shift=st.integers(1, 9))
def test_a_shift_is_one_translation_a_clip_with_its_edges_repeated(seed, shift):
    videos = coordinates()
    found = augment(videos, shift=shift, generator=seeded(seed)).long()
    assert torch.equal(found[..., 0], videos[..., 0].long())  # time is untouched
    for axis, size in ((1, 10), (2, 12)):
        source = found[..., axis].movedim(axis + 1, -1)  # (B, ..., size)
        source = source.flatten(1, -2)
        assert torch.all(source == source[:, :1])  # alike in all frames and across the other axis
        middle = source[:, 0] - torch.arange(size)
        offset = torch.where(middle.abs().amax(1) == middle.amax(1), middle.amax(1), middle.amin(1))
        assert offset.abs().max() <= shift
        expected = (torch.arange(size) + offset[:, None]).clamp(0, size - 1)
        assert torch.equal(source[:, 0], expected)


def test_shifts_reach_both_ways_on_both_axes():
    found = augment(coordinates(batch=400), shift=2, generator=seeded()).long()
    offsets = found[:, 0, 5, 6, 1:] - torch.tensor([5, 6])
    for axis in (0, 1):
        assert offsets[:, axis].unique().tolist() == [-2, -1, 0, 1, 2]
    assert len(offsets.unique(dim=0)) == 25


@given(seed=st.integers(0, 2**16), jitter=st.integers(1, 4))
def test_jitter_moves_time_forwards_only_and_by_no_more_than_asked(seed, jitter):
    videos = coordinates()
    found = augment(videos, jitter=jitter, generator=seeded(seed)).long()
    assert torch.equal(found[..., 1:], videos[..., 1:].long())  # space is untouched
    index = found[:, :, 0, 0, 0]  # (B, T)
    assert torch.all(found[..., 0] == index[:, :, None, None])
    assert torch.all(index[:, 0] == 0)  # the onset frame stays the reference
    assert torch.all(index.diff(dim=1) >= 0)
    assert (index - torch.arange(9)).abs().max() <= jitter


def test_jitter_shifts_and_stretches_both_ways():
    index = augment(coordinates(batch=400), jitter=2, generator=seeded())[:, :, 0, 0, 0].long()
    assert (index[:, 1:] - torch.arange(1, 9)).unique().tolist() == [-2, -1, 0, 1, 2]
    steps = index[:, 2:-2].diff(dim=1)
    assert torch.any(steps == 0) and torch.any(steps == 2)


@given(seed=st.integers(0, 2**16))
def test_differences_after_augmentation_refer_to_the_onset_frame(seed):
    videos = random_videos()
    onset_everywhere = videos[:, :1].expand_as(videos)
    changed = augment(videos, **all_on, generator=seeded(seed))
    onset = augment(onset_everywhere, **all_on, generator=seeded(seed))
    expected = (changed.float() - onset.float()).permute(0, 4, 1, 2, 3) / 255
    found = to_input(changed, "onset_difference", gain=1.0)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"jitter": 4}, "jitter is 4; expected 0 to 3 for clips of 8 frames"),
        ({"jitter": -1}, "jitter is -1"),
        ({"shift": 6}, "shift is 6; expected 0 to 5 for clips of 6×7 pixels"),
        ({"shift": -2}, "shift is -2"),
    ],
)
def test_what_the_clips_are_too_small_for_is_refused(option, words):
    with pytest.raises(UsageError, match=words):
        augment(random_videos(), **option, generator=seeded())


@pytest.mark.parametrize("batch", [0, 1])
def test_small_batches(batch):
    videos = random_videos(batch=batch)
    assert augment(videos, **all_on, generator=seeded()).shape == videos.shape
    assert to_input(videos, "rgb").shape[0] == batch


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_gives_what_the_cpu_gives():
    videos = random_videos()
    on_gpu = augment(videos.cuda(), **all_on, generator=seeded())
    assert on_gpu.is_cuda
    assert torch.equal(on_gpu.cpu(), augment(videos, **all_on, generator=seeded()))
    for representation in REPRESENTATIONS:
        torch.testing.assert_close(
            to_input(on_gpu, representation).cpu(), to_input(on_gpu.cpu(), representation)
        )


class TestFlow:
    """Flow images of 0..255, of which 255 is what u and its mirror image add up to."""

    IMAGES = torch.rand(3, 3, 6, 6, generator=seeded()) * 255
    TOPS = torch.full((3,), 255.0)

    def changed(self, **settings):
        return augment_flow(self.IMAGES, self.TOPS, DataConfig(**settings), seeded())

    def test_nothing_is_changed_unasked(self):
        assert self.changed() is self.IMAGES

    @pytest.mark.parametrize(("axis", "channel"), [(-1, U), (-2, V)])
    def test_a_mirror_image_turns_the_component_along_its_axis_alone(self, axis, channel):
        turned = mirrored(self.IMAGES, axis, channel, self.TOPS)
        assert torch.allclose(turned[:, channel], 255 - self.IMAGES[:, channel].flip(axis))
        others = [other for other in range(3) if other != channel]
        assert torch.equal(turned[:, others], self.IMAGES[:, others].flip(axis))
        assert torch.allclose(mirrored(turned, axis, channel, self.TOPS), self.IMAGES, atol=1e-4)

    def test_some_images_are_mirrored(self):
        whole = mirrored(self.IMAGES, -1, U, self.TOPS)
        for image, same, turned in zip(
            self.changed(flow_mirror=True), self.IMAGES, whole, strict=True
        ):
            assert torch.equal(image, same) or torch.equal(image, turned)

    def test_a_shift_moves_all_channels_by_whole_pixels(self):
        moved = self.changed(flow_shift=1)
        for image, still in zip(moved, self.IMAGES, strict=True):
            places = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
            shifts = [torch.roll(still, place, (1, 2)) for place in places]
            inner = (slice(None), slice(1, -1), slice(1, -1))
            assert any(torch.allclose(image[inner], each[inner], atol=1e-2) for each in shifts)

    def test_a_magnitude_multiplies_what_differs_from_the_median(self):
        louder = self.changed(flow_magnitude=1.0)
        assert torch.equal(louder[:, 2], self.IMAGES[:, 2])
        still = self.IMAGES[:, :2].flatten(2).median(2).values[..., None, None]
        factors = (louder[:, :2] - still) / (self.IMAGES[:, :2] - still)
        factors = factors.flatten(2).nanmedian(2).values
        assert ((factors > 0.5) & (factors < 2)).all()
        assert len(set(factors.flatten().tolist())) == 6


def test_a_clip_is_tested_with_its_mirror_image_where_that_is_asked_for():
    images, tops = torch.rand(2, 3, 4, 4), np.zeros(2, np.float32)
    asked, plain = (
        StillTensors.of(
            images, StillInput("flow", 4), torch.zeros(2), 3, DataConfig(test_mirror=on), tops
        )
        for on in (True, False)
    )
    network = torch.nn.Flatten()
    both = predict(network, asked, range(2))
    turned = mirrored(images, -1, U, torch.zeros(2))
    assert torch.allclose(both.float(), (images + turned).flatten(1) / 2)
    assert torch.equal(predict(network, plain, range(2)).float(), images.flatten(1))
