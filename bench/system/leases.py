"""Leases: files that say who works somewhere, which hold across the machines that share a folder.

A lease is created exclusively and touched as long as its holder lives. It needs no lock of the
file system (`flock` does nothing on many shared folders). A holder that died is found out at once
on its own machine, and by its silence from another.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.errors import BenchError

EXPIRES = 60.0
"""Seconds of silence after which a lease may be taken over; its holder touches it thrice as often.

The same for all that share a folder."""

LOOKS = 0.2
"""Seconds within which a lease of a dead process of this machine is taken over."""


@contextmanager
def leased(file: Path, what: str) -> Iterator[None]:
    """Holds a lease for this process inside the block.

    BenchError where somebody else does: who that is, and on which machine. Where the holder has
    been silent for long, it is watched until the lease expires. Raises OSError where the file
    cannot be written.
    """
    from filelock import SoftFileLease, Timeout

    lease = SoftFileLease(file, lease_duration=EXPIRES)
    try:
        try:
            lease.acquire(timeout=LOOKS)
        except Timeout:
            if _silent_for(file) < EXPIRES / 2:
                raise
            lease.acquire(timeout=EXPIRES + 1)
    except Timeout:
        raise BenchError(
            f"another process is working on {what}: {_holder(file)}; wait for it, or choose "
            "another folder with --runs"
        ) from None
    try:
        yield
    finally:
        lease.release()


def refuse_held(file: Path, what: str) -> None:
    """BenchError where somebody holds a lease."""
    if file.exists():
        with leased(file, what):
            pass


def _holder(file: Path) -> str:
    from filelock import SoftFileLease

    owner = SoftFileLease(file, lease_duration=EXPIRES).owner
    if owner is None:
        return "it left no name"
    host = owner.hostname.partition("?")[0]
    return f"process {owner.pid} on {host}, last heard of {_silent_for(file):.0f} s ago"


def _silent_for(file: Path) -> float:
    try:
        return max(0.0, time.time() - file.stat().st_mtime)
    except OSError:  # given back by now
        return 0.0
