"""Executors perform the tasks of a plan. `SerialExecutor` does so one after the other, here."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from bench.errors import BenchError
from bench.plan import Task, Unit
from rnas.errors import MethodError


class Listener(Protocol):
    """Hears of every unit as it goes on; progress bars and logs implement it."""

    def started(self, unit: Unit) -> None: ...
    def advanced(self, unit: Unit, what: str, done: int, total: int) -> None: ...
    def finished(self, unit: Unit) -> None: ...
    def failed(self, unit: Unit, reason: str) -> None: ...


@dataclass(frozen=True)
class Failure:
    """A unit that could not be done, and why, in one line."""

    unit: Unit
    reason: str
    traceback: str | None = None


Perform = Callable[[Unit, Callable[[str, int, int], None]], None]
"""Does a unit; the second argument reports (what, done, total)."""


class Executor(Protocol):
    """Performs tasks, dependencies first. A unit that is done already is skipped; a unit whose
    need failed is left out; the others go on."""

    def run(
        self, tasks: Sequence[Task], perform: Perform, listener: Listener
    ) -> tuple[Failure, ...]:
        """The units that failed; what they left out is not listed."""
        ...


class SerialExecutor:
    """One unit after the other, in this process."""

    def run(
        self, tasks: Sequence[Task], perform: Perform, listener: Listener
    ) -> tuple[Failure, ...]:
        failures: list[Failure] = []
        for task in tasks:
            unit = task.unit
            if unit.done or not all(need.done for need in task.needs):
                continue
            listener.started(unit)
            try:
                perform(unit, _report(listener, unit))
            except Exception as error:  # out of memory, say: the other units may still do
                failure = _failure(unit, error)
                failures.append(failure)
                listener.failed(unit, failure.reason)
            else:
                listener.finished(unit)
        return tuple(failures)


def _failure(unit: Unit, error: Exception) -> Failure:
    """What a person is told; for errors that nobody foresaw, also where they happened."""
    if isinstance(error, BenchError | MethodError):
        return Failure(unit, str(error))
    reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
    return Failure(unit, reason, "".join(traceback.format_exception(error)))


def _report(listener: Listener, unit: Unit) -> Callable[[str, int, int], None]:
    return lambda what, done, total: listener.advanced(unit, what, done, total)
