"""A lock per machine: timing runs need the machine alone, all other work shares it.

One advisory lock file per machine and user, in the clip cache. `bench time` holds it exclusively,
other work of the harness shares it; it lists its holders, so that an error can name them.
"""

from __future__ import annotations

import os
import platform
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

from bench.errors import BenchError
from bench.system.files import default_cache


def lock_file() -> Path:
    """The lock file, named after the machine since several machines may share the cache's disk."""
    return default_cache() / f"machine-{platform.node() or 'here'}.lock"


@contextmanager
def machine_in_use() -> Iterator[None]:
    """Holds the lock shared inside the block; BenchError while a timing run holds it.

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
        else:  # no other holder: the lines in the file are outdated
            handle.truncate(0)
            _note(handle)
            _acquire_shared(handle)
        yield


@contextmanager
def machine_alone() -> Iterator[None]:
    """Holds the lock exclusively for a timing run; BenchError while other work holds it."""
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
    if fcntl is None:
        raise OSError("this system has no locks that can be shared")
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
    """Adds a line about this process to the lock file, in a single write."""
    words = shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
    command = " ".join(words.splitlines())
    handle.write(f"{os.getpid()} {command}\n")
    handle.flush()


def _holders(handle: IO[str]) -> str:
    """The processes listed in the lock file that are still alive."""
    handle.seek(0)
    noted = [line.split(maxsplit=1) for line in handle.read().splitlines()]
    living = [f"process {pid} ({command})" for pid, command in noted if _is_alive(pid)]
    return " and ".join(dict.fromkeys(living)) or "a process that left no name"


def _is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's process
        return True
    return True
