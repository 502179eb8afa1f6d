"""Plans and the executor: dependencies first, done units skipped, failures do not spread."""

from __future__ import annotations

import os
import pickle
import platform
import re
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bench.config.loading import load_config
from bench.config.settings import Config
from bench.data.clips import ClipSet
from bench.data.sources import Source
from bench.engine.execute import executor_for
from bench.engine.executing import pools, working
from bench.engine.executing.executors import SerialExecutor, make_executor
from bench.engine.executing.notes import notes_of
from bench.engine.executing.pools import ProcessExecutor, RemoteExecutor, WorkerDied
from bench.engine.executing.working import carry_out
from bench.engine.plan import (
    EVALUATION_PHASES,
    FOLD,
    METRICS,
    PREPARE,
    PROFILE,
    SEARCH,
    SEARCH_PHASES,
    Unit,
    plan,
    with_preparation,
)
from bench.engine.recorded import require_own_job
from bench.engine.request import Prepared
from bench.errors import BenchError, SuspectError, UsageError
from bench.runs.folder import RunFolder
from bench.runs.job import Job
from bench.system.files import read_json, write_json
from bench.system.packages import forget
from rnas.errors import LossDiverged


def job(path: Path, config: Config | None = None, folds=("s01", "s02")) -> Job:
    return Job(
        folder=RunFolder(path),
        variant="rnas_mer",
        source=Source("smic", None, True, path),
        preset="smoke",
        config=config or Config(),
        seed=0,
        device="cpu",
        folds=folds,
    )


class Heard:
    """A listener that remembers."""

    def __init__(self):
        self.events = []

    def started(self, unit):
        self.events.append(("started", name(unit)))

    def advanced(self, unit, what, done, total):
        self.events.append((what, name(unit), done, total))

    def finished(self, unit):
        self.events.append(("finished", name(unit)))

    def failed(self, unit, reason):
        self.events.append(("failed", name(unit), reason))


def name(unit: Unit) -> str:
    return f"{unit.phase} {unit.fold}".strip()


class TestPlan:
    def test_with_one_search_for_all_folds(self, tmp_path):
        tasks = plan(job(tmp_path))
        assert {name(task.unit): [name(need) for need in task.needs] for task in tasks} == {
            "search": [],
            "fold s01": ["search"],
            "fold s02": ["search"],
            "metrics": ["fold s01", "fold s02"],
            "profile": ["search"],
        }

    def test_with_a_search_inside_every_fold(self, tmp_path):
        tasks = plan(job(tmp_path, load_config("smoke", ["search_scope=fold"])))
        needs = {name(task.unit): [name(need) for need in task.needs] for task in tasks}
        assert needs["fold s01"] == ["search s01"]
        assert needs["fold s02"] == ["search s02"]
        assert needs["profile"] == ["search s01", "search s02"]

    @pytest.mark.parametrize("scope", ["all", "fold"])
    def test_names_what_a_unit_needs_before_it_and_writes_each_file_once(self, tmp_path, scope):
        tasks = plan(job(tmp_path, load_config("smoke", [f"search_scope={scope}"])))
        before = set()
        for task in tasks:
            assert set(task.needs) <= before
            before.add(task.unit)
        assert len({task.unit.output for task in tasks}) == len(tasks)

    def test_some_folds_need_their_searches_alone(self, tmp_path):
        tasks = plan(job(tmp_path, load_config("smoke", ["search_scope=fold"])), only=("s02",))
        assert [name(task.unit) for task in tasks] == ["search s02", "fold s02"]
        once = plan(job(tmp_path), only=("s01",))
        assert [name(task.unit) for task in once] == ["search", "fold s01"]

    def test_other_machines_prepare_each_input_once(self, tmp_path):
        smaller = load_config("smoke", ["data.size=16"])
        jobs = [job(tmp_path / "a"), job(tmp_path / "b"), job(tmp_path / "c", smaller)]
        jobs = [replace(each, source=jobs[0].source) for each in jobs]
        tasks = with_preparation([task for each in jobs for task in plan(each)])
        first = [task.unit for task in tasks[:2]]
        assert first == [Unit(jobs[0], PREPARE), Unit(jobs[2], PREPARE)]
        needed = {task.unit.job.folder: task.needs[-1] for task in tasks if task.unit.phase == FOLD}
        assert list(needed.values()) == [first[0], first[0], first[1]]

    def test_phases_divide_it(self, tmp_path):
        one = job(tmp_path)
        phases = [
            [task.unit.phase for task in plan(one, p)] for p in (SEARCH_PHASES, EVALUATION_PHASES)
        ]
        assert phases == [[SEARCH], [FOLD, FOLD, METRICS, PROFILE]]

    def test_units_travel_to_other_processes(self, tmp_path):
        for task in plan(job(tmp_path)):
            assert pickle.loads(pickle.dumps(task)) == task


