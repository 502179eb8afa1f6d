"""Bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console
from rich.progress import Progress

from bench.cli.progress import Steps, UnitBars, UnitLines
from bench.cli.request import say_failures
from bench.config.settings import Config
from bench.data.sources import Source
from bench.engine.executing.working import Failure
from bench.engine.plan import plan
from bench.runs.folder import RunFolder
from bench.runs.job import Job


@pytest.fixture
def units(tmp_path):
    source = Source("smic", None, True, tmp_path)
    folds = ("s01", "s02")
    job = Job(RunFolder(tmp_path), "rnas_mer", source, "smoke", Config(), 0, "cpu", folds)
    return [task.unit for task in plan(job)]


def lines_of(capsys):
    return [re.sub(r"[0-9.]+ s", "N s", line) for line in capsys.readouterr().err.splitlines()]


def test_lines_count_from_what_was_done_before(units, capsys):
    listener = UnitLines(units, units[:3])
    listener.started(units[3])
    listener.advanced(units[3], "epoch", 1, 2)
    listener.finished(units[3])
    listener.started(units[4])
    listener.failed(units[4], "no luck")
    assert lines_of(capsys) == [
        "[4/5] rnas_mer: metrics: done (N s, about N s left)",
        "[5/5] rnas_mer: profile: FAILED: no luck (N s, about N s left)",
    ]


def test_a_reason_is_told_once(units, capsys):
    listener = UnitLines(units, [])
    for unit, reason in zip(units[1:4], ("no luck", "no luck", "no disk"), strict=True):
        listener.started(unit)
        listener.failed(unit, reason)
    said = [line.partition(" (")[0].partition(": fold ")[2] for line in lines_of(capsys)]
    assert said[0] == "s01: FAILED: no luck" and said[1] == "s02: FAILED, as rnas_mer: fold s01"


@pytest.mark.parametrize("kept", [False, True])
def test_what_failed_says_whether_anything_is_kept(units, capsys, kept):
    tasks = plan(units[0].job)
    if kept:
        units[0].output.parent.mkdir(parents=True)
        units[0].output.write_text("{}")
    assert say_failures([Failure(units[1], "no luck")], tasks) == 1
    said = capsys.readouterr().err
    assert ("The others are kept" if kept else "Nothing else is done yet") in said


def test_the_time_left_is_that_of_units_of_the_same_kind(tmp_path, capsys, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("bench.cli.progress.time.monotonic", lambda: clock[0])
    job = Job(
        *(RunFolder(tmp_path), "rnas_mer", Source("smic", None, True, tmp_path), "smoke"),
        *(Config(), 0, "cpu", ("s01", "s02", "s03")),
    )
    search, *folds = [task.unit for task in plan(job, ("search", "fold"))]
    listener = UnitLines([search, *folds], [])
    for unit, seconds in ((search, 1000.0), (folds[0], 10.0)):
        listener.started(unit)
        clock[0] += seconds
        listener.finished(unit)
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith("(1000.0 s, about 3000 s left)")  # nothing is known of folds yet
    assert second.endswith("(10.0 s, about 20 s left)")


def test_what_is_made_anew_is_counted_once(units, capsys):
    listener = UnitLines(units, units[:4])
    for unit in units[2:]:  # two of the three were there
        listener.started(unit)
        listener.finished(unit)
    assert [line.partition("]")[0] for line in lines_of(capsys)] == ["[4/5", "[4/5", "[5/5"]
    assert listener.untouched == set(units[:2])


def test_a_unit_that_takes_long_says_how_far_it_is(units, capsys, monkeypatch):
    listener = UnitLines(units, units[:1])
    listener.started(units[1])
    monkeypatch.setattr("bench.cli.progress.SILENT_FOR", 0)
    listener.advanced(units[1], "training epoch", 0, 30)
    listener.advanced(units[1], "training epoch", 3, 30)
    assert lines_of(capsys) == ["rnas_mer: fold s01: training epoch 3/30, about N s left in it"]


def test_steps_without_a_terminal_are_one_line_each(capsys):
    steps = Steps(None)
    for done in range(1, 4):
        steps("preprocessing clips", done, 3)
    assert lines_of(capsys) == ["preprocessing clips: 3"]


def test_a_step_that_comes_again_is_timed_anew(capsys, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("bench.cli.progress.time.monotonic", lambda: clock[0])
    steps = Steps(None)
    for seconds, done in ((0, 0), (1000, 100), (1000, 0), (20, 10)):
        clock[0] += seconds
        steps("making optical flow", done, 100)
    assert capsys.readouterr().err.splitlines() == [
        "making optical flow: 100",
        "making optical flow: 10/100, about 180 s left",
    ]


def test_bars_follow_the_units_and_keep_what_failed(units):
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=200, color_system=None)
    with Progress(console=console, auto_refresh=False) as bars:
        steps = Steps(bars)
        steps("preprocessing clips", 1, 2)
        steps("preprocessing clips", 2, 2)
        listener = UnitBars(bars, 5, units[4:])
        listener.started(units[0])
        listener.advanced(units[0], "search epoch", 1, 2)
        described = {task.description: (task.completed, task.total) for task in bars.tasks}
        assert described == {
            "preprocessing clips": (2, 2),
            "all units": (1, 5),
            "rnas_mer: search: search epoch": (1, 2),
        }
        listener.finished(units[0])
        listener.started(units[1])
        listener.failed(units[1], "loss [bold]nan[/bold]")
        assert {task.description: task.completed for task in bars.tasks}["all units"] == 3
        assert len(bars.tasks) == 2  # the bar of a unit goes with it
    assert "failed: rnas_mer: fold s01: loss [bold]nan[/bold]" in screen.getvalue()
