"""Worker processes: they leave Ctrl-C to their parent and end when it ends."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.context import SpawnContext, SpawnProcess
from types import ModuleType
from typing import Any

from bench.errors import BenchError

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Parameters of glibc's mallopt: M_TRIM_THRESHOLD and M_MMAP_THRESHOLD.

From how many free bytes on memory is returned to the system, and from which size on a block gets a
mapping of its own.
"""


def usable_cores() -> int:
    """Processor cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not every system has it
        return os.cpu_count() or 1


class _Worker(SpawnProcess):
    """A process that does not run the user's script once more.

    A spawned process imports the script that its parent runs, in case what it works on is defined
    there; a script without a `__main__` guard would start its runs anew. Units name what they need
    by module.
    """

    @staticmethod
    def _Popen(process_obj):  # type: ignore[no-untyped-def]
        script = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")  # one that is in no file
        try:
            return SpawnProcess._Popen(process_obj)  # type: ignore[attr-defined]
        finally:
            sys.modules["__main__"] = script


class _Workers(SpawnContext):
    """Spawned, not forked: a fork of a process with torch's threads running may hang."""

    Process = _Worker


@contextmanager
def process_pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """A pool of processes that lasts as long as the block.

    Jobs that have not begun are cancelled at its end; after an error or Ctrl-C running ones are
    terminated, too. Processes start with the first job. One that dies raises BrokenProcessPool in
    the block.
    """
    pool = ProcessPoolExecutor(workers, _Workers(), initializer=start_worker)
    try:
        yield pool
    except BaseException:
        for process in list((pool._processes or {}).values()):
            process.terminate()  # safe, since files are written whole or not at all
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def in_another_process(work: Callable, *arguments: Any) -> Any:
    """The result of `work(*arguments)` in a new process; BenchError where that dies."""
    try:
        with process_pool(1) as pool:
            return pool.submit(work, *arguments).result()
    except BrokenProcessPool as error:
        raise BenchError("a helper process died, perhaps out of memory") from error


def in_processes(work: Callable, jobs: Iterable[Any], workers: int) -> Iterator[Any]:
    """The results of `work(job)`, in order of the jobs; with one worker in this process."""
    if workers == 1:
        yield from map(work, jobs)
        return
    with process_pool(workers) as pool:
        yield from pool.map(work, jobs, chunksize=2)


def allow_open_files(number: int) -> None:
    """Raises this process's limit of open files to so many, as far as the system lets it."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = number if hard == resource.RLIM_INFINITY else min(number, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def keep_freed_memory() -> None:
    """Makes glibc keep freed memory for reuse, as long as this process lives.

    By default it returns the activations of every training step to the system, and small networks
    spend much of their time on page faults. Has no effect with another C library.
    """
    try:
        set_parameter = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # not glibc
        return
    set_parameter(MMAP_THRESHOLD, 32 * 2**20)  # the largest value that glibc accepts
    set_parameter(TRIM_THRESHOLD, 2**31 - 1)


def start_worker() -> None:
    """Leaves Ctrl-C to the parent, and lets this process end when the parent does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def end_with(parent: int) -> None:
    """Lets this process end soon after the process that started it, whose number is given.

    Where the system gives orphans no other parent (Windows), it goes on.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _end_with_parent() -> None:
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)
