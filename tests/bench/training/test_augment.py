"""Representations and augmentation of batches in memory."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import UsageError
from bench.training.augment import ONSET_GAIN, REPRESENTATIONS, augment, to_input


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
