"""Learned magnification: zero motion, shapes, states of this project and of known ports."""

from __future__ import annotations

import os
import pickle
from dataclasses import replace

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
from bench.data.steps.magnet_ports import ANCHOR_FRAME, PORTS, Form
from bench.data.steps.pipeline import Video
from bench.data.steps.settings import Preprocessing, preprocessing
from bench.data.stills.patches import TEMPLATE, cut_patches
from bench.data.stills.products import LandmarkPatches
from bench.errors import DataError, UsageError

PAPER, *OTHERS = PORTS


def network_of(form=None, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return MagNet(form).eval()


def saved(path, state):
    torch.save(state, path)
    return str(path)


@pytest.fixture
def weights(tmp_path):
    return saved(tmp_path / "magnet.pt", network_of(Form(bias=False)).state_dict())


@pytest.fixture(scope="module")
def any_weights(tmp_path_factory):
    return saved(tmp_path_factory.mktemp("weights") / "w.pt", network_of().state_dict())


def as_port(port, seed=0):
    """The state of a random network of a port's form, under the port's names."""
    own = network_of(port.form, seed).state_dict()
    names = port.theirs()
    return {
        f"{names[layer]}.{kind}": tensor
        for layer, kind, tensor in ((*name.rsplit(".", 1), t) for name, t in own.items())
    }


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


@pytest.mark.parametrize("form", [Form(), *(port.form for port in OTHERS)])
def test_without_motion_all_frames_are_alike_whatever_the_weights(tmp_path, form):
    path = saved(tmp_path / "w.pt", network_of(form).state_dict())
    made = learned(np.repeat(noise(1, 16, 16), 3, axis=0), 5.0, path)
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


@settings(max_examples=12, deadline=None)
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


def test_the_networks_are_of_the_size_of_the_ports():
    """Counted by hand from the layers: 3×3 of 32 are 9,216 weights each."""
    sizes = {port.name: sum(p.numel() for p in MagNet(port.form).parameters()) for port in PORTS}
    trunk = 3 * 16 * 49 + 16 * 32 * 9 + 6 * 9216
    branches = 2 * 5 * 9216
    decoder = 18 * 64 * 64 * 9 + 64 * 32 * 9 + 32 * 3 * 49
    without_bias = trunk + branches + 4 * 9216 + decoder
    assert sizes[OTHERS[1].name] == without_bias
    assert sizes[OTHERS[2].name] == without_bias + 32 * 32 * (49 - 9) + 9216
    biases = 16 + 32 + 6 * 32 + 10 * 32 + 4 * 32 + 18 * 64 + 32 + 3
    assert sizes[PAPER.name] == sizes[OTHERS[0].name] == without_bias + biases


@pytest.mark.parametrize("port", PORTS, ids=lambda port: port.name)
@pytest.mark.parametrize("prefix", ["", "module.", "model.", "module.model."])
def test_the_state_of_a_known_port_gives_the_same_frames(tmp_path, port, prefix):
    video = noise(2, 12, 12)
    own = network_of(port.form)
    state = {prefix + name: tensor for name, tensor in as_port(port).items()}
    path = saved(tmp_path / "port.pth", {"state_dict": state, "epoch": 3} if prefix else state)
    loaded = load_magnifier(path)
    assert loaded.manipulator.anchor == port.form.anchor
    onset, frame = (_to_input(torch.from_numpy(f[None]).permute(0, 3, 1, 2)) for f in video)
    with torch.inference_mode():
        assert torch.equal(loaded(onset, frame, 3.0), own(onset, frame, 3.0))


@pytest.mark.parametrize("form", [Form(), Form(bias=False), Form(kernel=7, texture_conv=True)])
def test_a_state_of_this_project_comes_back_whole(tmp_path, form):
    network = network_of(form)
    loaded = load_magnifier(saved(tmp_path / "w.pt", network.state_dict()))
    assert all(
        torch.equal(a, b) for a, b in zip(loaded.parameters(), network.parameters(), strict=True)
    )


def test_ports_differ_in_what_the_difference_is_added_to():
    onset, frame = torch.randn(2, 1, 32, 4, 4)
    manipulator = network_of(Form(bias=False)).manipulator
    with torch.inference_mode():
        paper = manipulator(onset, frame, 0.0)
        manipulator.anchor = ANCHOR_FRAME
        assert torch.equal(manipulator(onset, frame, 0.0), frame)
    assert torch.equal(paper, onset)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: s.pop("encoder.cba_1.conv2d.weight"), "lacks encoder.enter.weight$"),
        (
            lambda s: s.update({"manipulator.g.conv2d.weight": torch.zeros(32, 32, 5, 5)}),
            "manipulator.before.weight is 32×32×5×5, expected 32×32×3×3$",
        ),
        (lambda s: s.update({"head.weight": torch.zeros(3)}), "has head.weight besides$"),
        (lambda s: [s.pop(name) for name in list(s)[:9]], "; lacks .* and 6 more$"),
    ],
)
def test_a_state_that_does_not_fit_is_told_in_one_line(tmp_path, change, said):
    state = as_port(OTHERS[1])
    change(state)
    path = saved(tmp_path / "w.pth", state)
    with pytest.raises(DataError, match=said) as error:
        load_magnifier(path)
    assert "nearest: ZhengPeng7" in str(error.value) and "\n" not in str(error.value)


def test_a_state_of_another_network_is_no_magnifier(tmp_path):
    path = saved(tmp_path / "w.pth", torch.nn.Linear(3, 2).state_dict())
    with pytest.raises(DataError, match="no state of the network of Oh et al"):
        load_magnifier(path)


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
    one = saved(tmp_path / "a.pt", network_of(seed=0).state_dict())
    (tmp_path / "b.pt").write_bytes((tmp_path / "a.pt").read_bytes())
    other = saved(tmp_path / "c.pt", network_of(seed=1).state_dict())

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
