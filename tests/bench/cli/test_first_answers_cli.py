"""A run is of one network: what its code reads of the environment is the same for all folds."""

from __future__ import annotations

import json

import pytest
from own_packages import installing
from tiny_runs import only_run

SOURCE = """
import os
import torch
from torch import nn
from baselines.fixed import FixedNetwork, Recipe
from rnas.operations import Operation
from rnas.space import SearchSpace

def setting(default):
    return float(os.environ.get("THEIR_SETTING", default))

class Net(nn.Sequential):
    def __init__(self, classes):
        super().__init__(
            nn.Conv3d(3, 4, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten(),
            nn.Linear(4, classes),
        )

class Scaled(Net):
    def __init__(self, classes):
        super().__init__(classes)
        self.gain = setting(1)

    def forward(self, clips):
        return super().forward(clips * self.gain)

class Late(Net):  # its answers begin at zero
    def __init__(self, classes):
        super().__init__(classes)
        nn.init.zeros_(self[-1].weight)
        nn.init.zeros_(self[-1].bias)

    def forward(self, clips):
        return super().forward(clips * setting(1))

class Dropping(Net):
    def __init__(self, classes):
        super().__init__(classes)
        self.insert(4, nn.Dropout(setting(0.2) / 10))

def variant(network):
    recipe = Recipe("adam", 1e-2, epochs=1, batch=8)
    return FixedNetwork(network.lower(), "Mine", f"mine_env:{network}", "clip", recipe)

SCALED, LATE, DROPPING = map(variant, ("Scaled", "Late", "Dropping"))

class Gain(nn.Identity):
    def forward(self, x):
        return x * setting(1)

GAIN = Operation(lambda channels, norm: Gain(), lambda channels: 0)
SPACE = SearchSpace(name="gains", summary="", operations=("gain", "conv_1"), nodes=1)
"""
EXECUTOR = """
import os
from bench.engine.executing.executors import SerialExecutor

class Elsewhere(SerialExecutor):
    def run(self, tasks, perform, listener):
        os.environ["THEIR_SETTING"] = "3"
        return super().run(tasks, perform, listener)

def elsewhere(jobs):
    return Elsewhere()
"""
VARIANTS = {name: f"mine_env:{name.upper()}" for name in ("scaled", "late", "dropping")}
SAID = "computes otherwise than where the run began, with the same source"


@pytest.fixture(autouse=True)
def mine(tmp_path, monkeypatch):
    monkeypatch.setenv("THEIR_SETTING", "2")
    groups = {
        "bench.variants": {**VARIANTS, "gains": "mine_env:SPACE"},
        "bench.operations": {"gain": "mine_env:GAIN"},
    }
    with installing(tmp_path) as put:
        put(SOURCE, groups, "mine_env")
        put(
            EXECUTOR,
            {"bench.executors": {"elsewhere": "mine_elsewhere:elsewhere"}},
            "mine_elsewhere",
        )
        yield


@pytest.mark.parametrize("name", [*VARIANTS, "gains"])
def test_a_run_is_not_gone_on_with_where_its_code_computes_otherwise(
    bench, runs, monkeypatch, name
):
    assert bench.small(runs, name, "--only", "plan").code == 0
    monkeypatch.setenv("THEIR_SETTING", "1")
    outcome = bench.small(runs, name, "--only", "plan")
    assert outcome.code == 1 and SAID in outcome.error
    assert ("operation gain" if name == "gains" else f"network {name}") in outcome.error
    monkeypatch.setenv("THEIR_SETTING", "2")
    assert bench.small(runs, name, "--only", "plan").code == 0


def test_a_fold_is_not_trained_where_it_computes_otherwise(bench, runs, monkeypatch):
    outcome = bench.small(runs, "scaled", "--executor", "elsewhere")
    assert outcome.code == 1 and SAID in outcome.err
    assert not only_run(runs).folds
    monkeypatch.setenv("THEIR_SETTING", "2")
    assert bench.small(runs, "scaled").code == 0
    assert bench("validate", runs).code == 0


def test_older_runs_and_other_versions_of_torch_say_nothing(bench, runs, monkeypatch):
    from bench.runs.checksums import write_run_file
    from bench.runs.folder import RunFolder

    assert bench.small(runs, "scaled", "--only", "plan").code == 0
    folder = RunFolder(only_run(runs).path)
    run = json.loads(folder.run.read_text())
    monkeypatch.setenv("THEIR_SETTING", "1")
    for answers in ({"network scaled, torch 1.0": [1.0] * 4}, None):
        write_run_file(folder, {**run, "answers": answers} if answers else without(run))
        assert bench.small(runs, "scaled", "--only", "plan").code == 0


def without(run):
    return {name: value for name, value in run.items() if name != "answers"}


def test_methods_of_the_harness_need_no_answers(bench, runs):
    assert bench.small(runs, "ststnet", "--only", "plan").code == 0
    assert "answers" not in only_run(runs).json("run.json")
