"""Ready flow images in a manifest: flow-based methods run from them, others say what they lack."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from image_clips import noise
from moved_faces import texture, translated
from PIL import Image
from skimage.color import hsv2rgb

from baselines.fixed import StillInput
from bench.config.settings import NEWEST_VERSION, DataConfig
from bench.data.disk.ready_flow import SIDE
from bench.data.inspect.deep import deep_problems
from bench.data.sets.catalogue import load_clips
from bench.data.sources import input_problems
from bench.data.steps.pipeline import preprocess_clip
from bench.data.steps.settings import Preprocessing
from bench.data.stills.inputs import load_inputs
from bench.data.surrogates.flows import Nuisance, flow_sample
from bench.errors import DataError

CONFIG = DataConfig(flow_side=32)
IMAGE = noise(1, 28, 28, seed=4)[0]


def manifest(folder, *frames):
    rows = [f"mine,s{n},c{n},negative,{path}" for n, path in enumerate(frames)]
    (folder / "mine.csv").write_text("\n".join(["dataset,subject,clip,label,frames", *rows]))
    return load_clips(f"manifest:{folder / 'mine.csv'}", folder)


@pytest.fixture(params=["png", "npy", "float npy"])
def flow_file(tmp_path, request):
    if request.param == "png":
        Image.fromarray(IMAGE).save(tmp_path / "flow.png")
        return "flow.png"
    np.save(tmp_path / "flow.npy", IMAGE.astype(float) if "float" in request.param else IMAGE)
    return "flow.npy"


@pytest.mark.parametrize("scale", ["raw", "minmax"])
def test_a_ready_flow_is_the_flow(tmp_path, flow_file, scale):
    clip_set = manifest(tmp_path, flow_file)
    assert clip_set.clips[0].ready_flow
    wanted = StillInput("flow", 28, scale)
    (found,) = load_inputs(clip_set, wanted, CONFIG, tmp_path / "cache")
    np.testing.assert_array_equal(found, IMAGE.transpose(2, 0, 1))
    pair = StillInput("flow_pair", 28, scale, 255.0)
    (found,) = load_inputs(clip_set, pair, CONFIG, tmp_path / "cache")
    np.testing.assert_allclose(found, IMAGE.transpose(2, 0, 1)[:2] / np.float32(255))
    assert load_inputs(clip_set, StillInput("flow", 56), CONFIG, tmp_path).shape == (1, 3, 56, 56)


def test_ready_and_computed_flows_stand_in_the_order_of_the_clips(tmp_path, flow_file):
    frames = [translated(texture(32), shift, 0).round().astype(np.uint8) for shift in (0, 1)]
    np.save(tmp_path / "clip.npy", np.stack(frames)[..., None])
    clip_set = manifest(tmp_path, "clip.npy", flow_file, "clip.npy")
    seen = []
    wanted = StillInput("flow", 28)
    found = load_inputs(
        clip_set, wanted, CONFIG, tmp_path / "cache", lambda *step: seen.append(step)
    )
    np.testing.assert_array_equal(found[1], IMAGE.transpose(2, 0, 1))
    np.testing.assert_array_equal(found[0], found[2])
    assert np.median(found[0][0]) == pytest.approx(1, abs=0.2)
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_clips_are_not_made_of_it(tmp_path, flow_file):
    (clip,) = manifest(tmp_path, flow_file).clips
    with pytest.raises(DataError, match=r"mine s0/c0 is given as a ready flow image") as caught:
        preprocess_clip(clip, Preprocessing(4, 8))
    assert "\n" not in str(caught.value)
    for kind in ("apex", "dynamic_image", "landmark_patches"):
        with pytest.raises(DataError, match="ready flow image"):
            load_inputs(
                manifest(tmp_path, flow_file), StillInput(kind, 7), CONFIG, tmp_path / "cache"
            )


@pytest.mark.parametrize("bad", [-1.0, 256.0, np.nan, np.inf])
def test_numbers_that_are_no_image_are_named(tmp_path, bad):
    array = IMAGE.astype(float)
    array[3, 4, 1] = bad
    np.save(tmp_path / "flow.npy", array)
    clip_set = manifest(tmp_path, "flow.npy")
    with pytest.raises(DataError, match=r"flow of clip mine s0/c0 .* expected .* 0 to 255"):
        load_inputs(clip_set, StillInput("flow", 28), CONFIG, tmp_path / "cache")


@pytest.mark.parametrize("name", ["flow.npy", "flow.png"])
def test_fractions_are_not_taken_for_levels(tmp_path, name):
    if name.endswith("png"):
        Image.fromarray(IMAGE // 128).save(tmp_path / name)  # fractions that were rounded
    else:
        np.save(tmp_path / name, IMAGE / 255)
    wanted = StillInput("flow", 28)
    with pytest.raises(DataError, match=r"values 0 to 1; .* multiply fractions by 255"):
        load_inputs(manifest(tmp_path, name), wanted, CONFIG, tmp_path / "cache")
    np.save(tmp_path / "raw.npy", IMAGE / 64)
    with pytest.raises(DataError, match=r"3\.98\d* *; .* scale raw flow to these levels"):
        load_inputs(manifest(tmp_path, "raw.npy"), wanted, CONFIG, tmp_path / "cache")
    np.save(tmp_path / "blank.npy", np.zeros((28, 28, 3)))  # nothing moves: that is another matter
    assert not load_inputs(manifest(tmp_path, "blank.npy"), wanted, CONFIG, tmp_path).any()


def motion():
    """u, v of a turning face, and its strain, one below the other: (3, 28, 28), -1 to 1."""
    v, u = np.mgrid[-1:1:28j, -1:1:28j]
    return np.stack([-u, v, np.hypot(u, v) / 2])


def wheel(ground):
    """Direction as hue on white or black ground, as torchvision and OpenCV's tutorial draw it."""
    u, v, _ = motion()
    length = np.hypot(u, v) / np.hypot(u, v).max()
    hue = np.arctan2(v, u) / (2 * np.pi) % 1
    full = np.ones_like(hue)
    return hsv2rgb(np.stack([hue, *((length, full) if ground == "white" else (full, length))], -1))


