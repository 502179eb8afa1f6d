"""Leases: one holder on all machines, the dead known by their silence."""

from __future__ import annotations

import os
import re
import resource
import threading
import time
from contextlib import contextmanager

import pytest

from bench.errors import BenchError
from bench.system import leases
from bench.system.leases import leased, refuse_held, when_free


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


@pytest.mark.parametrize("hold", [lambda file: leased(file, "the run"), when_free])
@pytest.mark.parametrize("left", ["", "no name"])
def test_one_without_a_name_is_taken_over_when_it_is_silent(tmp_path, brief, hold, left):
    """A process may die, or its machine, between making the file and writing its name."""
    file = tmp_path / ".lease"
    file.write_text(left)
    os.utime(file, (0, 0))
    with hold(file):
        assert str(os.getpid()) in file.read_text()
    assert not file.exists()


def test_who_waits_has_it_after_the_holder(tmp_path):
    file, order = tmp_path / ".lease", []

    def wait():
        with when_free(file):
            order.append("second")

    second = threading.Thread(target=wait)
    with when_free(file):
        second.start()
        time.sleep(0.2)
        order.append("first")
    second.join()
    assert order == ["first", "second"]


def test_that_nobody_holds_is_not_refused(tmp_path):
    refuse_held(tmp_path / ".lease", "the run")
    with leased(tmp_path / ".lease", "the run"), pytest.raises(BenchError, match="another process"):
        refuse_held(tmp_path / ".lease", "the run")


@contextmanager
def no_room():
    """No file can grow, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("hold", [lambda file: leased(file, "the run"), when_free])
@pytest.mark.parametrize("silent", [0, 100])
def test_where_no_file_can_be_written_the_dead_are_not_blamed(tmp_path, hold, silent):
    """Who cannot write beside a lease cannot take it over, however dead its holder is."""
    file = tmp_path / ".lease"
    of_another_machine(file)
    os.utime(file, (time.time() - silent,) * 2)
    with pytest.raises(OSError, match="too large"), no_room(), hold(file):
        pass
    assert [entry.name for entry in tmp_path.iterdir()] == [".lease"]


def test_who_waits_says_for_whom(tmp_path, brief, capsys):
    file = tmp_path / ".lease"
    of_another_machine(file)
    with when_free(file):
        pass
    assert re.search(rf"waiting for .*process {os.getpid()} on far-away", capsys.readouterr().err)
