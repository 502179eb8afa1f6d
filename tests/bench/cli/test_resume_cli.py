"""kill -9 anywhere: the same command goes on, and nothing in the results shows that it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from tiny_runs import only_run

VARIANT = "short"
STATEFUL = ("--set", "search.batch=2", "--set", "search.warmup=0")
"""Several steps an epoch, all of them on the architecture too: both optimisers remember."""

KILLED = """
import os, signal, sys
from pathlib import Path

name, moment = sys.argv[1:3]
replace = Path.replace

def dying(self, target):
    hit = str(target).endswith(name)
    assert not hit or "torch._dynamo" not in sys.modules  # which takes a second to import
    if hit and moment == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    replace(self, target)
    if hit:
        os.kill(os.getpid(), signal.SIGKILL)

Path.replace = dying
from bench.cli import main
main(sys.argv[3:])
"""
"""A process that kills itself before or after a file of a run gets its final name."""

pytestmark = pytest.mark.usefixtures("short")


@pytest.fixture(scope="module")
def uninterrupted(bench, short, tmp_path_factory):
    """The runs folder of the same command, never stopped."""
    runs = tmp_path_factory.mktemp("uninterrupted")
    assert bench.small(runs, VARIANT, *STATEFUL).code == 0
    return runs


def killed(bench, runs, file, moment):
    command = [*map(str, bench.small_command(runs, VARIANT, *STATEFUL))]
    process = subprocess.run(
        [sys.executable, "-c", KILLED, file, moment, *command],
        env=bench.environment | {"PYTHONPATH": os.pathsep.join(sys.path)},  # VARIANT's package
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == -signal.SIGKILL, process.stderr


def complete(run):
    """What the results are made of, times and durations aside."""
    files = ("search/architecture.json", "metrics.json", "profile.json")
    search = run.json("search/genotype.json")
    del search["cost"]["seconds"]
    return run.folds, search, [run.json(name) for name in files], history(run)


def history(run):
    rows = (run.path / "search/history.csv").read_text().splitlines()
    return [row.rsplit(",", 1)[0] for row in rows]  # the last column is the time it took


def test_kill_in_the_search(bench, runs, uninterrupted, monkeypatch):
    killed(bench, runs, "history.csv", "before")  # the checkpoint of the first epoch is written
    run = only_run(runs)
    assert set(run.times) == {"run.json", "checksums.json", "search/checkpoint.pt"}

    from rnas.search import Searcher

    epochs = []
    run_epoch = Searcher.run_epoch

    def counted(self, epoch, batches):
        epochs.append(epoch)
        return run_epoch(self, epoch, batches)

    monkeypatch.setattr(Searcher, "run_epoch", counted)
    assert bench.small(runs, VARIANT, *STATEFUL).code == 0
    assert epochs == [1]
    assert complete(run) == complete(only_run(uninterrupted))
    assert "search/checkpoint.pt" not in run.times


def test_kill_in_the_folds(bench, runs, uninterrupted):
    killed(bench, runs, "s06.json", "before")
    run = only_run(runs)
    assert set(run.folds) == {"s05"}
    before = run.times
    del before["checksums.json"]
    assert bench.small(runs, VARIANT, *STATEFUL).code == 0
    assert {name: run.times[name] for name in before} == before
    assert complete(run) == complete(only_run(uninterrupted))


def test_corrupt_checkpoint_is_named_and_the_advice_is_good(bench, runs, uninterrupted):
    import shutil

    shutil.copytree(uninterrupted, runs)
    run = only_run(runs)
    for path in ("search/genotype.json", "metrics.json", "profile.json"):
        (run.path / path).unlink()
    shutil.rmtree(run.path / "folds")
    checkpoint = run.path / "search/checkpoint.pt"
    checkpoint.write_bytes(b"PK half a file")
    outcome = bench.small(runs, VARIANT, *STATEFUL)
    assert outcome.code == 1
    assert str(checkpoint) in outcome.error
    assert "move it elsewhere and repeat" in outcome.error
    checkpoint.unlink()
    assert bench.small(runs, VARIANT, *STATEFUL).code == 0
    assert complete(run) == complete(only_run(uninterrupted))
