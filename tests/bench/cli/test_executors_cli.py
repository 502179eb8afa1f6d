"""`--executor`, `--fold`, `--only plan`, `bench status`: who does which part, and where."""

from __future__ import annotations

import json
import os
import shutil
from importlib.util import find_spec

import pytest
from tiny_runs import only_run

from bench.system.installed import install_command

SMALL = ("--set", "recipe_epochs=2")


def logits(runs):
    return {
        (fold, clip["clip"]): clip["logits"]
        for fold, record in only_run(runs).folds.items()
        for clip in record["clips"]
    }


@pytest.fixture(scope="module")
def alone(bench, tmp_path_factory):
    runs = tmp_path_factory.mktemp("alone")
    assert bench.small(runs, "ststnet", *SMALL, "--executor", "serial").code == 0
    return runs


@pytest.mark.parametrize(
    ("executor", "package"),
    [("ray", "ray"), ("slurm:cluster=local,minutes=5", "submitit")],
    ids=["ray", "slurm"],
)
def test_other_machines_answer_the_same(bench, runs, alone, executor, package, monkeypatch):
    pytest.importorskip(package)
    monkeypatch.setattr("bench.engine.executing.pools.RemoteExecutor.look_every", 0.2)
    outcome = bench.small(runs, "ststnet", *SMALL, "--executor", executor, "--jobs", 2)
    assert outcome.code == 0, outcome.err
    assert logits(runs) == logits(alone)
    assert bench("validate", only_run(runs).path).code == 0
    assert "ststnet: prepare: done" in outcome.err


@pytest.mark.parametrize(
    ("executor", "said"),
    [
        ("slurm:partion=gpu", "unknown option of --executor slurm 'partion'. Did you mean 'part"),
        ("slurm:minutes=soon", "minutes=soon: expected minutes=NUMBER"),
        ("serial:cores=2", "unknown option of --executor serial 'cores'"),
    ],
)
def test_options_that_cannot_be_meant_are_errors_before_any_work(bench, runs, executor, said):
    outcome = bench.small(runs, "ststnet", "--executor", executor)
    assert outcome.code == 2
    assert said in outcome.error
    assert not runs.exists()


@pytest.mark.parametrize("name", ["ray", "slurm"])
def test_what_is_not_installed_is_said(bench, runs, name):
    package = {"ray": "ray", "slurm": "submitit"}[name]
    if find_spec(package):
        pytest.skip(f"{package} is installed")
    outcome = bench.small(runs, "ststnet", "--executor", name)
    assert outcome.code == 1
    assert install_command(name) in outcome.error


CARELESS = """
from bench.system.installed import install_command
from bench.engine.executing.executors import SerialExecutor

class Careless(SerialExecutor):
    def run(self, tasks, perform, listener):
        return super().run([t for t in tasks if t.unit.phase != "metrics"], perform, listener)

def careless(jobs):
    return Careless()
"""


def test_a_unit_that_the_executor_drops_is_a_failure(bench, runs, install_package):
    install_package(CARELESS, {"bench.executors": {"careless": "careless:careless"}}, "careless")
    outcome = bench.small(runs, "ststnet", *SMALL, "--executor", "careless")
    assert outcome.code == 1
    who = "executor careless of bench.executors, package careless (careless:careless)"
    assert f"first ststnet: metrics: {who} ended without it" in outcome.error


LYING = """
from bench.engine.executing.executors import SerialExecutor

class Lying(SerialExecutor):
    def run(self, tasks, perform, listener):
        for task in tasks:
            listener.finished(task.unit)
        return ()

class Failing(SerialExecutor):
    def run(self, tasks, perform, listener):
        return tasks[0].nothing

class Copying(SerialExecutor):
    # What a unit writes is there, and not what else it leaves: as if taken from elsewhere.

    def run(self, tasks, perform, listener):
        unit = tasks[1].unit
        failures = super().run(tasks[:2], perform, listener)
        unit.job.folder.seal(unit.name).unlink()
        return failures + super().run(tasks[2:], perform, listener)

def lying(jobs):
    return Lying()

def copying(jobs):
    return Copying()

def failing(jobs):
    return Failing()
"""


def test_an_executor_of_a_package_that_lies_or_fails_is_named(bench, runs, install_package):
    entries = {name: f"lying_executors:{name}" for name in ("lying", "failing")}
    install_package(LYING, {"bench.executors": entries}, "lying_executors")
    outcome = bench.small(runs, "ststnet", *SMALL, "--executor", "lying")
    assert outcome.code == 1
    who = "executor {0} of bench.executors, package lying_executors (lying_executors:{0})"
    assert f"{who.format('lying')} said that it is done, but" in outcome.error
    assert "s05.json is not there." in outcome.error
    outcome = bench.small(runs, "ststnet", *SMALL, "--executor", "failing")
    assert outcome.code == 1
    assert f"{who.format('failing')} failed: AttributeError" in outcome.error