class TestChoice:
    """Of who does the work where nobody says: `left` of the folds of `variant` on 100 clips."""

    @pytest.fixture
    def executor(self, tmp_path, monkeypatch):
        monkeypatch.setattr("bench.engine.execute.usable_cores", lambda: 4)

        def chosen(variant, left=8, processes=None, device="cpu", settings=()):
            folds = tuple(f"s{number:02}" for number in range(8))
            config = load_config("small", settings)
            one = replace(job(tmp_path, config, folds), variant=variant, device=device)
            prepared = Prepared((one,), ClipSet("smic", (), (None,) * 100), "", processes)
            units = [unit for task in plan(one) if (unit := task.unit).phase == FOLD]
            return executor_for(prepared, units[:left])

        return chosen

    def test_folds_of_fixed_networks_go_to_every_core(self, executor):
        assert executor("capsulenet") == ProcessExecutor(4)
        assert executor("ststnet", left=3) == ProcessExecutor(3)

    @pytest.mark.parametrize(
        "case",
        [
            {"left": 1},
            {"settings": ["recipe_epochs=2"]},
            {"device": "cuda"},
            {"variant": "rnas_mer"},
        ],
        ids=str,
    )
    def test_this_process_does_what_is_not_worth_others(self, executor, case):
        assert isinstance(executor(**{"variant": "ststnet", **case}), SerialExecutor)

    def test_or_as_many_as_were_asked_for(self, executor):
        assert executor("rnas_mer", processes=3) == ProcessExecutor(3)

    def test_or_by_name(self, monkeypatch):
        monkeypatch.setattr("bench.engine.executing.executors.usable_cores", lambda: 4)
        assert isinstance(make_executor("serial", None), SerialExecutor)
        assert make_executor("process", None) == ProcessExecutor(4)
        assert make_executor("process", 2) == ProcessExecutor(2)

    @pytest.mark.parametrize(
        ("name", "jobs", "error", "message"),
        [
            ("serial", 2, UsageError, "leave out --jobs 2, or take --executor process"),
            ("proces", None, UsageError, "unknown executor 'proces'. Did you mean 'process'"),
            ("theirs", None, BenchError, "processes, threads and run.*, got dict"),
            (
                "broken",
                None,
                BenchError,
                r"broken of .*package their_exec.* failed: Zero",
            ),
            ("number", None, BenchError, "expected a function from --jobs to an executor, got int"),
        ],
    )
    def test_a_name_that_cannot_do_it_is_an_error(
        self, install_package, name, jobs, error, message
    ):
        source = "def theirs(jobs): return {}\ndef broken(jobs): return 1 / 0\nnumber = 1"
        names = ("theirs", "broken", "number")
        group = {each: f"their_executors:{each}" for each in names}
        install_package(source, {"bench.executors": group}, "their_executors")
        with pytest.raises(error, match=message):
            make_executor(name, jobs)


class TestSerialExecutor:
    def run(self, tasks, spoil=(), error=None):
        heard, performed = Heard(), []

        def perform(unit, report):
            performed.append(name(unit))
            report("epoch", 1, 2)
            if name(unit) in spoil:
                raise error or BenchError("no luck")
            write_json(unit.output, {})

        return SerialExecutor().run(tasks, perform, heard), performed, heard.events

    def test_does_all_in_order_and_tells(self, tmp_path):
        failures, performed, events = self.run(plan(job(tmp_path)))
        assert failures == ()
        assert performed == ["search", "fold s01", "fold s02", "metrics", "profile"]
        assert events[:3] == [
            ("started", "search"),
            ("epoch", "search", 1, 2),
            ("finished", "search"),
        ]

    def test_does_nothing_twice(self, tmp_path):
        tasks = plan(job(tmp_path))
        self.run(tasks)
        assert self.run(tasks)[1:] == ([], [])

    @pytest.mark.parametrize("error", [BenchError("no luck"), LossDiverged("no luck")])
    def test_a_failed_fold_leaves_out_only_what_needs_it(self, tmp_path, error):
        tasks = plan(job(tmp_path))
        failures, performed, events = self.run(tasks, {"fold s01"}, error)
        assert performed == ["search", "fold s01", "fold s02", "profile"]
        assert [(name(f.unit), f.reason) for f in failures] == [("fold s01", "no luck")]
        assert ("failed", "fold s01", "no luck") in events
        assert self.run(tasks)[1] == ["fold s01", "metrics"]  # the next time goes on from there

    @pytest.mark.parametrize("error", [RuntimeError, SystemExit])
    def test_what_nobody_foresaw_is_a_failure_too_and_says_where(self, tmp_path, error):
        tasks = plan(job(tmp_path))
        (failure,), performed, _ = self.run(tasks, {"fold s01"}, error("out of\nmemory"))
        assert performed == ["search", "fold s01", "fold s02", "profile"]
        assert failure.reason == f"{error.__name__}: out of memory"
        assert "in perform" in failure.traceback

    def test_a_failed_search_leaves_out_everything_of_its_job(self, tmp_path):
        tasks = [*plan(job(tmp_path / "a")), *plan(job(tmp_path / "b"))]
        heard = Heard()

        def perform(unit, report):
            if unit.job.folder.path.name == "a":
                raise BenchError("no luck")
            write_json(unit.output, {})

        (failure,) = SerialExecutor().run(tasks, perform, heard)
        assert failure.unit == tasks[0].unit
        assert all(task.unit.done == (task.unit.job == tasks[-1].unit.job) for task in tasks)

    def test_ctrl_c_stops_at_once(self, tmp_path):
        with pytest.raises(KeyboardInterrupt):
            self.run(plan(job(tmp_path)), {"fold s01"}, KeyboardInterrupt())
        assert not (tmp_path / "folds").exists()


