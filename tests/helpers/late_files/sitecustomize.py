"""A double of a folder that machines share over NFS, loaded by each process that finds it.

Below LATE_ROOT a process sees a file that another wrote LATE_SECONDS after it was written, and its
own at once. Exclusive creation is exact, as on a server. `flock` and `lockf` do nothing.
"""

from __future__ import annotations

import builtins
import fcntl
import io
import os
import time

ROOT = os.environ["LATE_ROOT"]
LATE = float(os.environ["LATE_SECONDS"])

seen_from: dict[str, float] = {}
"""File -> when it is seen here, by the machine's clock."""

real_stat, real_lstat, real_open, real_scandir = os.stat, os.lstat, io.open, os.scandir
real_os_open, real_replace, real_unlink, real_listdir = os.open, os.replace, os.unlink, os.listdir


def place(path) -> str | None:
    """The whole path of a file of the shared folder; None for others."""
    if isinstance(path, int):
        return None
    found = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - `Path.resolve` looks at files
    return found if found.startswith(ROOT) else None


def hidden(path) -> bool:
    """Whether a file is there and not seen here yet."""
    if (where := place(path)) is None:
        return False
    try:
        status = real_lstat(where)
    except OSError:
        seen_from.pop(where, None)
        return False
    if os.path.stat.S_ISDIR(status.st_mode):
        return False
    return time.time() < seen_from.setdefault(where, status.st_mtime + LATE)


def look(path) -> None:
    """FileNotFoundError for a hidden file."""
    if hidden(path):
        raise FileNotFoundError(2, "not seen yet", os.fsdecode(path))


def wrote(path) -> None:
    """Remembers a file of this process."""
    if where := place(path):
        seen_from[where] = 0.0


def stat(path, *arguments, **keywords):
    look(path)
    return real_stat(path, *arguments, **keywords)


def lstat(path, *arguments, **keywords):
    look(path)
    return real_lstat(path, *arguments, **keywords)


def open_file(file, mode="r", *arguments, **keywords):
    if set(mode) & set("wxa"):
        found = real_open(file, mode, *arguments, **keywords)
        wrote(file)
        return found
    look(file)
    return real_open(file, mode, *arguments, **keywords)


def os_open(path, flags, *arguments, **keywords):
    if not flags & os.O_CREAT:
        look(path)
    found = real_os_open(path, flags, *arguments, **keywords)
    if flags & os.O_CREAT:
        wrote(path)
    return found


def replace(source, target, *arguments, **keywords):
    real_replace(source, target, *arguments, **keywords)
    wrote(target)


class Scan:
    """What `os.scandir` finds, without what is hidden."""

    def __init__(self, path="."):
        self.found = real_scandir(path)

    def __iter__(self):
        return self

    def __next__(self):
        while hidden((entry := next(self.found)).path):
            pass
        return entry

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.found.close()


def listdir(path="."):
    return [name for name in real_listdir(path) if not hidden(f"{os.fsdecode(path)}/{name}")]


os.stat, os.lstat, os.open, os.scandir, os.listdir = stat, lstat, os_open, Scan, listdir
os.replace = os.rename = replace
io.open = builtins.open = open_file
fcntl.flock = fcntl.lockf = lambda *_: None
