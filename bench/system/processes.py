"""Processes that work: several of them leave Ctrl-C to their parent and end when it ends."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.managers import SyncManager
from typing import Any

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Parameters of glibc's mallopt: from how many free bytes on it returns memory to the system, and
from which size on a block is mapped alone."""


def usable_cores() -> int:
    """Processor cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not every system has it
        return os.cpu_count() or 1


@contextmanager
def process_pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """A pool whose waiting work is dropped when the block ends, and all of it where it ends in an
    error or by Ctrl-C.

    Its processes start with the first work. A process that dies raises BrokenProcessPool there.
    """
    # Spawned, not forked: a fork of a process with torch's threads running may hang.
    pool = ProcessPoolExecutor(
        workers, multiprocessing.get_context("spawn"), initializer=start_worker
    )
    try:
        yield pool
    except BaseException:
        for process in list((pool._processes or {}).values()):
            process.terminate()  # files are written whole or not at all
        raise
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def queue_server() -> Iterator[SyncManager]:
    """A process whose queues any other can reach; it ends with the block, or with this process."""
    server = SyncManager(ctx=multiprocessing.get_context("spawn"))
    server.start(start_worker)
    with server:
        yield server


def in_processes(work: Callable, jobs: Iterable[Any], workers: int) -> Iterator[Any]:
    """`work` of every job, in order; one worker is this process itself."""
    if workers == 1:
        yield from map(work, jobs)
        return
    with process_pool(workers) as pool:
        yield from pool.map(work, jobs, chunksize=2)


def keep_freed_memory() -> None:
    """Lets the C library keep what one training step frees for the next, while this process lives.

    Otherwise glibc returns the activations of every step to the system, and a small network waits
    for their pages again and again. Other C libraries stay as they are.
    """
    try:
        set_parameter = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # not glibc
        return
    set_parameter(MMAP_THRESHOLD, 32 * 2**20)  # the largest that it takes
    set_parameter(TRIM_THRESHOLD, 2**31 - 1)


def start_worker() -> None:
    """Leaves Ctrl-C to the parent, and lets this process end when the parent does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    multiprocessing.parent_process().join()
    os._exit(1)
