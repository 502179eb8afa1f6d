"""Clips, run folders and the command line for the tests of the commands."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from own_packages import SHORT, installing
from PIL import Image
from shared import made_once
from tiny_runs import SUBJECTS, Bench


@pytest.fixture(scope="session")
def clip_cache(tmp_path_factory) -> Path:
    """A cache that holds the surrogate clips of a few subjects, of few pixels.

    A copy for each process of the tests: in it lies the lock of timing runs.
    """
    from bench.data.surrogates.writing import SURROGATE_VERSION, resolve_difficulty, write_surrogate

    name = f"-{resolve_difficulty('easy'):g}-seed0-version{SURROGATE_VERSION}"
    write = {"smic": SUBJECTS, "composite": ("s05", "s15", "sub13", "sub15", "037")}

    def make(cache: Path) -> None:
        for dataset, subjects in write.items():
            folder = cache / "surrogate" / (dataset + name)
            write_surrogate(dataset, folder, size=32, subjects=subjects, workers=1)

    made = made_once(tmp_path_factory, "clips", make)
    return shutil.copytree(made, tmp_path_factory.mktemp("cache") / "cache")


@pytest.fixture(scope="session")
def bench(clip_cache):
    return Bench(clip_cache)


@pytest.fixture(scope="module")
def short(tmp_path_factory) -> str:
    """The name of a variant with a search space of few paths."""
    with installing(tmp_path_factory.mktemp("package")) as put:
        put(SHORT, {"bench.variants": {"short": "short_space:SPACE"}}, "short_space")
        yield "short"


@pytest.fixture(scope="session")
def licensed(clip_cache, tmp_path_factory) -> Path:
    """A data root as the licence holder unpacks it, with a few subjects of SMIC.

    Generated clips stand in for the licensed ones: without their note and upside down they pass for
    real.
    """
    from bench.data.surrogates.writing import NOTE_NAME

    (generated,) = clip_cache.glob("surrogate/smic-*-seed0-*")
    root = shutil.copytree(generated, tmp_path_factory.mktemp("licensed") / "data")
    (root / NOTE_NAME).unlink()
    for frame in root.rglob("*.jpg"):
        Image.open(frame).transpose(Image.Transpose.FLIP_TOP_BOTTOM).save(frame)
    return root


@pytest.fixture
def data_root(licensed, tmp_path) -> Path:
    """A copy of `licensed` to spoil."""
    return shutil.copytree(licensed, tmp_path / "data")


@pytest.fixture(scope="session")
def finished_runs(bench, tmp_path_factory):
    """Makes a runs folder, not to be changed, of one finished run."""

    def make(name: str, variant: str, *arguments: str) -> Path:
        def run(runs: Path) -> None:
            outcome = bench.small(runs, variant, *arguments)
            assert outcome.code == 0, outcome.err

        return made_once(tmp_path_factory, name, run)

    return make


@pytest.fixture(scope="session")
def searched_runs(finished_runs) -> Path:
    """The runs folder of one finished search and evaluation."""
    return finished_runs("searched", "rnas_mer_3")


@pytest.fixture(scope="session")
def random_runs(finished_runs) -> Path:
    """The runs folder of one finished run without a search."""
    return finished_runs("random", "random_rnas_mer")


@pytest.fixture(scope="session")
def composite_runs(finished_runs) -> Path:
    """A finished run on the composite that records all selection rules."""
    clips = ("--dataset", "composite", "--subjects", "s05,s15,sub13,sub15,037")
    rules = ("--set", "data.subject_count=0", "--set", "protocol.rules=last,oracle")
    return finished_runs("composite", "random_rnas_mer", *clips, *rules)


@pytest.fixture(scope="session")
def kept_runs(finished_runs) -> Path:
    """A finished run that keeps the weights of the epoch that held-out subjects choose."""
    kept = ("--set", "save.weights=selected", "--set", "selection=inner_val")
    return finished_runs("kept", "random_rnas_mer", *kept)


@pytest.fixture
def flows(tmp_path) -> Path:
    """A manifest of twelve ready flow images, u brighter the higher the label."""
    names = ("negative", "positive", "surprise")
    lines = ["dataset,subject,clip,label,frames"]
    generator = np.random.default_rng(0)
    for number in range(12):
        image = generator.integers(0, 60, (28, 28, 3), dtype=np.uint8)
        image[:, :, 0] += 90 * (number % 3)
        Image.fromarray(image).save(tmp_path / f"c{number:02d}.png")
        lines.append(f"flows,s{number // 3},c{number:02d},{names[number % 3]},c{number:02d}.png")
    (tmp_path / "flows.csv").write_text("\n".join(lines))
    return tmp_path / "flows.csv"


@pytest.fixture
def runs(tmp_path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def finished(random_runs, runs) -> Path:
    """A copy of `random_runs` to spoil, with the times of its files."""
    return shutil.copytree(random_runs, runs)


class Disk:
    """A file system of its own in memory, 256 kB, for root only."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def remount(self, options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", str(self.path)], check=True)

    def fill_up_to(self, kilobytes: int) -> None:
        """Leaves room for so much."""
        status = os.statvfs(self.path)
        used = status.f_bavail * status.f_frsize - kilobytes * 1024
        (self.path / "ballast").write_bytes(bytes(used))

    def free(self) -> None:
        (self.path / "ballast").unlink()


@pytest.fixture
def disk(tmp_path):
    path = tmp_path / "disk"
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(path)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting a file system needs root")
    yield Disk(path)
    subprocess.run(["umount", str(path)], check=True)
