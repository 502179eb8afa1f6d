"""How long frames take to become a batch. Figures only: nothing is asserted about time."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bench.data import cache as cache_module
from bench.data.cache import load_arrays
from bench.data.clips import Clip
from bench.data.sets.catalogue import load_clips
from bench.data.steps.pipeline import Video
from bench.data.steps.settings import Preprocessing
from bench.data.steps.tim import interpolate
from bench.data.surrogates.writing import write_surrogate
from bench.training.augment import augment, to_input

PROJECT = Path(__file__).parents[2]
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
    monkeypatch.setattr(cache_module, "_SETTLED_NS", 0)  # frames just written are remembered, too
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        clips = [write_small_frames(root / str(n), n) for n in range(COMPOSITE_CLIPS)]
        cold = load_arrays(clips, Video(Preprocessing()), root / "cache")
        warm = benchmark.pedantic(
            load_arrays, (clips, Video(Preprocessing()), root / "cache"), rounds=5, warmup_rounds=1
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


PREPARE = """
import json, resource, sys
from pathlib import Path
from bench.config.settings import DataConfig
from bench.data.sets.catalogue import load_clips
from bench.data.cache import load_arrays
from bench.data.stills.inputs import still_product
from bench.data.steps.pipeline import Video
from bench.data.steps.settings import Preprocessing
from baselines.fixed import StillInput

def main():
    root, cache, what, workers = sys.argv[1:]
    clips = load_clips("composite", Path(root)).clips
    product = {
        "video": Video(Preprocessing(16, 112, crop="detect", magnify="eulerian")),
        "flow": still_product(StillInput("flow", 28), DataConfig(crop="detect")),
    }[what]
    array = load_arrays(clips, product, Path(cache), None, int(workers))
    own, below = (
        resource.getrusage(who).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    print(json.dumps({"clips": len(array), "shape": array.shape, "own": own, "below": below}))

if __name__ == "__main__":  # workers are spawned, and import this file anew
    main()
"""
"""A process of its own: its peak memory is that of the preparation and of nothing before it."""

WORKERS = 2
FEW = ("s05", "s19", "sub13", "sub20", "018", "019")
"""Subjects with 12 clips, from all three sets."""


@pytest.fixture(scope="module", params=["few", "composite"])
def composite(request, tmp_path_factory) -> tuple[Path, int]:
    """Surrogates of the composite with a face on every frame, and how many clips they are."""
    root = tmp_path_factory.mktemp("composite") / "data"
    subjects = FEW if request.param == "few" else None
    write_surrogate("composite", root, difficulty="hard", subjects=subjects)
    return root, len(load_clips("composite", root).clips)


@pytest.mark.slow
@pytest.mark.parametrize("what", ["video", "flow"])
@pytest.mark.benchmark(group="prepare the composite: detect, Eulerian and TIM; flow")
def test_preparing_the_composite(benchmark, composite, what, tmp_path):
    """Select a dozen clips with `-k few`, all 442 with `-k composite-`."""
    root, clips = composite
    script = tmp_path / "prepare.py"
    script.write_text(PREPARE)
    command = [sys.executable, str(script), str(root), str(tmp_path / "cache"), what, str(WORKERS)]

    def prepare() -> dict:
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=PROJECT)
        return json.loads(done.stdout)

    found = benchmark.pedantic(prepare, rounds=1)
    assert found["clips"] == clips
    benchmark.extra_info |= {
        "clips": clips,
        "workers": WORKERS,
        # The children's figure is that of the largest one: all together stay below the sum.
        "peak_mb_at_most": (found["own"] + WORKERS * found["below"]) / 1e6,
        "peak_mb_main": found["own"] / 1e6,
    }
    again = prepare()  # all from the cache
    assert again["shape"] == found["shape"]
