"""Parts of a run that are another run's by a symbolic link: what they are is said by all."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tiny_runs import only_run

VARIANT = "rnas_mer_3"


@pytest.fixture
def run(searched_runs, runs) -> Path:
    """The folder of a finished run."""
    shutil.copytree(searched_runs, runs)
    return only_run(runs).path


@pytest.mark.parametrize(
    "name", ["search", "folds", "search/genotype.json", "folds/s05.json", "metrics.json"]
)
def test_a_part_of_another_run(bench, run, runs, random_runs, tmp_path, name):
    other = only_run(shutil.copytree(random_runs, tmp_path / "other")).path
    place = run / name
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    place.symlink_to(other / name)
    for outcome in (bench("validate", runs), bench.small(runs, VARIANT)):
        assert outcome.code == 1
        assert f"is that of another run, {other}, by a symbolic link" in outcome.out + outcome.err
    assert bench.small(runs, VARIANT, "--force").code == 0  # the other run stays
    assert bench("validate", runs).out == bench("validate", tmp_path / "other").out


@pytest.mark.parametrize("arguments", [("--seed", 0, 1), ("--seed", 1), ("--seed", 1, "--force")])
def test_a_run_folder(bench, run, runs, arguments):
    run.with_name("seed1").symlink_to(run)
    outcome = bench.small(runs, VARIANT, *arguments)
    assert outcome.code == 1
    assert "seed1 is the folder of another run" in outcome.error
    assert "by a symbolic link" in outcome.error and "another process" not in outcome.error
    outcome = bench("validate", runs)
    assert outcome.code == 1
    assert f"seed1: configuration: run.json: describes the run {'/'.join(run.parts[-4:])}" in (
        outcome.out.replace(str(runs), "")
    )
    assert f"a symbolic link to {run.resolve()}" in outcome.out
    for command in (("score",), ("export", "--format", "csv")):
        outcome = bench(command[0], run.with_name("seed1"), *command[1:])
        assert outcome.code == 1 and "seed1 holds the run of seed 0" in outcome.error


@pytest.mark.parametrize("place", ["", "smic-surrogate", "folds"])
def test_another_disk_is_none(bench, run, runs, tmp_path, place):
    place = run / place if place == "folds" else runs / place
    moved = place.rename(tmp_path / "disk")
    place.symlink_to(moved)
    assert bench("validate", run).out == "1 of 1 runs complete and clean\n"
    outcome = bench.small(runs, VARIANT)
    assert outcome.code == 0, outcome.err