@pytest.mark.parametrize("ending", ["png", "npy"])
@pytest.mark.parametrize(
    ("picture", "said"),
    [
        (wheel("white"), "is drawn in colours"),
        (wheel("black"), "is drawn in colours"),
        (np.repeat(np.hypot(*motion()[:2])[..., None] / 2, 3, axis=2), "is a grey picture"),
    ],
)
def test_flow_drawn_as_a_picture_is_refused(tmp_path, picture, said, ending):
    levels = (255 * picture).round()
    if ending == "npy":
        np.save(tmp_path / "flow.npy", levels)
    else:
        Image.fromarray(levels.astype(np.uint8)).save(tmp_path / "flow.png")
    clip_set = manifest(tmp_path, f"flow.{ending}")
    with pytest.raises(DataError, match=rf"mine s0/c0 {said}.*; expected u, v and strain"):
        load_inputs(clip_set, StillInput("flow", 28), CONFIG, tmp_path / "cache")
    problems, _ = deep_problems(clip_set.clips, 1)
    assert [problem.kind for problem in problems] == ["unreadable"]


def jpeg(levels):
    file = BytesIO()
    Image.fromarray(levels.round().astype(np.uint8)).save(file, "JPEG", quality=75)
    return np.asarray(Image.open(file), float)


def noisy(levels):
    return (levels + np.random.default_rng(0).normal(0, 6, levels.shape)).clip(0, 255).round()


@pytest.mark.parametrize("spoil", [jpeg, noisy])
@pytest.mark.parametrize("ground", ["white", "black"])
def test_lossy_colours_are_refused_and_lossy_flow_is_not(tmp_path, ground, spoil):
    wanted = StillInput("flow", 28)
    np.save(tmp_path / "wheel.npy", spoil(255 * wheel(ground)))
    with pytest.raises(DataError, match="is drawn in colours"):
        load_inputs(manifest(tmp_path, "wheel.npy"), wanted, CONFIG, tmp_path / "cache")
    u, v, strain = motion()
    np.save(tmp_path / "flow.npy", spoil(255 * np.stack([u / 2 + 0.5, v / 2 + 0.5, strain], -1)))
    assert load_inputs(manifest(tmp_path, "flow.npy"), wanted, CONFIG, tmp_path / "cache").any()


def test_flow_that_rests_at_one_end_of_v_is_no_picture(tmp_path):
    """Generated without noise: v at its end in 0.43 of the pixels, as in colours on white."""
    sample = flow_sample(970, 220, 2, 0, SIDE, Nuisance.without(["noise"]), NEWEST_VERSION)
    assert (sample.image[..., 1] >= 251).mean() > 0.4
    Image.fromarray(sample.image).save(tmp_path / "flow.png")
    clip_set = manifest(tmp_path, "flow.png")
    assert load_inputs(clip_set, StillInput("flow", 28), CONFIG, tmp_path / "cache").any()


def ready():
    """u, v and strain of it as levels, with the noise of a measured flow: (28, 28, 3)."""
    u, v, strain = motion()
    u, v = (127 + np.where(part > 0, 60, 80) * part for part in (u, v))
    return np.stack([u, v, 2000 * strain**6], -1)


@pytest.mark.parametrize(("order", "which"), [((2, 1, 0), "first"), ((0, 2, 1), "second")])
@pytest.mark.parametrize("spoil", [np.round, jpeg, noisy])
def test_channels_in_another_order_are_refused(tmp_path, order, which, spoil):
    np.save(tmp_path / "right.npy", spoil(ready()))
    np.save(tmp_path / "wrong.npy", spoil(ready())[..., list(order)])
    wanted = StillInput("flow", 28)
    assert load_inputs(manifest(tmp_path, "right.npy"), wanted, CONFIG, tmp_path / "cache").any()
    clip_set = manifest(tmp_path, "right.npy", "wrong.npy")
    with pytest.raises(DataError, match=rf"s1/c1 has its channels in another order.*{which} at"):
        load_inputs(clip_set, wanted, CONFIG, tmp_path / "cache")
    problems, _ = deep_problems(clip_set.clips, 1)
    assert [(found.kind, found.where) for found in problems] == [("unreadable", "mine s1/c1")]


