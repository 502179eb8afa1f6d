"""Files to 8-bit videos: equal to a float reference, and one line for every bad file."""

import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from image_clips import clip_of, noise, write_clip
from PIL import Image

from bench.data.disk.limits import MAX_PIXELS
from bench.data.pixels import resize
from bench.data.steps import keys
from bench.data.steps.keys import settings_key
from bench.data.steps.pipeline import preprocess_clip
from bench.data.steps.settings import Preprocessing
from bench.data.steps.tim import tim_matrix
from bench.errors import DataError


def triangle_weights(source: int, target: int) -> np.ndarray:
    """(target, source) weights of antialiased bilinear scaling, from its definition."""
    scale = source / target
    centres = (np.arange(target) + 0.5) * scale
    distance = np.abs(np.arange(source) + 0.5 - centres[:, None])
    weights = np.clip(1 - distance / max(scale, 1), 0, None)
    return weights / weights.sum(axis=1, keepdims=True)


def float_reference(video: np.ndarray, target: Preprocessing) -> np.ndarray:
    """The whole pipeline in float64, without rounding: (n, H, W, C) -> (T, S, S, C)."""
    video = video.astype(np.float64)
    timed = np.tensordot(tim_matrix(len(video), target.frames), video, 1)
    timed = np.clip(timed, video.min(), video.max())
    rows, columns = (triangle_weights(size, target.size) for size in video.shape[1:3])
    return np.einsum("yh,xw,thwc->tyxc", rows, columns, timed)


@given(
    n=st.integers(1, 9),
    height=st.integers(3, 40),
    width=st.integers(3, 40),
    frames=st.integers(1, 12),
    size=st.integers(1, 24),
)
@settings(max_examples=40)
def test_pixels_are_the_float_reference_rounded(tmp_path_factory, n, height, width, frames, size):
    video = noise(n, height, width)
    clip = write_clip(tmp_path_factory.mktemp("clip"), video)
    target = Preprocessing(frames, size)
    found = preprocess_clip(clip, target)
    assert found.shape == (frames, size, size, 3)
    assert found.dtype == np.uint8
    assert np.abs(found - float_reference(video, target)).max() < 0.5 + 1e-2


def test_a_clip_that_fits_already_is_kept_exactly(tmp_path):
    video = noise(6, 10, 10)
    np.testing.assert_array_equal(
        preprocess_clip(write_clip(tmp_path, video), Preprocessing(6, 10)), video
    )


def test_grey_frames_have_three_equal_channels(tmp_path):
    grey = noise(4, 8, 8, channels=1)
    found = preprocess_clip(write_clip(tmp_path / "grey", grey), Preprocessing(7, 5))
    assert found.shape == (7, 5, 5, 3)
    assert np.all(found == found[..., :1])
    as_colour = write_clip(tmp_path / "colour", np.repeat(grey[..., None], 3, axis=-1))
    np.testing.assert_array_equal(found, preprocess_clip(as_colour, Preprocessing(7, 5)))


def test_a_clip_of_grey_and_colour_frames_is_read_in_colour(tmp_path):
    grey = write_clip(tmp_path / "a", noise(1, 6, 6, channels=1))
    colour = write_clip(tmp_path / "b", noise(1, 6, 6))
    found = preprocess_clip(clip_of(grey.frames + colour.frames), Preprocessing(2, 6))
    np.testing.assert_array_equal(
        found[0], np.repeat(noise(1, 6, 6, channels=1)[0, ..., None], 3, -1)
    )
    np.testing.assert_array_equal(found[1], noise(1, 6, 6)[0])


@pytest.mark.parametrize("mode", ["1", "P", "LA", "RGBA", "CMYK"])
def test_other_8_bit_images_are_read(tmp_path, mode):
    picture = Image.fromarray(noise(1, 6, 6)[0]).convert(mode)
    suffix = ".tif" if mode == "CMYK" else ".png"
    picture.save(tmp_path / f"a{suffix}")
    found = preprocess_clip(clip_of([tmp_path / f"a{suffix}"]), Preprocessing(1, 6))
    np.testing.assert_array_equal(found[0], np.asarray(picture.convert("RGB")))


def test_one_frame_makes_a_still_clip(tmp_path):
    found = preprocess_clip(write_clip(tmp_path, noise(1)), Preprocessing(5, 8))
    assert np.all(found == found[:1])


def test_scaling_keeps_a_flat_image_flat():
    assert np.allclose(resize(np.full((1, 33, 50, 1), 77.25, np.float32), 16), 77.25)


def cut(path, part):
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])


def claim_size(path, width, height):
    """Rewrites a PNG's header, with its checksum, to another size."""
    header = b"IHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\0\0\0"
    content = path.read_bytes()
    path.write_bytes(content[:12] + header + zlib.crc32(header).to_bytes(4, "big") + content[33:])


SPOILT = {
    "missing": (lambda path: path.unlink(), "is missing"),
    "folder": (lambda path: (path.unlink(), path.mkdir()), "cannot be read"),
    "empty": (lambda path: path.write_bytes(b""), "cannot be read"),
    "text": (lambda path: path.write_text("no image"), "cannot be read"),
    "program": (lambda path: Image.new("RGB", (9, 12)).save(path, "EPS"), "none of BMP"),
    "header cut": (lambda path: cut(path, 0.03), "cannot be read"),
    "half": (lambda path: cut(path, 0.5), "cannot be read"),
    "other size": (lambda path: Image.new("RGB", (9, 8)).save(path), "9×8 pixels"),
    "16 bit": (
        lambda path: Image.fromarray(np.zeros((12, 9), np.uint16)).save(path, "PNG"),
        "8-bit",
    ),
    "bomb": (lambda path: claim_size(path, 60_000, 60_000), "larger than"),
    "just too large": (
        lambda path: Image.new("1", (4096, MAX_PIXELS // 4096 + 1)).save(path, "PNG"),
        "larger than",
    ),
}


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
@pytest.mark.parametrize("kind", SPOILT)
def test_a_bad_frame_is_named_in_one_line(tmp_path, kind, suffix):
    if kind == "bomb" and suffix == ".jpg":
        pytest.skip("a JPEG cannot claim more than 65,500 pixels a side: the PNG stands for both")
    spoil, words = SPOILT[kind]
    clip = write_clip(tmp_path, noise(3), suffix=suffix)
    bad = clip.frames[1]
    spoil(bad)
    with pytest.raises(DataError) as caught:
        preprocess_clip(clip, Preprocessing(4, 8))
    message = str(caught.value)
    assert "\n" not in message
    assert str(bad) in message
    assert "smic s01/s01_ne_01" in message
    assert words in message
    assert message.endswith((".", "face."))


def test_a_clip_without_frames_is_refused():
    with pytest.raises(DataError, match="has no frames"):
        preprocess_clip(clip_of([]), Preprocessing())


def test_the_key_tells_settings_and_versions_apart(monkeypatch):
    pairs = [(16, 112), (112, 16), (8, 112), (16, 32)]
    known = {settings_key(Preprocessing(*pair)) for pair in pairs}
    assert len(known) == 4
    monkeypatch.setattr(keys, "PIPELINE_VERSION", keys.PIPELINE_VERSION + 1)
    assert settings_key(Preprocessing(16, 112)) not in known
