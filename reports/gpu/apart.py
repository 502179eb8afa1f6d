"""Work in a process of its own: a crash, a kill or a hang there costs nothing here."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from bench.system.processes import start_worker
from reports.gpu.record import one_line

ENDING_S = 2.0
"""Seconds that a process may take to end after it has given its result."""


@dataclass(frozen=True)
class Outcome:
    """What came back, or why nothing did, in one line."""

    value: Any = None
    reason: str | None = None


def run_apart(function: Callable[..., Any], arguments: tuple, limit_s: float) -> Outcome:
    """`function(*arguments)` in a new process; both must be picklable.

    After `limit_s` seconds it is killed with all that it started; it ends when this process does.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(there, function, arguments))
    process.start()
    there.close()  # so that the end of the process is the end of the pipe
    try:
        if not here.poll(limit_s):
            return Outcome(reason=f"stopped at its limit of {limit_s:.0f} s")
        outcome = here.recv()
        wait([process.sentinel], ENDING_S)
        return outcome
    except EOFError:
        process.join(ENDING_S)
        return Outcome(reason=_death(process.exitcode))
    finally:
        end(process)
        here.close()


def end(process: BaseProcess) -> None:
    """Kills whatever a process has started, and itself; it must lead a session of its own."""
    if process.pid is not None:
        with suppress(ProcessLookupError, PermissionError):  # not yet waited for: its number stays
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.join()


def _work(answer: Connection, function: Callable[..., Any], arguments: tuple) -> None:
    os.setsid()
    start_worker()
    try:
        outcome = Outcome(function(*arguments))
    except BaseException as error:
        outcome = Outcome(reason=one_line(error))
    answer.send(outcome)


def _death(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        return f"its process was killed by signal {-exit_code}, perhaps for want of memory"
    return f"its process ended with exit code {exit_code} and without a word"
