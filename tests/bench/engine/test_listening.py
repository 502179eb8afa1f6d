"""What listeners of packages hear of a run, and that none of them can stop it."""

from __future__ import annotations

import random
import threading

import pytest

from bench.config.settings import Config
from bench.data.sources import Source
from bench.engine.listening import RunListener, Shared
from bench.engine.plan import FOLD, METRICS, SEARCH, Unit
from bench.runs.folder import RunFolder
from bench.runs.job import Job
from bench.system.files import write_json, write_text
from bench.system.packages import forget

HISTORY = (
    "epoch,weight_loss,architecture_loss,operation_entropy,edge_entropy,path_entropy,none_mass,"
    "skip_mass,path,edges,operations,seconds\n"
)


class Heard(RunListener):
    """Remembers; also stands in for the progress display."""

    def __init__(self):
        self.events = []

    def started(self, unit):
        self.events.append(("started", unit.phase))

    def advanced(self, unit, what, done, total):
        self.events.append((what, done, total))

    def epoch(self, unit, epoch, values):
        self.events.append(("epoch", unit.phase, epoch, dict(values)))

    def scored(self, unit, scores):
        self.events.append(("scored", dict(scores)))

    def finished(self, unit):
        self.events.append(("finished", unit.phase))

    def failed(self, unit, reason):
        self.events.append(("failed", unit.phase, reason))

    def close(self):
        self.events.append(("close",))

    @property
    def epochs(self):
        return [(event[2], event[3]) for event in self.events if event[0] == "epoch"]


class Silence:
    """No progress display."""

    def started(self, unit): ...
    def advanced(self, unit, what, done, total): ...
    def finished(self, unit): ...
    def failed(self, unit, reason): ...


@pytest.fixture
def unit(tmp_path):
    folder = RunFolder(tmp_path / "smic-surrogate" / "rnas_mer" / "smoke-1" / "seed0")
    source = Source("smic", None, True, tmp_path)

    def of(phase, fold=""):
        return Unit(
            Job(folder, "rnas_mer", source, "smoke", Config(), 0, "cpu", ("s1",)), phase, fold
        )

    return of


def write_history(unit, epochs):
    rows = [f"{e},0.5,,0.{e},1,1,0,0,1-1,0>0,skip,{e}" for e in range(epochs)]
    write_text(unit.job.folder.history(unit.fold), HISTORY + "\n".join(rows) + "\n")


def test_epochs_of_a_search_are_told_as_they_come_each_once(unit):
    heard, search = Heard(), unit(SEARCH)
    with Shared(Silence(), {"heard": heard}) as listener:
        listener.started(search)
        for done in (0, 1, 1, 3):
            write_history(search, done)
            listener.advanced(search, "search epoch", done, 4)
        write_history(search, 4)
        listener.finished(search)
    assert [epoch for epoch, _ in heard.epochs] == [1, 2, 3, 4]
    assert heard.epochs[3][1]["operation_entropy"] == 0.3
    assert "architecture_loss" not in heard.epochs[0][1]  # an empty cell
    assert heard.events[0] == ("started", SEARCH)
    assert heard.events[-2:] == [("finished", SEARCH), ("close",)]


def test_losses_of_a_fold_and_scores_of_a_run_are_told_when_they_are_there(unit):
    heard, fold, metrics = Heard(), unit(FOLD, "s1"), unit(METRICS)
    with Shared(Silence(), {"heard": heard}) as listener:
        listener.advanced(fold, "training epoch", 1, 2)
        write_json(fold.output, {"losses": [0.5, 0.25]})
        listener.finished(fold)
        write_json(metrics.output, {"uar": 0.5, "uf1": None, "clips": 3, "classes": ["a"]})
        listener.finished(metrics)
        listener.failed(fold, "no luck")
    assert heard.epochs == [(1, {"loss": 0.5}), (2, {"loss": 0.25})]
    assert ("scored", {"uar": 0.5}) in heard.events
    assert heard.events[-2:] == [("failed", FOLD, "no luck"), ("close",)]