def write_its_process(unit, report):
    """A unit of work that another process can do: it names the process and torch's threads."""
    import torch

    if unit.fold == "s03":
        raise BenchError("no such clip")
    if unit.fold == "s04":
        os._exit(3)
    report("epoch", 1, 2)
    write_json(unit.output, {"process": os.getpid(), "threads": torch.get_num_threads()})


LIGHT_TORCH = str(Path(__file__).parents[3] / "helpers" / "light_torch")

LONG_WORK = """
import sys
sys.path[:0] = {}
from pathlib import Path
from test_executors import Heard, job, rest
from bench.engine.executing.pools import ProcessExecutor
from bench.engine.plan import Task, Unit

class Told(Heard):
    def advanced(self, unit, what, done, total):
        print("at work", flush=True)

if __name__ == "__main__":
    tasks = [Task(Unit(job(Path(sys.argv[1])), "fold", "s01"))]
    ProcessExecutor(1).run(tasks, rest, Told())
"""


def rest(unit, report):
    """Work that takes longer than any test waits."""
    report("epoch", 1, 2)
    time.sleep(600)


class TestProcesses:
    @pytest.fixture(autouse=True)
    def light(self, monkeypatch):
        pytest.importorskip("torch")  # this process has the real one
        monkeypatch.syspath_prepend(LIGHT_TORCH)

    def run(self, path, folds, jobs=2):
        heard = Heard()
        tasks = plan(job(path, folds=folds))
        return ProcessExecutor(jobs).run(tasks, write_its_process, heard), tasks, heard.events

    def test_do_every_unit_after_its_needs_on_one_thread(self, tmp_path):
        import json

        failures, tasks, events = self.run(tmp_path, ("s01", "s02"))
        assert failures == ()
        assert all(task.unit.done for task in tasks)
        order = [who for what, who, *_ in events if what == "finished"]
        assert sorted(order) == sorted(name(task.unit) for task in tasks)
        assert order.index("search") == 0
        assert order.index("metrics") > max(order.index("fold s01"), order.index("fold s02"))
        made = [json.loads(task.unit.output.read_text()) for task in tasks]
        assert {each["threads"] for each in made} == {1}
        assert os.getpid() not in {each["process"] for each in made}

    def test_that_fail_or_die_leave_out_what_needs_them_and_the_others_go_on(
        self, tmp_path, monkeypatch
    ):
        monkeypatch.setattr(pools, "TRIES", 1)  # each would start another process
        failures, tasks, events = self.run(tmp_path, ("s03", "s04", "s01"), jobs=1)
        reasons = {name(failure.unit): failure.reason for failure in failures}
        assert set(reasons) == {"fold s03", "fold s04"}
        assert reasons["fold s03"] == "no such clip"
        here = platform.node()
        assert re.search(rf"its process on {here} died .*out of memory", reasons["fold s04"])
        done = {name(task.unit) for task in tasks if task.unit.done}
        assert done == {"search", "fold s01", "profile"}
        told = [event[:2] for event in events if event[0] in ("finished", "failed")]
        assert len(told) == len(set(told)) == 5

    def test_end_with_the_one_that_started_them_however_it_ends(self, tmp_path):
        """A killed run must not leave processes behind, which would hold its output open."""
        program = LONG_WORK.format([LIGHT_TORCH, str(Path(__file__).parent)])
        command = [sys.executable, "-c", program, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
            assert parent.stdout.readline() == "at work\n"
            parent.kill()
            said, _ = parent.communicate(timeout=60)  # until nobody holds the other end any more
        assert set(said.splitlines()) <= {"at work"}

    def test_that_are_done_are_skipped(self, tmp_path):
        SerialExecutor().run(plan(job(tmp_path, folds=("s01",))), write_its_process, Heard())
        _, _, events = self.run(tmp_path, ("s01",))
        assert events == []


class OtherMachines(RemoteExecutor):
    """An executor that does its units in this process, and says when they are done.

    deaths: how often the process of a unit dies, by the unit's name.
    """

    processes = 2
    threads = 1
    look_every = 0.0

    def __init__(self, deaths=()):
        self.deaths = dict(deaths)
        self.given, self.ended = [], {}

    @contextmanager
    def opened(self):
        yield self

    def needs(self, task):
        return None

    def submit(self, orders):
        return [self.give(pickle.loads(pickle.dumps(order))) for order in orders]

    def give(self, order):
        unit = order.task.unit
        self.given.append(name(unit))
        left = self.deaths.get(name(unit), 0)
        self.deaths[name(unit)] = left - 1
        if left > 0:  # its last breath
            write_json(unit.output, "nobody sealed this")
        self.ended[len(self.given)] = "died" if left > 0 else carry_out(order)
        return len(self.given)

    def wait(self, handles, seconds):
        return handles

    def result(self, handle):
        if self.ended[handle] == "died":
            raise WorkerDied("the machine went away")
        return self.ended[handle]


def write_late(unit, report):
    """A unit whose file other machines see later."""
    late = unit.output.with_suffix(".late")
    write_json(late, {})
    threading.Timer(0.3, lambda: late.rename(unit.output)).start()


def write_nothing(unit, report):
    """A unit whose file never comes."""


class TestOtherMachines:
    def run(self, tasks, perform=write_its_process, deaths=()):
        executor, heard = OtherMachines(deaths), Heard()
        return executor.run(tasks, perform, heard), executor.given, heard.events

    def test_that_die_twice_lose_nothing(self, tmp_path):
        tasks = plan(job(tmp_path, folds=("s01", "s02")))
        failures, given, events = self.run(tasks, deaths={"fold s01": 2, "search": 1})
        assert failures == ()
        assert given.count("fold s01") == 3
        made = [read_json(task.unit.output) for task in tasks]
        assert all("process" in each for each in made)
        assert len(events) == len(set(events)) == 2 * len(tasks)  # started and finished, once

    def test_that_die_thrice_are_named(self, tmp_path):
        tasks = plan(job(tmp_path, folds=("s01", "s02")))
        failures, given, _ = self.run(tasks, deaths={"fold s01": 9})
        assert [(name(f.unit), f.reason) for f in failures] == [
            ("fold s01", "its process died 3 times: the machine went away")
        ]
        assert not any(task.unit.done for task in tasks if name(task.unit) == "fold s01")
        assert "metrics" not in given

    def test_whose_files_are_seen_late_are_waited_for(self, tmp_path, monkeypatch):
        monkeypatch.setattr(working, "LOOK_EVERY", 0.02)
        tasks = plan(job(tmp_path, folds=("s01", "s02")))
        failures, _, events = self.run(tasks, write_late)
        assert failures == ()
        assert ("finished", "metrics") in events

    def test_whose_files_are_never_seen_fail(self, tmp_path, monkeypatch):
        monkeypatch.setattr(working, "LATE", 0.0)
        tasks = plan(job(tmp_path, folds=("s01",)))
        failures, _, _ = self.run(tasks, write_nothing)
        assert {name(failure.unit) for failure in failures} == {"fold s01", "profile"}
        assert "one that all machines share" in failures[0].reason


class Near(OtherMachines):
    """Its units are done on this machine, where files are seen at once."""

    late = 0.0


def test_a_unit_of_this_machine_without_its_file_fails_at_once_with_what_needs_it(tmp_path):
    tasks, heard = plan(job(tmp_path, folds=("s01",))), Heard()
    executor = Near()
    (failure,) = executor.run(tasks, write_nothing, heard)
    assert (name(failure.unit), executor.given) == ("search", ["search"])
    assert f"Near said that it is done, but {failure.unit.output} is not there" in failure.reason


def test_the_serial_executor_too_notices_that_a_file_is_not_there(tmp_path):
    tasks, done = plan(job(tmp_path, folds=("s01", "s02"))), []

    def all_but_one(unit, report):
        done.append(name(unit))
        if name(unit) != "fold s01":
            write_json(unit.output, {})

    (failure,) = SerialExecutor().run(tasks, all_but_one, Heard())
    assert done == ["search", "fold s01", "fold s02", "profile"]
    assert "SerialExecutor said that it is done" in failure.reason


@pytest.mark.parametrize("times", [1, 2])
def test_what_needs_a_unit_that_is_left_out_is_not_done(tmp_path, times):
    tasks, done = plan(job(tmp_path, folds=("s01", "s02", "s03"))), []

    def write(unit, report):
        done.append(name(unit))
        write_json(unit.output, {})

    kept = [task for task in tasks if name(task.unit) != "fold s02"]
    assert SerialExecutor().run(kept * times, write, Heard()) == ()
    assert done == ["search", "fold s01", "fold s03", "profile"]


def test_a_file_of_this_machine_that_is_not_there_is_not_waited_for(tmp_path):
    tasks = plan(job(tmp_path, folds=("s01",)))
    failure = working.do(write_nothing, tasks[-2], lambda *step: None, elsewhere=False)
    assert "is not there: the work that writes it was left out" in failure.reason


def test_what_is_waited_for_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(working, "LATE", 0.01)
    monkeypatch.setattr(working, "LOOK_EVERY", 0.01)
    forget()
    with pytest.raises(BenchError, match="one that all machines share"):
        working.await_files([tmp_path / "folds" / "s01.json"])
    assert f"for {tmp_path / 'folds' / 's01.json'}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seed": 1}, "seed differ"),
        ({"config": load_config("smoke", ["train.epochs=1"])}, "settings differ"),
        ({"folds": ("s01",)}, "folds differ"),
        ({"variant": "rnas_mer_2", "seed": 2}, "variant, seed differ"),
    ],
)
def test_a_unit_that_an_executor_has_changed_is_not_performed(tmp_path, change, said):
    one = job(tmp_path)
    write_json(
        one.folder.run,
        {
            **{"dataset": "smic", "surrogate": True, "variant": one.variant, "preset": "smoke"},
            **{"config_hash": "1", "seed": 0, "folds": one.folds, "config": one.config.to_dict()},
        },
    )
    require_own_job(one)
    with pytest.raises(BenchError, match=rf"none of the run .*\({said}\).*has changed it"):
        require_own_job(replace(one, **change))


