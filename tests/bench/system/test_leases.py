"""Leases: one holder on all machines, the dead known by their silence."""

from __future__ import annotations

import os
import time

import pytest

from bench.errors import BenchError
from bench.system import leases
from bench.system.leases import leased, refuse_held


@pytest.fixture
def brief(monkeypatch):
    monkeypatch.setattr(leases, "EXPIRES", 0.5)


def of_another_machine(file):
    """A lease as a process on another machine leaves it."""
    from filelock import SoftFileLease

    lease = SoftFileLease(file, lease_duration=leases.EXPIRES)
    lease.acquire()
    record = file.read_text()
    lease.release()
    host = lease_host(record)
    file.write_text(record.replace(host, "far-away"))


def lease_host(record: str) -> str:
    from filelock._identity import host_name

    assert host_name() in record
    return host_name()


def test_the_second_is_told_who_works_there_and_on_which_machine(tmp_path):
    of_another_machine(tmp_path / ".lease")
    message = rf"working on the run: process {os.getpid()} on far-away, last heard of 0 s ago"
    with pytest.raises(BenchError, match=message), leased(tmp_path / ".lease", "the run"):
        pass


def test_one_of_a_machine_that_fell_silent_is_taken_over(tmp_path, brief):
    file = tmp_path / ".lease"
    of_another_machine(file)
    long_ago = time.time() - 100
    os.utime(file, (long_ago, long_ago))
    with leased(file, "the run"):
        assert "far-away" not in file.read_text()
    assert not file.exists()


def test_that_nobody_holds_is_not_refused(tmp_path):
    refuse_held(tmp_path / ".lease", "the run")
    with leased(tmp_path / ".lease", "the run"), pytest.raises(BenchError, match="another process"):
        refuse_held(tmp_path / ".lease", "the run")
