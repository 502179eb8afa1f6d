"""`run.json` says where a run was made, and where it went on."""

from __future__ import annotations

import pytest
from tiny_runs import only_run

from bench.runs.checksums import write_run_file
from bench.runs.folder import RunFolder


def remember(run, **changes):
    """The run as if it had been made under other conditions."""
    record = run.json("run.json")
    record["provenance"] |= changes
    write_run_file(RunFolder(run.path), record)


@pytest.mark.parametrize(
    "before",
    [{"threads": 7}, {"git_commit": "0" * 40}, {"device": "cuda"}, {"packages": {}}],
    ids=lambda before: next(iter(before)),
)
def test_going_on_under_other_conditions_is_noted_once(bench, finished, before):
    run = only_run(finished)
    remember(run, **before)
    for _ in range(2):
        (run.path / "metrics.json").unlink()
        assert bench.small(finished, "random_rnas_mer").code == 0
        (maker,) = run.json("run.json")["continued"]
        assert (maker["threads"], maker["processes"], maker["device"]) == (1, 1, "cpu")
        assert maker["packages"]["torch"]


def test_going_on_under_the_same_conditions_is_not(bench, finished):
    run = only_run(finished)
    (run.path / "metrics.json").unlink()
    assert bench.small(finished, "random_rnas_mer").code == 0
    assert "continued" not in run.json("run.json")


def test_a_command_that_finds_nothing_left_to_do_is_not(bench, finished):
    run = only_run(finished)
    remember(run, git_commit="0" * 40)
    before = (run.path / "run.json").read_bytes()
    assert bench.small(finished, "random_rnas_mer").code == 0
    assert (run.path / "run.json").read_bytes() == before


def test_a_fixed_network_trains_on_one_thread(bench, runs, monkeypatch):
    from bench.engine.executing.executors import SerialExecutor

    monkeypatch.setattr(SerialExecutor, "threads", 4)
    for variant, threads in (("ststnet", 1), ("random_rnas_mer", 4)):
        place = runs / variant
        assert bench.small(place, variant, "--set", "train.epochs=1").code == 0
        assert only_run(place).json("run.json")["provenance"]["threads"] == threads