@pytest.mark.parametrize("told", [False, True])
def test_what_was_refused_as_random_is_not_kept_when_it_passes_again(tmp_path, monkeypatch, told):
    """Whether the executor says nothing of it or tells it in words of its own."""
    from bench.engine import execute, units
    from bench.engine.executing.suspicion import forget_suspicions

    tried = []

    def flaky(unit, report):
        tried.append(unit)
        if len(tried) == 1:
            raise SuspectError("answers otherwise")
        write_json(unit.output, {})

    monkeypatch.setattr(units, "flaky", flaky, raising=False)
    monkeypatch.setattr(units, "WORK", {FOLD: "bench.engine.units:flaky"})
    for unasked in ("await_files", "require_own_job", "require_first_answers"):
        monkeypatch.setattr(units, unasked, lambda *_: None)
    own = job(tmp_path)
    unit, other = Unit(own, FOLD, "s01"), Unit(own, FOLD, "s02")
    for _ in range(2):
        with pytest.raises(SuspectError, match="answers otherwise"):
            units.perform(unit, lambda *_: None)
    assert len(tried) == 1 and not unit.done
    units.perform(other, lambda *_: None)
    assert other.done

    said = [working.Failure(unit, "it went wrong")] if told else []
    assert execute._with_suspicions([own], said, {other}) == tuple(said)
    (failure,) = execute._with_suspicions([own], said, {unit, other})
    assert failure.unit == unit and failure.suspect
    with pytest.raises(BenchError, match=r"fold s01 was refused .*answers otherwise"):
        execute._refuse_suspect(own)
    forget_suspicions(own.folder)
    execute._refuse_suspect(own)
    units.perform(unit, lambda *_: None)


class TestNotes:
    def test_say_where_a_unit_is_done_and_how_far_it_is(self, tmp_path):
        one, seen = job(tmp_path), []

        def perform(unit, report):
            report("epoch", 1, 2)
            seen.extend(notes_of(one.folder))

        SerialExecutor().run(plan(one, SEARCH_PHASES), perform, Heard())
        (note,) = seen
        assert (note.phase, note.host, note.process) == (SEARCH, platform.node(), os.getpid())
        assert (note.what, note.done, note.total) == ("epoch", 1, 2)
        assert notes_of(one.folder) == []
