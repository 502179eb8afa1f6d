"""Executors, which perform the tasks of a plan.

`SerialExecutor` does one after the other in this process, `ProcessExecutor` several at a time in
processes of their own. Executors enter through the entry-point group `bench.executors`, which names
functions that make them.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from queue import Empty, Queue
from typing import Any, Protocol, runtime_checkable

from bench.engine.plan import Task, Unit
from bench.errors import BenchError, UsageError
from bench.system.entry_points import Door, Unfit
from bench.system.processes import (
    keep_freed_memory,
    process_pool,
    queue_server,
    usable_cores,
)
from rnas.errors import MethodError

REPORT_EVERY = 0.5
"""Seconds between two reports of a unit in another process."""

LOOK_EVERY = 0.2
"""Seconds between two checks for reports of other processes."""


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
    """A unit that could not be done, and why, in one line."""

    unit: Unit
    reason: str
    traceback: str | None = None


Perform = Callable[[Unit, Callable[[str, int, int], None]], None]
"""Does a unit; the second argument reports (what, done, total)."""


@runtime_checkable
class Executor(Protocol):
    """Performs tasks, dependencies first.

    A unit that is done already is skipped, and one that needs a failed unit is left out; the
    others go on.
    """

    @property
    def processes(self) -> int:
        """Units at a time."""

    @property
    def threads(self) -> int:
        """Threads of torch for each unit."""

    def run(
        self, tasks: Sequence[Task], perform: Perform, listener: Listener
    ) -> tuple[Failure, ...]:
        """The units that failed; those left out because of them are not listed."""


class SerialExecutor:
    """One unit after the other, in this process."""

    processes = 1

    @property
    def threads(self) -> int:
        """Threads of torch in this process."""
        import torch

        return torch.get_num_threads()

    def run(
        self, tasks: Sequence[Task], perform: Perform, listener: Listener
    ) -> tuple[Failure, ...]:
        """See `Executor.run`."""
        keep_freed_memory()
        failures: list[Failure] = []
        for task in tasks:
            unit = task.unit
            if unit.done or not all(need.done for need in task.needs):
                continue
            listener.started(unit)
            try:
                perform(unit, report_to(listener, unit))
            except Exception as error:  # out of memory, say: the other units may still do
                failure = failure_of(unit, error)
                failures.append(failure)
                listener.failed(unit, failure.reason)
            else:
                listener.finished(unit)
        return tuple(failures)


@dataclass(frozen=True)
class ProcessExecutor:
    """Up to `jobs` units at a time, each in a process and on one thread of torch.

    What a unit computes does not depend on the others, nor on how many there are at a time.
    """

    jobs: int
    threads = 1

    @property
    def processes(self) -> int:
        """Units at a time."""
        return self.jobs

    def run(
        self, tasks: Sequence[Task], perform: Perform, listener: Listener
    ) -> tuple[Failure, ...]:
        """See `Executor.run`. A pool whose process died is replaced by another."""
        todo = Todo([task for task in tasks if not task.unit.done])
        failures: list[Failure] = []
        with queue_server() as server:
            while todo.waiting:
                with process_pool(self.jobs) as pool:
                    there = Crew(pool, perform, listener, server.Queue())
                    failures += there.work(todo, self.jobs)
        return tuple(failures)


ExecutorMaker = Callable[[int | None], Executor]
"""Makes an executor for so many units at a time, None: as many as it finds best."""


def serial(jobs: int | None) -> SerialExecutor:
    """`--executor serial`; UsageError where several units are wanted at a time."""
    if jobs not in (None, 1):
        raise UsageError(
            f"--executor serial works on one unit at a time: leave out --jobs {jobs}, or take "
            "--executor process"
        )
    return SerialExecutor()


def process(jobs: int | None) -> ProcessExecutor:
    """`--executor process`: as many processes as there are cores where nobody says."""
    return ProcessExecutor(jobs or usable_cores())


def _maker(name: str, value: Any) -> ExecutorMaker:
    if not callable(value):
        raise Unfit(f"expected a function from --jobs to an executor, got {type(value).__name__}")
    return value


EXECUTORS = Door("bench.executors", "executor", _maker)


def make_executor(name: str, jobs: int | None) -> Executor:
    """The executor of a name, for so many units at a time.

    UsageError where there is none, BenchError where it cannot be made or lacks what an `Executor`
    has.
    """
    executor = EXECUTORS.made(name, jobs)
    if not isinstance(executor, Executor):
        raise BenchError(
            f"executor {name!r}: expected processes, threads and run(tasks, perform, listener), "
            f"got {type(executor).__name__}"
        )
    return executor


@dataclass
class Todo:
    """Tasks that are not begun yet."""

    waiting: list[Task]

    def take(self, running: Sequence[Unit]) -> Unit | None:
        """The next unit whose needs are done; None where there is none, for now or at all.

        What can never be done, since a need has failed, is dropped.
        """
        pending = {task.unit for task in self.waiting} | set(running)
        self.waiting = [
            task for task in self.waiting if all(n.done or n in pending for n in task.needs)
        ]
        for task in self.waiting:
            if all(need.done for need in task.needs):
                self.waiting.remove(task)
                return task.unit
        return None

    def put_back(self, unit: Unit) -> None:
        """Makes a unit the next one that `take` gives: its needs are done."""
        self.waiting.insert(0, Task(unit))


@dataclass
class Crew:
    """The processes of a pool at work; `reports` carries their progress to this process."""

    pool: ProcessPoolExecutor
    perform: Perform
    listener: Listener
    reports: Queue
    running: dict[Future, Unit] = field(default_factory=dict)

    def work(self, todo: Todo, jobs: int) -> list[Failure]:
        """Does what can be done; returns what failed.

        Ends early where a process dies, as it does when memory runs out, with failures of the
        units at work; the rest waits for another pool.
        """
        failures: list[Failure] = []
        while True:
            while len(self.running) < jobs and (unit := todo.take(list(self.running.values()))):
                try:
                    future = self.pool.submit(_perform_elsewhere, self.perform, unit, self.reports)
                except BrokenProcessPool:  # since the last look; this unit was not begun
                    todo.put_back(unit)
                    return failures + self._lost()
                self.listener.started(unit)
                self.running[future] = unit
            if not self.running:
                return failures
            done, _ = wait(self.running, LOOK_EVERY, FIRST_COMPLETED)
            try:
                self._hear()
            except (EOFError, OSError) as error:
                raise BenchError(
                    "the process that passes on what the workers report died; repeat the command, "
                    "it goes on where it stopped"
                ) from error
            broken = False
            for future in done:
                failure, died = _outcome(future, self.running[future])
                broken = broken or died
                self._settle(self.running.pop(future), failure)
                failures += [failure] if failure else []
            if broken:
                return failures + self._lost()

    def _lost(self) -> list[Failure]:
        """Failures of the units that were running in a pool whose process died."""
        failures = [_death(unit) for unit in self.running.values()]
        for failure in failures:
            self._settle(failure.unit, failure)
        self.running.clear()
        return failures

    def _hear(self) -> None:
        while True:
            try:
                unit, what, done, total = self.reports.get_nowait()
            except Empty:
                return
            if unit in self.running.values():
                self.listener.advanced(unit, what, done, total)

    def _settle(self, unit: Unit, failure: Failure | None) -> None:
        if failure:
            self.listener.failed(unit, failure.reason)
        else:
            self.listener.finished(unit)


def _perform_elsewhere(perform: Perform, unit: Unit, reports: Queue) -> Failure | None:
    """Does a unit in a worker process, which reports its progress every REPORT_EVERY seconds."""
    import torch

    torch.set_num_threads(ProcessExecutor.threads)
    keep_freed_memory()
    said = 0.0

    def report(*what: Any) -> None:
        nonlocal said
        if time.monotonic() - said >= REPORT_EVERY:
            said = time.monotonic()
            reports.put((unit, *what))

    try:
        perform(unit, report)
    except Exception as error:
        return failure_of(unit, error)
    return None


def _outcome(future: Future, unit: Unit) -> tuple[Failure | None, bool]:
    """The failure of a unit, None where it is done, and whether its process died."""
    try:
        return future.result(), False
    except BrokenProcessPool:
        return _death(unit), True


def _death(unit: Unit) -> Failure:
    return Failure(unit, "a process at work died, perhaps out of memory; try fewer with --jobs")


def failure_of(unit: Unit, error: Exception) -> Failure:
    """The failure with its one-line reason; with the traceback where the error is unexpected."""
    if isinstance(error, BenchError | MethodError):
        return Failure(unit, str(error))
    reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
    return Failure(unit, reason, "".join(traceback.format_exception(error)))


def report_to(listener: Listener, unit: Unit) -> Callable[[str, int, int], None]:
    """A function that tells the listener how far the unit is."""
    return lambda what, done, total: listener.advanced(unit, what, done, total)
