"""Timing runs want the machine alone; other work shares it. Tested against real processes."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager

import pytest

from bench.errors import BenchError
from bench.system.machine_lock import lock_file, machine_alone, machine_in_use

HOLDER = """
import sys
from bench.system import machine_lock
with getattr(machine_lock, sys.argv[1])():
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@contextmanager
def another_process(way):
    """A process that holds the machine in a way, until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, way, "a 'quoted' word"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_work_shares_the_machine():
    with another_process("machine_in_use"), another_process("machine_in_use"), machine_in_use():
        pass


def test_a_timing_run_is_refused_beside_work_and_told_whose():
    with another_process("machine_in_use") as other:
        with pytest.raises(BenchError) as refused, machine_alone():
            pass
        assert f"process {other.pid} (-c machine_in_use 'a '\"'\"'quoted'\"'\"' word')" in str(
            refused.value
        )
        assert "--shared" in str(refused.value)
    with machine_alone():  # the other process was killed: its lock went with it
        pass


def test_a_word_of_several_lines_is_named_in_one(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["bench", "run", "a\nb"])
    with machine_in_use(), pytest.raises(BenchError, match="run 'a b'"), machine_alone():
        pass


def test_work_is_refused_beside_a_timing_run_and_told_whose():
    with another_process("machine_alone") as other:
        with pytest.raises(BenchError, match=rf"timing run .* {other.pid} "), machine_in_use():
            pass
        with pytest.raises(BenchError, match=f"process {other.pid} "), machine_alone():
            pass
    with machine_in_use():
        pass


def test_all_who_hold_it_are_named_and_nobody_who_did():
    with another_process("machine_in_use") as first:
        with another_process("machine_in_use") as gone:
            pass
        second_process = another_process("machine_in_use")
        with second_process as second, pytest.raises(BenchError) as refused, machine_alone():
            pass
    for pid, named in ((first.pid, True), (second.pid, True), (gone.pid, False)):
        assert (f"process {pid} " in str(refused.value)) is named


def test_the_file_does_not_grow_with_every_use():
    for _ in range(3):
        with machine_in_use():
            pass
        with machine_alone():
            pass
    (line,) = lock_file().read_text().splitlines()
    assert line.startswith(f"{os.getpid()} ")


def test_where_no_lock_can_be_written_work_goes_on_and_timing_says_so(cache):
    cache.write_text("a file in the place of the folder")
    with machine_in_use():
        pass
    with pytest.raises(BenchError, match=r"cannot write .*BENCH_CACHE"), machine_alone():
        pass


def test_an_error_inside_frees_the_machine():
    with pytest.raises(ValueError, match="no luck"), machine_alone():
        raise ValueError("no luck")
    with machine_alone():
        pass
