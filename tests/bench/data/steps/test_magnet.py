"""Learned magnification: zero motion, shapes, weights that fit and weights that do not."""

from __future__ import annotations

import os
import pickle
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from image_clips import noise, write_clip

from bench.config.loading import load_config
from bench.data.cache import load_arrays
from bench.data.disk.images import decode, read_frames
from bench.data.pixels import luminance
from bench.data.steps.keys import settings_key
from bench.data.steps.magnet import MagNet, _to_input, learned, load_magnifier, read_state
from bench.data.steps.pipeline import Video
from bench.data.steps.settings import Preprocessing, preprocessing
from bench.data.stills.patches import TEMPLATE, cut_patches
from bench.data.stills.products import LandmarkPatches
from bench.errors import DataError, UsageError

DOCS = Path(__file__).parents[4] / "docs/data.md"

CGST = {
    r"^encoder\.enter": "encoder.conv.1",
    r"^encoder\.halve": "encoder.conv.4",
    r"^encoder\.blocks": "encoder.res",
    r"^(encoder\.\w+)\.enter": r"\1.1",
    r"^(encoder\.\w+)\.blocks\.0": r"\1.3",
    r"^(encoder\.\w+)\.blocks\.1": r"\1.4",
    r"^manipulator\.before": "manipulator.conv1.1",
    r"^manipulator\.after": "manipulator.conv2.1",
    r"^manipulator\.block": "manipulator.conv2.2",
    r"^decoder\.blocks": "decoder.res",
    r"^decoder\.merge": "decoder.deconv.2",
    r"^decoder\.leave": "decoder.deconv.5",
    "first": "block.1",
    "second": "block.4",
}
"""What cgst/motion-magnification calls the layers."""


def network_of(seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return MagNet().eval()


def saved(path, state):
    torch.save(state, path)
    return str(path)


@pytest.fixture
def weights(tmp_path):
    """Of a network whose output is in proportion to its input: all biases are 0."""
    state = network_of().state_dict()
    plain = {name: t * (not name.endswith("bias")) for name, t in state.items()}
    return saved(tmp_path / "magnet.pt", plain)


@pytest.fixture(scope="module")
def any_weights(tmp_path_factory):
    return saved(tmp_path_factory.mktemp("weights") / "w.pt", network_of().state_dict())


@pytest.mark.parametrize("alpha", [0.0, 2.0, 20.0])
def test_without_motion_every_frame_is_the_decoders_of_the_onset(weights, alpha):
    video = np.repeat(noise(1, 24, 20), 4, axis=0)
    made = learned(video, alpha, weights)
    network = load_magnifier(weights)
    with torch.inference_mode():
        onset = _to_input(torch.from_numpy(video[:1]).permute(0, 3, 1, 2))
        plain = network.decoder(*network.encoder(onset))[0].permute(1, 2, 0).numpy()
    expected = np.clip((plain[:24, :20] + 1) * 127.5, 0, 255)
    assert np.allclose(made, expected, atol=1e-3)


def test_without_motion_all_frames_are_alike_whatever_the_weights(any_weights):
    made = learned(np.repeat(noise(1, 16, 16), 3, axis=0), 5.0, any_weights)
    assert np.allclose(made, made[:1], atol=1e-3)


def test_motion_is_what_alpha_changes_and_in_the_linear_form_by_as_much(weights):
    """The manipulator adds in proportion to α where its weights have no bias."""
    network = load_magnifier(weights)
    onset, frame = torch.randn(2, 1, 32, 8, 8)
    with torch.inference_mode():
        moved = [network.manipulator.before(frame - onset).relu() * a for a in (1.0, 3.0)]
        after = [network.manipulator.after(each) for each in moved]
    assert torch.allclose(after[1], 3 * after[0], atol=1e-5)
    video = noise(3, 16, 16)
    less, more = (learned(video, alpha, weights) for alpha in (1.0, 10.0))
    assert np.allclose(less[0], more[0], atol=1e-3)
    assert not np.allclose(less[1], more[1], atol=1e-3)


@settings(max_examples=12)
@given(st.integers(1, 19), st.integers(1, 19), st.sampled_from([1, 3]), st.integers(1, 3))
def test_any_side_keeps_its_shape_and_range(any_weights, height, width, channels, frames):
    video = noise(frames, height, width).reshape(frames, height, width, 3)[..., :channels]
    made = learned(video, 4.0, any_weights)
    assert made.shape == video.shape and made.dtype == np.float32
    assert np.isfinite(made).all() and made.min() >= 0 and made.max() <= 255


def test_sides_are_padded_to_multiples_of_four_by_their_edge():
    frames = torch.arange(5 * 9, dtype=torch.uint8).reshape(1, 1, 5, 9)
    padded = _to_input(frames)
    assert padded.shape == (1, 3, 8, 12)
    levels = ((padded + 1) * 127.5).round()
    assert torch.equal(levels[0, 0, :5, :9], frames[0, 0].float())
    assert torch.equal(levels[0, 0, :5, 9:], frames[0, 0, :, -1:].float().expand(5, 3))
    assert _to_input(torch.zeros(1, 3, 16, 12)).shape == (1, 3, 16, 12)


# ---------------------------------------------------------------- state dicts


def test_the_network_is_of_the_papers_size():
    """Counted by hand from the layers: 3×3 of 32 are 9,216 weights each."""
    trunk = 3 * 16 * 49 + 16 * 32 * 9 + 6 * 9216
    branches = 2 * 5 * 9216
    decoder = 18 * 64 * 64 * 9 + 64 * 32 * 9 + 32 * 3 * 49
    biases = 16 + 32 + 6 * 32 + 10 * 32 + 4 * 32 + 18 * 64 + 32 + 3
    found = sum(parameter.numel() for parameter in MagNet().parameters())
    assert found == trunk + branches + 4 * 9216 + decoder + biases


@pytest.mark.parametrize("wrap", [lambda s: s, lambda s: {"state_dict": s, "epoch": 3}])
def test_a_state_comes_back_whole(tmp_path, wrap):
    network = network_of()
    loaded = load_magnifier(saved(tmp_path / "w.pt", wrap(network.state_dict())))
    assert_same(loaded, network)


def test_the_manual_renames_the_entries_of_another_implementation(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    network, theirs = network_of(), network_of().state_dict()
    for ours, name in CGST.items():
        theirs = {re.sub(ours, name, each): tensor for each, tensor in theirs.items()}
    saved("theirs.pth", {f"module.{name}": tensor for name, tensor in theirs.items()})
    with pytest.raises(DataError, match=r"lack encoder\.enter\.weight.*docs/data\.md"):
        load_magnifier("theirs.pth")
    (code,) = re.findall(r"```python\n(import re.*?)```", DOCS.read_text(), re.DOTALL)
    exec(code, {})
    assert_same(load_magnifier("magnet.pth"), network)


def assert_same(one, other):
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: s.pop("encoder.halve.weight"), "lack encoder.halve.weight: "),
        (lambda s: [s.pop(name) for name in list(s)[3:9]], "lack encoder.halve.bias: "),
        (
            lambda s: s.update({"manipulator.before.weight": torch.zeros(32, 32, 5, 5)}),
            r"have manipulator.before.weight as \(32, 32, 5, 5\), not \(32, 32, 3, 3\): ",
        ),
        (lambda s: s.update({"head.weight": torch.zeros(3)}), "have head.weight besides: "),
        (lambda s: s["decoder.leave.bias"].fill_(torch.nan), "leave.bias that are not finite: "),
    ],
)
def test_a_state_that_does_not_fit_is_told_in_one_line(tmp_path, change, said):
    state = network_of().state_dict()
    change(state)
    path = saved(tmp_path / "w.pth", state)
    with pytest.raises(DataError, match=said) as error:
        load_magnifier(path)
    assert "\n" not in str(error.value)


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "write", [torch.save, lambda value, file: file.write_bytes(pickle.dumps(value))]
)
def test_a_pickle_is_refused_and_never_run(tmp_path, write):
    write({"encoder.enter.weight": Trap(tmp_path / "sprung")}, tmp_path / "w.pt")
    with pytest.raises(DataError, match="pickled networks are never loaded") as error:
        read_state(tmp_path / "w.pt")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "sprung").exists()
    write({"epoch": 3}, tmp_path / "n.pt")
    with pytest.raises(DataError):
        read_state(tmp_path / "n.pt")


