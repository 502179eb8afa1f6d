"""What other machines are told and what they leave: needs, machines, files that are seen late."""

from __future__ import annotations

import json

import pytest
from test_executors import job
from tiny_runs import SIZES, changed

from bench.config.loading import load_config
from bench.engine.execute import _left_out, _Remembered
from bench.engine.executing.needs import CARD_GB, LEAST_MINUTES, estimated_needs
from bench.engine.opening import note_machines
from bench.engine.plan import FOLD, METRICS, SEARCH, Unit, plan
from bench.system.files import write_json


def fold(host="here", threads=1, cpu="fast"):
    made_on = {"host": host, "cpu": cpu, "device": "cpu", "gpu": None, "threads": threads}
    return {"subject": "s01", "clips": [], "made_on": made_on}


@pytest.mark.parametrize(
    ("folds", "found"),
    [
        ([fold(), fold("there")], None),  # alike: the host's name changes no digit
        ([fold(), {"subject": "s02", "clips": []}], None),  # made before it was recorded
        ([fold(), fold("there", threads=2)], [("here", 1, 1), ("there", 2, 1)]),
        ([fold(), fold("there", cpu="slow")], [("here", 1, 1), ("there", 1, 1)]),
    ],
)
def test_a_run_says_that_its_folds_were_made_on_unlike_machines(tmp_path, folds, found):
    one = job(tmp_path)
    write_json(one.folder.run, {})
    for name, content in zip(one.folds, folds, strict=True):
        write_json(one.folder.fold(name), content)
    note_machines(one)
    machines = json.loads(one.folder.run.read_text()).get("machines")
    told = machines and [(each["host"], each["threads"], each["folds"]) for each in machines]
    assert told == found


class Told:
    def __init__(self):
        self.units = []

    def finished(self, unit):
        self.units.append(unit)


def test_that_a_unit_is_done_is_told_when_its_file_is_seen(tmp_path):
    first, second = (Unit(job(tmp_path), FOLD, name) for name in ("s01", "s02"))
    told = Told()
    heard = _Remembered(told)
    heard.finished(first)
    assert told.units == []
    write_json(first.output, {})
    write_json(second.output, {})
    heard.finished(second)
    assert told.units == [first, second]
    assert heard.done == {first, second}
    heard.finished(second)
    assert told.units == [first, second]


def test_what_needs_a_failed_unit_is_not_lost(tmp_path):
    tasks = plan(job(tmp_path))
    search = tasks[0].unit
    assert [failure.unit for failure in _left_out(tasks, set(), (), "it")] == [search]
    folds = {task.unit for task in tasks if task.unit.phase == FOLD}
    lost = _left_out(tasks, {search, *folds}, (), "it")
    assert {failure.unit.phase for failure in lost} == {METRICS, "profile"}


def test_needs_are_known_before_anything_is_trained_and_grow_with_the_network(tmp_path):
    small, wide = (
        job(tmp_path, load_config("smoke", changed(SIZES, [f"space.channels={channels}"])))
        for channels in (4, 8)
    )
    assert estimated_needs(Unit(small, METRICS)).minutes == LEAST_MINUTES
    assert estimated_needs(Unit(small, SEARCH)).gpu_gb > CARD_GB
    less, more = (estimated_needs(Unit(one, FOLD)) for one in (small, wide))
    assert CARD_GB < less.gpu_gb < more.gpu_gb
    assert LEAST_MINUTES < less.minutes < more.minutes
