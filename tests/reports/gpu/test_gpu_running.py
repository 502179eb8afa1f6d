"""Parts that crash, hang or are killed lose nothing of what they, or others, had found out."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import toy_parts
from toy_parts import PARTS

from bench.system.files import read_json
from reports.gpu.record import DONE, FAILED, RUNNING, Settings
from reports.gpu.running import run_parts

PATIENCE_S = 60
KILLED_SOON = """
import sys
from pathlib import Path
sys.path.insert(0, {here!r})
from toy_parts import PARTS
from reports.gpu.record import Settings
from reports.gpu.running import run_parts
if __name__ == "__main__":
    run_parts([PARTS["hangs"]], Settings("cpu", True, Path({out!r}), Path()),
              600, print)
"""


@pytest.fixture
def settings(tmp_path):
    return Settings("cpu", True, tmp_path / "out", tmp_path / "work")


def record(settings, name):
    return read_json(settings.out / f"{name}.json")


def wait_for(condition):
    """Waits until something is so, which other processes bring about."""
    for _ in range(10 * PATIENCE_S):
        if condition():
            return
        time.sleep(0.1)
    pytest.fail("it did not come about")


def lives(pid):
    """Whether a process runs: one that has ended but is not waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_what_fails_dies_or_hangs_keeps_its_rows_and_stops_no_other(settings):
    hangs = replace(PARTS["hangs"], limit_s=8)
    parts = [PARTS["fails"], PARTS["dies"], hangs, PARTS["attempts"]]
    assert run_parts(parts, settings, 600, print) == ["fails", "dies", "hangs"]

    found = {part.name: record(settings, part.name) for part in parts}
    assert [found[name]["status"] for name in ("fails", "dies", "hangs")] == [FAILED] * 3
    assert found["fails"]["reason"] == "ValueError: no such kernel"
    assert "killed by signal 9" in found["dies"]["reason"]
    assert found["hangs"]["reason"] == "stopped at its limit of 8 s"
    figures = [found[name]["rows"][0]["figure"] for name in ("fails", "dies", "hangs")]
    assert figures == [2.0, 4.0, 3.0]
    assert found["attempts"]["status"] == DONE
    assert found["attempts"]["rows"][0]["reason"] == "ZeroDivisionError: division by zero"
    assert found["attempts"]["rows"][1]["ms"] == 1.0
    assert not lives(found["hangs"]["rows"][0]["child"])
    assert found["attempts"]["machine"] == {"device": "cpu"}


def test_no_part_is_begun_without_time_and_what_it_left_before_stays(settings):
    before = settings.out / "measures.json"
    before.parent.mkdir()
    before.write_text('{"rows": [1]}')
    assert run_parts([PARTS["measures"]], settings, 3, print) == ["measures"]
    assert record(settings, "measures") == {"rows": [1]}


def test_a_kill_of_the_command_leaves_a_whole_record_and_no_process(settings):
    script = KILLED_SOON.format(here=str(Path(toy_parts.__file__).parent), out=str(settings.out))
    path = settings.out.parent / "killed.py"
    path.write_text(script)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(["."])}
    command = subprocess.Popen([sys.executable, str(path)], env=environment)
    hanging = settings.out / "hangs.json"
    wait_for(lambda: hanging.exists() and read_json(hanging)["rows"])
    command.send_signal(signal.SIGKILL)
    command.wait()

    left = record(settings, "hangs")
    assert left["status"] == RUNNING
    assert left["rows"][0]["figure"] == 3.0
    wait_for(lambda: not lives(left["rows"][0]["own"]))
    os.kill(left["rows"][0]["child"], signal.SIGKILL)
