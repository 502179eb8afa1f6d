"""How long frames take to become a batch. Figures only: nothing is asserted about time."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bench.data import cache as cache_module
from bench.data.cache import load_arrays
from bench.data.clips import Clip
from bench.data.preprocess import Preprocessing
from bench.data.tensors import augment, to_input
from bench.data.tim import interpolate

COMPOSITE_CLIPS = 442
FRAMES_A_CLIP = 50


def test_tim_of_100_frames_at_128(benchmark):
    video = np.random.default_rng(0).integers(0, 256, (100, 128, 128, 3), np.uint8)
    assert benchmark(interpolate, video, 16).shape == (16, 128, 128, 3)


def write_small_frames(folder: Path, number: int) -> Clip:
    """A clip of tiny images: a warm load never opens them, so only their count matters."""
    folder.mkdir()
    frames = tuple(folder / f"{frame:02d}.bmp" for frame in range(FRAMES_A_CLIP))
    for index, path in enumerate(frames):
        Image.new("RGB", (4, 4), (number % 256, number // 256, index)).save(path)
    return Clip("composite", "s01", folder.name, 0, frames, None, "", 100.0)


@pytest.mark.slow
def test_warm_load_of_a_composite(benchmark, monkeypatch):
    if not benchmark.enabled:
        pytest.skip("writes 22,100 frames and 270 MB: only with --benchmark-enable")
    monkeypatch.setattr(cache_module, "_SETTLED_NS", 0)  # frames just written are remembered, too
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        clips = [write_small_frames(root / str(n), n) for n in range(COMPOSITE_CLIPS)]
        cold = load_arrays(clips, Preprocessing(), root / "cache")
        warm = benchmark.pedantic(
            load_arrays, (clips, Preprocessing(), root / "cache"), rounds=5, warmup_rounds=1
        )
        assert np.array_equal(warm, cold)


@pytest.mark.parametrize(("frames", "size"), [(8, 32), (16, 112)])
def test_augmented_batch_of_16(benchmark, frames, size):
    videos = torch.randint(0, 256, (16, frames, size, size, 3), dtype=torch.uint8)
    generator = torch.Generator().manual_seed(0)

    def batch():
        moved = augment(videos, flip=True, shift=2, jitter=2, generator=generator)
        return to_input(moved, "onset_difference")

    assert benchmark(batch).shape == (16, 3, frames, size, size)
