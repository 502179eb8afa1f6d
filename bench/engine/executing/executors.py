"""Executors, which perform the tasks of a plan.

`SerialExecutor` does one after the other in this process, `ProcessExecutor` several at a time in
processes of their own; `ray` and `slurm`, beside this file, do them on other machines too.
Executors enter through the entry-point group `bench.executors`, which names functions that make
them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter, signature
from typing import Any, Protocol, get_args, get_type_hints, runtime_checkable

from bench.engine.executing.board import Board
from bench.engine.executing.pools import ProcessExecutor
from bench.engine.executing.working import Failure, Listener, Perform, do, report_to, without_file
from bench.engine.plan import Task
from bench.errors import BenchError, UsageError, unknown_name
from bench.system.entry_points import Door, Unfit
from bench.system.processes import keep_freed_memory, usable_cores


@runtime_checkable
class Executor(Protocol):
    """Performs tasks, dependencies first.

    A unit that is done already is skipped, and one that needs a failed unit is left out; the
    others go on. The listener is told of each unit that is done. Its file is there by then; of a
    `RemoteExecutor`, whose units other machines do, it may be seen later.
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
        board = Board(tasks)
        failures: list[Failure] = []
        while task := board.take():
            unit = task.unit
            listener.started(unit)
            failure = do(perform, task, report_to(listener, unit), elsewhere=False)
            if not failure and not unit.done:
                failure = without_file(unit, type(self).__name__)
            if failure:
                failures.append(failure)
                listener.failed(unit, failure.reason)
            else:
                board.done(unit)
                listener.finished(unit)
        return tuple(failures)


ExecutorMaker = Callable[..., Executor]
"""Makes an executor for so many units at a time, None: as many as it finds best.

Its keyword-only parameters, of type int, float or str, are the options of `--executor`.
"""


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


def make_executor(asked: str, jobs: int | None) -> Executor:
    """The executor of `NAME[:key=value,...]`, for so many units at a time.

    UsageError where there is none or it has no such option, BenchError where it cannot be made or
    lacks what an `Executor` has.
    """
    name, _, options = asked.partition(":")
    values = _options(name, options) if options else {}
    executor = _made(name, jobs, values)
    if not isinstance(executor, Executor):
        raise BenchError(
            f"executor {name!r}: expected processes, threads and run(tasks, perform, listener), "
            f"got {type(executor).__name__}"
        )
    return executor


def _made(name: str, jobs: int | None, values: Mapping[str, Any]) -> Any:
    if EXECUTORS.is_own(name):
        return EXECUTORS.made(name, jobs, **values)
    from bench.system.guarding import ARITHMETIC, undisturbed  # torch comes with it

    with undisturbed(EXECUTORS.origin(name), ARITHMETIC):
        return EXECUTORS.made(name, jobs, **values)


def _options(name: str, text: str) -> dict[str, Any]:
    """The options of an executor, `key=value,...`, as what its maker takes."""
    maker = EXECUTORS.load(name)
    kinds = get_type_hints(maker)
    known = [
        parameter.name
        for parameter in signature(maker).parameters.values()
        if parameter.kind is Parameter.KEYWORD_ONLY
    ]
    values: dict[str, Any] = {}
    for each in text.split(","):
        key, equals, value = each.strip().partition("=")
        if key not in known:
            raise unknown_name(f"option of --executor {name}", key, known)
        kind = kinds.get(key, str)
        kind = next(one for one in (*get_args(kind), kind) if one in (int, float, str))
        try:
            values[key] = kind(value if equals else "")
        except ValueError:
            raise UsageError(
                f"--executor {name}: {each}: expected {key}=NUMBER, got {value!r}"
            ) from None
    return values
