"""How a unit is done, by whatever process on whatever machine does it."""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.engine.executing.notes import noted
from bench.engine.plan import Report, Task, Unit
from bench.errors import FAILURES, BenchError, SuspectError
from bench.methods.operations import failing_operation
from bench.system.entry_points import PluginError
from bench.system.packages import say_once
from bench.system.processes import keep_freed_memory
from bench.system.provenance import host
from rnas.errors import MethodError

LATE = 120.0
"""Seconds within which a file that one machine wrote is seen by all that share its folder."""

LOOK_EVERY = 0.5
"""Seconds between two looks for such a file."""

NOTE_EVERY = 15.0
"""Seconds between two notes of a unit's progress, where no executor waits for them."""

Perform = Callable[[Unit, Report], None]
"""Does a unit; the second argument reports (what, done, total)."""


class Listener(Protocol):
    """Hears of every unit as it goes on.

    Progress bars are such, and what passes it on to trackers (`bench.engine.listening`).
    """

    def started(self, unit: Unit) -> None:
        """The unit is begun."""

    def advanced(self, unit: Unit, what: str, done: int, total: int) -> None:
        """So many of its steps (`what`: epochs, say) are done."""

    def finished(self, unit: Unit) -> None:
        """The unit is done."""

    def failed(self, unit: Unit, reason: str) -> None:
        """The unit could not be done."""


@dataclass(frozen=True)
class Failure:
    """A unit that could not be done, and why, in one line.

    suspect: whether the other units of its run cannot be trusted either (`SuspectError`).
    """

    unit: Unit
    reason: str
    traceback: str | None = None
    suspect: bool = False


@dataclass(frozen=True)
class Needs:
    """What a unit needs of a machine, estimated before it is begun.

    gpu_gb: memory of a card, if it is done on one, in GB (10^9 bytes); minutes: on one core.
    """

    gpu_gb: float
    minutes: float


@dataclass(frozen=True)
class Order:
    """A task with what another process has to know to do it: it is picklable and small.

    threads: of torch; folder: the current folder of the command, to which the paths of its options
    are relative; note_every: seconds between two notes of its progress.
    """

    perform: Perform
    task: Task
    threads: int
    folder: Path
    note_every: float = NOTE_EVERY
    needs: Needs | None = None


def carry_out(order: Order) -> Failure | None:
    """Does a unit in a process of its own; returns why it failed, None where it is done."""
    import torch

    torch.set_num_threads(order.threads)
    keep_freed_memory()
    if order.folder.is_dir():
        os.chdir(order.folder)
    return do(order.perform, order.task, _unheard, order.note_every)


def do(
    perform: Perform,
    task: Task,
    report: Report,
    note_every: float = NOTE_EVERY,
    elsewhere: bool = True,
) -> Failure | None:
    """Does a unit in this process, once the files that it needs are seen here.

    elsewhere: whether other machines may have written them, so that they are waited for.
    """
    try:
        needed = [need.output for need in task.needs]
        if elsewhere:
            await_files(needed)
        elif gone := missing_after(0, needed):
            raise BenchError(f"{gone[0]} is not there: the work that writes it was left out")
        with noted(task.unit, report, note_every) as tell:
            perform(task.unit, tell)
    except FAILURES as error:  # out of memory, say: the other units may still do
        return failure_of(task.unit, error)
    return None


def await_files(files: Iterable[Path]) -> None:
    """Waits until files that others wrote are seen; BenchError where one is not after LATE."""
    unseen = missing_after(LATE, list(files))
    if unseen:
        raise BenchError(
            f"{unseen[0]} is written but not seen on {host()} after {LATE:.0f} s; the folder of "
            "--runs has to be one that all machines share"
        )


def missing_after(seconds: float, files: Sequence[Path]) -> list[Path]:
    """The files that are not seen here within so many seconds; says which it waits for."""
    until = time.monotonic() + seconds
    if seconds and (unseen := [file for file in files if not file.exists()]):
        more = f" and {len(unseen) - 1} more" if len(unseen) > 1 else ""
        say_once(f"waiting up to {seconds:.0f} s for {unseen[0]}{more}")
    while (files := [file for file in files if not file.exists()]) and time.monotonic() < until:
        time.sleep(LOOK_EVERY)
    return list(files)


def without_file(unit: Unit, who: str, after: str = "") -> Failure:
    """The failure of a unit that `who` said is done, where its file is not there."""
    return Failure(unit, f"{who} said that it is done, but {unit.output} is not there{after}")


def failure_of(unit: Unit, error: BaseException) -> Failure:
    """The failure with its one-line reason; with the traceback where the error is unexpected."""
    if isinstance(error, PluginError):
        return Failure(unit, str(error), "".join(traceback.format_exception(error)))
    if isinstance(error, BenchError | MethodError):
        return Failure(unit, str(error), suspect=isinstance(error, SuspectError))
    reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
    if culprit := failing_operation(error):
        reason = f"{culprit} failed: {reason}"
    return Failure(unit, reason, "".join(traceback.format_exception(error)))


def report_to(listener: Listener, unit: Unit) -> Report:
    """A function that tells the listener how far the unit is."""
    return lambda what, done, total: listener.advanced(unit, what, done, total)


def _unheard(what: str, done: int, total: int) -> None:
    """Progress is read from the unit's note."""
