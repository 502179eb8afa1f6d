"""Leases: files that say who works somewhere, which hold across the machines that share a folder.

A lease is created exclusively and touched as long as its holder lives. It needs no lock of the
file system (`flock` does nothing on many shared folders). A holder that died is found out at once
on its own machine, and by its silence from another.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

from bench.errors import BenchError

EXPIRES = 60.0
"""Seconds of silence after which a lease may be taken over; its holder touches it thrice as often.

The same for all that share a folder."""

NAMED = 10.0
"""Seconds within which the name in a lease is seen by all that share a folder."""

LOOKS = 0.2
"""Seconds within which a lease of a dead process of this machine is taken over."""

PROBE = 4096
"""Bytes that have to find room for a lease to be taken over."""


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
            _require_room(file)
            if _silent_for(file) < EXPIRES / 2:
                raise
            _sweep_nameless(file)
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


@contextmanager
def when_free(file: Path) -> Iterator[None]:
    """Holds a lease for this process inside the block, as soon as nobody else does.

    A line on stderr says for whom it waits. Raises OSError where the file cannot be written.
    """
    from filelock import SoftFileLease, Timeout

    lease, patience = SoftFileLease(file, lease_duration=EXPIRES), LOOKS
    while not lease.is_locked:
        try:
            lease.acquire(timeout=patience)
        except Timeout:
            _require_room(file)
            if patience == LOOKS and _silent_for(file) < EXPIRES / 2:
                print(f"waiting for {file}: {_holder(file)}", file=sys.stderr)
            _sweep_nameless(file)
            patience = EXPIRES / 2
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

    lease, until = SoftFileLease(file, lease_duration=EXPIRES), time.monotonic() + NAMED
    while (owner := lease.owner) is None:
        if time.monotonic() > until:
            return (
                f"{file.name} names nobody; if nobody works there, the same command takes it over "
                f"{EXPIRES / 2:.0f} s after the last change of that file"
            )
        time.sleep(LOOKS)
    host = owner.hostname.partition("?")[0]
    return f"process {owner.pid} on {host}, last heard of {_silent_for(file):.0f} s ago"


def _require_room(file: Path) -> None:
    """OSError where nothing can be written beside a lease: nobody could take it over."""
    with TemporaryFile(dir=file.parent) as probe:
        probe.write(bytes(PROBE))


def _sweep_nameless(file: Path) -> None:
    """Removes a silent lease without a name: its holder died before it had written it."""
    from filelock import SoftFileLease

    nameless = SoftFileLease(file, lease_duration=EXPIRES).owner is None
    if nameless and _silent_for(file) >= EXPIRES / 2:
        file.unlink(missing_ok=True)


def _silent_for(file: Path) -> float:
    try:
        return max(0.0, time.time() - file.stat().st_mtime)
    except OSError:  # given back by now
        return 0.0
