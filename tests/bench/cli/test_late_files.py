"""On a shared folder that shows files late, and whose locks do nothing, a run ends complete."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from own_packages import installing
from tiny_runs import only_run

DOUBLE = Path(__file__).parents[2] / "helpers" / "late_files"

ELSEWHERE = """
from bench.engine.executing.pools import ProcessExecutor, RemoteExecutor

class Elsewhere(RemoteExecutor):
    look_every = 0.2

    def opened(self):
        return ProcessExecutor(self.jobs).opened()

def elsewhere(jobs):
    return Elsewhere(jobs=2)
"""
"""Processes as machines: with the double, each sees late what another writes."""


def test_a_run_ends_complete_and_who_comes_second_is_told_who_works_there(bench, runs, tmp_path):
    runs.mkdir()
    (package := tmp_path / "package").mkdir()
    with installing(package) as put:
        put(ELSEWHERE, {"bench.executors": {"elsewhere": "elsewhere:elsewhere"}}, "elsewhere")
    late = {"LATE_ROOT": str(runs), "LATE_SECONDS": "1.5"}
    path = os.pathsep.join(map(str, [DOUBLE, package, os.environ.get("PYTHONPATH", "")]))
    command = bench.small_command(runs, "majority", "--executor", "elsewhere")
    with subprocess.Popen(
        [sys.executable, "-m", "bench", *map(str, command)],
        env=bench.environment | late | {"PYTHONPATH": path},
        stderr=subprocess.PIPE,
        text=True,
    ) as first:
        while not (found := list(runs.glob("*/*/*/*/run.json"))) and first.poll() is None:
            time.sleep(0.05)
        second = bench.small(runs, "majority")
        _, said = first.communicate(timeout=300)
    assert found, said
    assert f"another process is working on {found[0].parent}: process {first.pid}" in second.error
    assert first.returncode == 0, said
    assert bench("validate", runs).code == 0
    bench.small(alone := tmp_path / "alone", "majority")
    assert only_run(runs).folds.keys() == only_run(alone).folds.keys()
    assert only_run(runs).json("metrics.json") == only_run(alone).json("metrics.json")