@pytest.mark.parametrize("error", [OSError, SystemExit])
@pytest.mark.parametrize("what", ["started", "advanced", "epoch", "finished", "failed", "close"])
def test_one_that_raises_is_warned_of_once_and_the_others_go_on(unit, capsys, what, error):
    def spoil(*arguments):
        raise error("no\nroom")

    bad, good, shown, fold = RunListener(), Heard(), Heard(), unit(FOLD, "s1")
    setattr(bad, what, spoil)
    with Shared(shown, {"bad": bad, "good": good}) as listener:
        for _ in range(2):
            listener.started(fold)
            listener.advanced(fold, "training epoch", 1, 1)
            write_json(fold.output, {"losses": [0.5]})
            listener.finished(fold)
            listener.failed(fold, "no luck")
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"warning: listener bad hears no more: {error.__name__}: no room"
    assert [event[0] for event in shown.events].count("failed") == 2
    assert [event[0] for event in good.events].count("failed") == 2
    assert good.events[-1] == ("close",)


def test_ctrl_c_closes_them(unit):
    heard = Heard()
    with pytest.raises(KeyboardInterrupt), Shared(Silence(), {"heard": heard}):
        raise KeyboardInterrupt
    assert heard.events == [("close",)]


def deaf(unit):
    import torch

    torch.set_grad_enabled(False)
    torch.manual_seed(unit.phase == FOLD)


def wandering(unit):
    import os
    import random

    os.chdir("/")
    random.random()


def heavy(unit):
    import numpy as np
    import torch

    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(torch.get_num_threads() + 1)
    np.random.seed(3)  # noqa: NPY002 - as others do


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (deaf, {"gradients", "torch's random numbers"}),
        (wandering, {"the current folder", "Python's random numbers"}),
        (heavy, {"the default dtype", "the number of threads", "NumPy's random numbers"}),
    ],
)
def test_what_one_changes_of_the_process_is_set_back_and_said_once(unit, capsys, change, named):
    from bench.system.guarding import SETTINGS

    forget()
    before = [setting.read() for setting in SETTINGS]
    meddling = RunListener()
    meddling.started = change
    with Shared(Silence(), {"meddling": meddling}) as listener:
        listener.started(unit(FOLD, "s1"))
        listener.started(unit(FOLD, "s1"))
    assert [setting.read() for setting in SETTINGS] == before
    said = capsys.readouterr().err.splitlines()
    assert len(said) == len(named)
    assert all("warning: listener meddling changed" in line for line in said)
    assert {line.partition("changed ")[2].partition(" of the process")[0] for line in said} == named


class Beating(RunListener):
    """Its thread lives until it is told to end."""

    def __init__(self, at_once):
        self.over = threading.Event()
        if at_once:
            threading.Thread(target=self.over.wait, daemon=True).start()

    def started(self, unit):
        threading.Thread(target=self.over.wait, daemon=True).start()


@pytest.mark.parametrize("at_once", [False, True])
def test_a_thread_of_one_is_told_once_and_named_beside_odd_random_numbers(
    unit, capsys, monkeypatch, at_once
):
    from bench.system import guarding

    forget()
    monkeypatch.setattr(guarding, "_threaded", [])
    with guarding.watching_threads("listener beating"):
        beating = Beating(at_once)
    with Shared(Silence(), {"beating": beating}) as listener:
        listener.started(unit(FOLD, "s1"))
        listener.started(unit(FOLD, "s1"))
    with guarding.undisturbed("network mine"):
        random.random()
    beating.over.set()
    note, warning = capsys.readouterr().err.splitlines()
    assert note.startswith("note: listener beating runs a thread")
    assert warning.endswith("set back (or a thread of listener beating drew)")


def shortening(unit):
    object.__setattr__(unit.job.config.train, "epochs", 1)


def reseeding(unit):
    object.__setattr__(unit.job, "seed", 7)


@pytest.mark.parametrize("change", [shortening, reseeding])
def test_what_one_changes_of_a_unit_changes_no_run_and_is_said(unit, capsys, change):
    forget()
    meddling, heard, fold = RunListener(), [], unit(FOLD, "s1")
    meddling.started = change
    good = RunListener()
    good.started = heard.append
    with Shared(Silence(), {"meddling": meddling, "good": good}) as listener:
        listener.started(fold)
        listener.started(fold)
    assert [fold, *heard] == [unit(FOLD, "s1")] * 3
    (line,) = capsys.readouterr().err.splitlines()
    assert "warning: listener meddling changed a unit" in line


def test_none_can_change_what_the_others_hear(unit):
    class Clearing(RunListener):
        def epoch(self, unit, epoch, values):
            values.clear()

    heard, fold = Heard(), unit(FOLD, "s1")
    with Shared(Silence(), {"clearing": Clearing(), "heard": heard}) as listener:
        write_json(fold.output, {"losses": [0.5]})
        listener.finished(fold)
    assert heard.epochs == [(1, {"loss": 0.5})]