def test_a_face_that_is_strained_all_over_is_no_other_order(tmp_path):
    rests = np.linspace(0, 1, 28 * 28) ** np.array([[2.0], [1.0], [1.1]])  # medians 0.25, 0.5, 0.47
    flow = 255 * np.random.default_rng(0).permuted(rests, axis=1).T.reshape(28, 28, 3)
    np.save(tmp_path / "strained.npy", flow.round())
    clip_set = manifest(tmp_path, "strained.npy")
    assert load_inputs(clip_set, StillInput("flow", 28), CONFIG, tmp_path / "cache").any()


def lost(levels, which):
    """The levels with one channel constant ("strain", "v"), or u or v without its sign."""
    changed = levels.copy()
    if which in ("strain", "v"):
        changed[..., 1 if which == "v" else 2] = 127
    elif which:
        place = ("|u|", "|v|").index(which)
        changed[..., place] = 2 * np.abs(levels[..., place] - 127)
    return changed


@pytest.mark.parametrize(
    ("which", "where", "said"),
    [
        ("", "", ""),
        ("strain", "channel 3", "strain is the same all over in 12 of 12 flow images"),
        ("v", "channel 2", "v is the same all over in 12 of 12 flow images"),
        ("|u|", "channel 1", "u rests at its lower end in 12 of 12 flow images: its sign may be"),
        ("|v|", "channel 2", "v rests at its lower end in 12 of 12 flow images: its sign may be"),
    ],
)
def test_a_channel_that_is_lost_in_most_images_is_told(tmp_path, which, where, said):
    u, v, strain = motion()
    levels = np.stack([127 + 120 * u**3, 127 + 120 * v**3, 200 * strain**3], -1)
    for number in range(12):
        np.save(tmp_path / f"{number}.npy", lost(levels, which) * (1 - number / 100))
    clip_set = manifest(tmp_path, *(f"{number}.npy" for number in range(12)))
    made = load_inputs(clip_set, StillInput("flow", 28), CONFIG, tmp_path / "cache")
    seen = input_problems(clip_set.clips, made, None, CONFIG, tmp_path / "cache")
    for problems in (seen, deep_problems(clip_set.clips, 1)[0]):
        told = [each for each in problems if each.kind == "flow"]
        assert [each.where for each in told] == ([where] if where else [])
        assert all(each.what.startswith(said) for each in told)
    few = input_problems(clip_set.clips[:9], made[:9], None, CONFIG, tmp_path / "cache")
    assert not [each for each in few if each.kind == "flow"]


@pytest.mark.parametrize("tint", [(1, 1, 1), (1, 0.8, 0.65), (0.7, 0.8, 1)])
def test_a_small_photograph_is_no_flow(tmp_path, tint):
    face = 40 + 200 * np.hypot(*motion()[:2])[..., None] / 2
    np.save(tmp_path / "flow.npy", noisy(face * tint))
    with pytest.raises(DataError, match="s0/c0 is a picture in grey or colour"):
        load_inputs(manifest(tmp_path, "flow.npy"), StillInput("flow", 28), CONFIG, tmp_path)


@pytest.mark.parametrize("strain", [0, 1, 255])
def test_flow_with_little_or_much_strain_is_flow(tmp_path, strain):
    u, v, _ = motion()
    levels = np.stack([127.5 + 127.5 * u, 127.5 + 127.5 * v, np.full_like(u, strain)], -1)
    levels[..., 2].flat[0] = 255
    np.save(tmp_path / "flow.npy", levels if strain < 255 else levels[..., [2, 0, 1]] / 2)
    clip_set = manifest(tmp_path, "flow.npy")
    assert load_inputs(clip_set, StillInput("flow", 28), CONFIG, tmp_path / "cache").any()


@pytest.mark.parametrize("channels", [2, 3])
def test_flow_with_its_channels_first_is_not_taken_for_grey_frames(tmp_path, channels):
    np.save(tmp_path / "flow.npy", IMAGE.transpose(2, 0, 1)[:channels])
    (clip,) = manifest(tmp_path, "flow.npy").clips
    with pytest.raises(DataError, match=r"grey frames, or .* save grey .* flow as \(28, 28, 3\)"):
        preprocess_clip(clip, Preprocessing(4, 8))
    spanned = replace(clip, span=(0, channels))
    assert preprocess_clip(spanned, Preprocessing(4, 8)).shape == (4, 8, 8, 3)


def test_other_single_images_and_arrays_stay_clips(tmp_path):
    Image.fromarray(noise(1, 28, 28, 1)[0]).save(tmp_path / "grey.png")
    Image.fromarray(noise(1, 30, 28)[0]).save(tmp_path / "wide.png")
    np.save(tmp_path / "frames.npy", noise(28, 28, 28))
    (tmp_path / "broken.png").write_bytes(b"no image")
    clips = manifest(tmp_path, "grey.png", "wide.png", "frames.npy", "broken.png").clips
    assert len(clips) == 4
    assert not any(clip.ready_flow for clip in clips)
