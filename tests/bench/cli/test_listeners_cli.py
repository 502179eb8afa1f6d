"""`--listener` and `--executor` of the commands that work."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tiny_runs import only_run

from bench.system.installed import install_command

FAILING = """
from bench.engine.listening import RunListener

class Failing(RunListener):
    def epoch(self, unit, epoch, values):
        raise SystemError("no\\nroom")
"""


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Curve -> (step, value) in the events of a folder."""
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = reader.EventAccumulator(str(folder)).Reload()
    return {
        tag: [(point.step, point.value) for point in events.Scalars(tag)]
        for tag in events.Tags()["scalars"]
    }


@pytest.mark.parametrize("jobs", [(), ("--jobs", 1)], ids=["here", "in a process"])
def test_tensorboard_leaves_curves_beside_the_run_folder(bench, runs, jobs):
    pytest.importorskip("tensorboard")
    outcome = bench.small(runs, "rnas_mer_3", "--listener", "tensorboard", *jobs)
    assert outcome.code == 0, outcome.err
    run = only_run(runs)
    found = scalars(runs / "tensorboard" / run.path.relative_to(runs))
    losses = run.folds["s05"]["losses"]
    assert [step for step, _ in found["fold s05/loss"]] == [1, 2]
    assert [loss for _, loss in found["fold s05/loss"]] == pytest.approx(losses)
    assert [step for step, _ in found["search/weight_loss"]] == [1, 2]
    assert found["metrics/uf1"] == [(0, pytest.approx(run.json("metrics.json")["uf1"]))]
    assert bench("validate", run.path).code == 0
    assert len(bench("list", "runs", "--runs", runs).out.splitlines()) == 3


def test_without_tensorboard_says_what_to_install(bench, runs, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    outcome = bench.small(runs, "rnas_mer_3", "--listener", "tensorboard")
    assert outcome.code == 1
    assert install_command("tensorboard") in outcome.error
    assert not runs.exists()


def test_an_unknown_listener_is_an_error_before_any_work(bench, runs):
    outcome = bench.small(runs, "rnas_mer_3", "--listener", "tensorbord")
    assert outcome.code == 2
    assert "unknown listener 'tensorbord'. Did you mean 'tensorboard'" in outcome.error
    assert not runs.exists()


def test_a_listener_that_raises_stops_no_run(bench, runs, install_package):
    listeners = {"failing": "their_listener:Failing"}
    install_package(FAILING, {"bench.listeners": listeners}, "their_listener")
    outcome = bench.small(runs, "random_rnas_mer", "--listener", "failing")
    assert outcome.code == 0, outcome.err
    warnings = [line for line in outcome.err.splitlines() if line.startswith("warning")]
    who = "listener failing of bench.listeners, package their_listener (their_listener:Failing)"
    assert warnings == [f"warning: {who} hears no more: SystemError: no room"]
    assert only_run(runs).json("metrics.json")["clips"] == 10


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--executor", "serail"), "unknown executor 'serail'. Did you mean 'serial'"),
        (("--executor", "serial", "--jobs", 2), "leave out --jobs 2"),
    ],
)
def test_an_executor_that_cannot_be_meant_is_an_error_before_any_work(
    bench, runs, options, message
):
    outcome = bench.small(runs, "random_rnas_mer", *options)
    assert outcome.code == 2
    assert message in outcome.error
    assert not runs.exists()