# ---------------------------------------------------------------- settings


def test_the_file_has_to_be_named_and_there(tmp_path):
    with pytest.raises(UsageError, match="--magnifier-weights FILE"):
        Preprocessing(magnify="learned")
    absent = Preprocessing(magnify="learned", magnifier_weights=str(tmp_path / "none.pt"))
    with pytest.raises(UsageError, match="cannot be read"):
        settings_key(absent)


def test_what_is_in_the_file_is_part_of_the_key_and_its_name_is_not(tmp_path):
    one = saved(tmp_path / "a.pt", network_of().state_dict())
    (tmp_path / "b.pt").write_bytes((tmp_path / "a.pt").read_bytes())
    other = saved(tmp_path / "c.pt", network_of(1).state_dict())

    def key(path, **more):
        return settings_key(Preprocessing(magnify="learned", magnifier_weights=str(path), **more))

    assert key(one) == key(tmp_path / "b.pt") != key(other)
    assert key(one) != key(one, magnify_alpha=3.0)
    assert key(one) == key(one, magnify_low=0.1)
    assert settings_key(Preprocessing(magnifier_weights=one)) == settings_key(Preprocessing())


def test_clips_are_magnified_on_their_way_to_the_cache(tmp_path, weights):
    clip = write_clip(tmp_path / "clip", noise(5, 21, 18))
    config = load_config(
        "smoke", ["magnify=learned", f"magnifier_weights={weights}", "frames=4", "data.size=16"]
    ).data
    video = Video(preprocessing(config))
    (kept,) = load_arrays([clip], video, tmp_path / "cache")
    assert kept.shape == (4, 16, 16, 3)
    (plain,) = load_arrays([clip], Video(Preprocessing(4, 16)), tmp_path / "cache")
    assert not np.array_equal(kept, plain)
    assert np.array_equal(load_arrays([clip], video, tmp_path / "cache")[0], kept)


def test_landmark_patches_are_magnified_by_the_users_weights(tmp_path, weights):
    """From the onset and the apex alone."""
    clip = replace(write_clip(tmp_path / "clip", noise(5, 24, 24)), apex=3)
    config = load_config("smoke", ["magnify=learned", f"magnifier_weights={weights}"]).data
    product = LandmarkPatches(preprocessing(config), 24, 7)
    contents = read_frames(clip)
    pair = np.stack([decode(clip, contents)[place] for place in (0, 3)])
    onset, apex = luminance(learned(pair, config.magnify_alpha, weights))
    points = [(x * 24 - 0.5, y * 24 - 0.5) for x, y in TEMPLATE]
    expected = cut_patches(apex - onset, points, 7)
    np.testing.assert_allclose(product.make(clip, contents), expected, atol=1e-2)
    several = replace(product, amplifications=(0.5, 1.0)).make(clip, contents)
    half = replace(product, steps=replace(product.steps, magnify_alpha=config.magnify_alpha / 2))
    np.testing.assert_allclose(several, [half.make(clip, contents), expected], atol=1e-2)
