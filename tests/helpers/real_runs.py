"""Run folders as `bench run` leaves them, of a few small clips, without peaks of memory."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_runs import changed

SUBJECTS = ("s05", "s06", "s15")
SIZES = (
    "data.frames=4",
    "data.size=8",
    "space.nodes=1",
    "space.channels=4",
    "space.kernels=shared",
    "search.epochs=2",
    "train.epochs=2",
)

SEARCHED = "smic-surrogate/rnas_mer_3"
CONTROL = "smic-surrogate/random_rnas_mer_3"
BY_FOLD = "smic-surrogate/rnas_mer_4"
COMPOSITE = "composite-surrogate/random_automer_3d"


def make_runs(root: Path) -> Path:
    """Four runs: a search, its random control, a search in every fold, a composite."""
    from bench.data.surrogates.writing import SURROGATE_VERSION, resolve_difficulty, write_surrogate

    name = f"-{resolve_difficulty('easy'):g}-seed0-version{SURROGATE_VERSION}"
    write = {"smic": SUBJECTS, "composite": ("s05", "sub13", "sub15", "037")}
    for dataset, subjects in write.items():
        folder = root / "cache" / "surrogate" / (dataset + name)
        write_surrogate(dataset, folder, size=16, subjects=subjects, workers=1)
    runs = root / "runs"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCH_CACHE", str(root / "cache"))
        _perform(root, runs, "rnas_mer_3", profiled=True)
        _perform(root, runs, "random_rnas_mer_3")
        by_fold = ("protocol.search_scope=fold", "search.epochs=1")
        _perform(root, runs, "rnas_mer_4", overrides=by_fold)
        _perform(root, runs, "random_automer_3d", dataset="composite")
    return runs


def _perform(
    root: Path,
    runs: Path,
    variant: str,
    *,
    dataset: str = "smic",
    overrides: tuple[str, ...] = (),
    profiled: bool = False,
) -> None:
    from bench.config.loading import load_config
    from bench.data.sources import Source
    from bench.engine.execute import execute
    from bench.engine.executing.executors import SerialExecutor
    from bench.engine.plan import FOLD, METRICS, SEARCH
    from bench.engine.request import Request, prepare_jobs

    request = Request(
        variants=(variant,),
        source=Source(dataset, None, True, root / "cache"),
        preset="smoke",
        config=load_config("smoke", changed(SIZES, overrides)),
        seeds=(0,),
        runs=runs,
        device="cpu",
    )
    prepared = prepare_jobs(request, lambda what, done, total: None)
    failures = execute(prepared, SerialExecutor(), Silence(), (SEARCH, FOLD, METRICS))
    assert not failures, failures
    for job in prepared.jobs if profiled else ():
        _write_profile(job)


def _write_profile(job) -> None:
    """The profile of the derived network; measuring its peak of memory would take seconds."""
    from bench.measuring.profiling import profile
    from bench.runs.checksums import sealing
    from bench.runs.searches import read_genotype
    from bench.system.files import write_json
    from rnas.derived import DerivedNetwork

    network = DerivedNetwork(
        job.method.configured_space(job.config), read_genotype(job.folder.genotype()), 3
    )
    with sealing(job.folder, "profile"):
        write_json(job.folder.profile, profile(network, (3, 4, 8, 8)))


class Silence:
    """A listener that says nothing."""

    def started(self, unit) -> None: ...
    def advanced(self, unit, what, done, total) -> None: ...
    def finished(self, unit) -> None: ...
    def failed(self, unit, reason) -> None: ...


def folder_of(runs: Path, name: str) -> Path:
    """The run folder of `<data set>/<variant>`."""
    (folder,) = (runs / name).glob("*/seed0")
    return folder


def keep_only(runs: Path, *names: str) -> Path:
    """Removes all other runs: a page of fewer is drawn sooner."""
    for folder in runs.glob("*/*"):
        if "/".join(folder.parts[-2:]) not in names:
            shutil.rmtree(folder)
    return runs


def change(file: Path, edit: Callable[[dict], None]) -> None:
    """Edits a JSON file in place."""
    content = json.loads(file.read_text())
    edit(content)
    file.write_text(json.dumps(content))
