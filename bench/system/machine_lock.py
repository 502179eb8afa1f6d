"""Who works on this machine: a timing run wants it alone, all other work may share it.

One advisory lock file a machine and user, in the clip cache. Work of the harness holds it shared,
`bench time` alone; it names its holders, so that whoever is refused learns by whom.
"""

from __future__ import annotations

import fcntl
import os
import platform
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from bench.errors import BenchError
from bench.system.files import default_cache


def lock_file() -> Path:
    """The lock of this machine. The cache may lie on a disk that several machines share."""
    return default_cache() / f"machine-{platform.node() or 'here'}.lock"


@contextmanager
def machine_in_use() -> Iterator[None]:
    """Holds the machine together with other work; BenchError while a timing run has it.

    Where no lock file can be written, the work goes on without one.
    """
    try:
        handle = _open()
    except OSError:
        yield
        return
    with handle:
        if not _acquired(handle, fcntl.LOCK_EX):
            _acquire_shared(handle)
            _note(handle)
        else:  # nobody else: what the file says is of the past
            handle.truncate(0)
            _note(handle)
            _acquire_shared(handle)
        yield


@contextmanager
def machine_alone() -> Iterator[None]:
    """Holds the machine for a timing run; BenchError where other work of ours goes on."""
    try:
        handle = _open()
    except OSError as error:
        raise BenchError(
            f"cannot write {lock_file()}: {error.strerror or error}; name another cache folder "
            "with BENCH_CACHE, or measure with --shared"
        ) from error
    with handle:
        if not _acquired(handle, fcntl.LOCK_EX):
            raise BenchError(
                f"other work of ours is on this machine: {_holders(handle)}; wait for it, or "
                "measure with --shared, which marks every row so"
            )
        handle.truncate(0)
        _note(handle)
        yield


def _open() -> IO[str]:
    path = lock_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("a+")


def _acquired(handle: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _acquire_shared(handle: IO[str]) -> None:
    if not _acquired(handle, fcntl.LOCK_SH):
        raise BenchError(
            f"a timing run has this machine to itself: {_holders(handle)}; wait for it and repeat "
            "the command"
        )


def _note(handle: IO[str]) -> None:
    """Adds this process to the lock file: one line, written at once."""
    words = shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
    command = " ".join(words.splitlines())
    handle.write(f"{os.getpid()} {command}\n")
    handle.flush()


def _holders(handle: IO[str]) -> str:
    """The living processes among those that the lock file names."""
    handle.seek(0)
    noted = [line.split(maxsplit=1) for line in handle.read().splitlines()]
    living = [f"process {pid} ({command})" for pid, command in noted if _lives(pid)]
    return " and ".join(dict.fromkeys(living)) or "a process that left no name"


def _lives(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