def test_what_an_executor_writes_without_doing_a_unit_is_not_believed(
    bench, runs, alone, install_package
):
    entries = {"copying": "lying_executors:copying"}
    install_package(LYING, {"bench.executors": entries}, "lying_executors")
    outcome = bench.small(runs, "ststnet", *SMALL, "--executor", "copying")
    assert outcome.code == 1 and "s06.json has no seal: made by another hand" in outcome.error
    assert bench.small(runs, "ststnet", *SMALL).code == 0
    assert only_run(runs).folds == only_run(alone).folds
    assert bench("validate", runs).code == 0


THREADS = """
from concurrent.futures import ThreadPoolExecutor
from bench.engine.executing.executors import SerialExecutor
from bench.engine.executing.working import do, report_to

class Threads(SerialExecutor):
    def run(self, tasks, perform, listener):
        def one(task):
            listener.started(task.unit)
            return do(perform, task, report_to(listener, task.unit))

        failures = []
        for phases in (("fold",), ("metrics", "profile")):
            ready = [task for task in tasks if task.unit.phase in phases]
            with ThreadPoolExecutor(3) as pool:
                for task, failure in zip(ready, pool.map(one, ready)):
                    failures += [failure] * bool(failure)
                    listener.finished(task.unit)
        return tuple(failures)

def threads(jobs):
    return Threads()
"""


def test_units_in_threads_do_not_draw_from_each_others_numbers(bench, runs, alone, install_package):
    install_package(THREADS, {"bench.executors": {"threads": "pool:threads"}}, "pool")
    outcome = bench.small(runs, "ststnet", *SMALL, "--executor", "threads")
    assert outcome.code == 0, outcome.err
    assert logits(runs) == logits(alone)


class TestParts:
    def test_of_a_run_are_planned_done_apart_and_put_together(self, bench, runs, alone):
        planned = bench.small(runs, "ststnet", *SMALL, "--only", "plan")
        assert planned.code == 0, planned.err
        left = [line.split("\t") for line in planned.out.splitlines()]
        assert [[variant, seed] for variant, seed, *_ in left] == [["ststnet", "0"]] * len(left)
        folds = [fold for _, _, phase, fold in left if phase == "fold"]
        assert folds == sorted(only_run(alone).folds)
        for part in (folds[:1], folds[1:]):
            outcome = bench.small(runs, "ststnet", *SMALL, "--fold", ",".join(part))
            assert outcome.code == 0, outcome.err
        assert not (only_run(runs).path / "metrics.json").exists()
        assert bench.small(runs, "ststnet", *SMALL).code == 0
        assert logits(runs) == logits(alone)
        assert bench("validate", only_run(runs).path).code == 0

    def test_may_be_at_work_beside_each_other_but_not_beside_the_whole(self, bench, alone, runs):
        assert bench.small(runs, "ststnet", *SMALL, "--only", "plan").code == 0
        from bench.runs.folder import RunFolder

        folder = RunFolder(only_run(runs).path)
        with folder.lock(["s05"]):
            beside = bench.small(runs, "ststnet", *SMALL, "--fold", "s06")
            again = bench.small(runs, "ststnet", *SMALL, "--fold", "s05")
            whole = bench.small(runs, "ststnet", *SMALL)
        assert [beside.code, again.code, whole.code] == [0, 1, 1], beside.err
        for outcome in (again, whole):
            assert "another process is working on" in outcome.error
            assert f"process {os.getpid()} on" in outcome.error

    def test_that_there_are_not(self, bench, runs):
        outcome = bench.small(runs, "ststnet", "--fold", "s5")
        assert outcome.code == 2
        assert "unknown fold 's5'. Did you mean 's15'" in outcome.error


def test_status_says_what_is_done_at_work_and_failed(bench, alone, tmp_path):

    from bench.engine.executing.notes import noted
    from bench.engine.plan import Unit
    from bench.runs.folder import RunFolder
    from bench.runs.job import Job

    runs = shutil.copytree(alone, tmp_path / "runs")
    path = only_run(runs).path
    (path / "folds/s06.json").unlink()
    (path / "failures.json").write_text(json.dumps([{"phase": "fold", "fold": "s06"}]))
    job = Job(RunFolder(path), "ststnet", None, "smoke", None, 0, "cpu", ())
    with noted(Unit(job, "fold", "s06"), lambda *progress: None, 0.0) as tell:
        tell("training epoch", 1, 2)
        (found,) = json.loads(bench("status", runs, "--format", "json").out)
        said = bench("status", runs).out
    (unit,) = found["at_work"]
    assert (found["done"], found["folds"], found["failed"], found["scored"]) == (2, 3, 1, True)
    assert (unit["unit"], unit["step"]) == ("fold s06", "training epoch 1/2")
    assert found["seconds_left"] is not None
    assert "1 FAILED" in said
    assert "fold s06 on" in said
