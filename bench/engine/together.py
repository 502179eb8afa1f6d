"""The executor of `compute.folds_at_once`: folds of one run train together as one stacked network.

Searches, scores and profiles are done one after the other. A fold is complete when its file is
there, as ever: what an interrupted command leaves out is trained, together, by the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.engine.executors import Failure, Listener, Perform, SerialExecutor, failure_of, report_to
from bench.engine.plan import FOLD, Task, Unit
from bench.system.processes import keep_freed_memory


@dataclass(frozen=True)
class StackingExecutor:
    """Up to `at_once` folds of a run at a time, in this process; all else one after the other."""

    at_once: int
    processes = 1

    @property
    def threads(self) -> int:
        """Threads of torch in this process."""
        return SerialExecutor().threads

    def run(
        self, tasks: Sequence[Task], perform: Perform, listener: Listener
    ) -> tuple[Failure, ...]:
        """See `Executor.run`."""
        keep_freed_memory()
        failures: list[Failure] = []
        waiting = list(tasks)
        while waiting:
            first = waiting.pop(0)
            if not _can_begin(first):
                continue
            if first.unit.phase != FOLD:
                failures += SerialExecutor().run([first], perform, listener)
                continue
            folds = [first.unit]
            while len(folds) < self.at_once and waiting and _goes_with(first, waiting[0]):
                folds += [task.unit for task in [waiting.pop(0)] if _can_begin(task)]
            failures += _train(folds, perform, listener)
        return tuple(failures)


def _can_begin(task: Task) -> bool:
    return not task.unit.done and all(need.done for need in task.needs)


def _goes_with(first: Task, other: Task) -> bool:
    return other.unit.phase == FOLD and other.unit.job == first.unit.job


def _train(folds: Sequence[Unit], perform: Perform, listener: Listener) -> list[Failure]:
    """Trains folds, together those that can be.

    A failure stops no other fold, unless it is one of the machine, such as lack of memory.
    """
    from bench.engine.fold import evaluate_together, like_networks  # torch comes with them

    failures: list[Failure] = []
    try:
        groups = like_networks(folds)
    except Exception:  # each fold on its own says what is wrong with it
        groups = [[unit] for unit in folds]
    for group in groups:
        if len(group) == 1:
            failures += SerialExecutor().run([Task(group[0])], perform, listener)
            continue
        for unit in group:
            listener.started(unit)
        try:
            errors = evaluate_together(group, [report_to(listener, unit) for unit in group])
        except Exception as error:
            errors = dict.fromkeys(group, error)
        for unit in group:
            if unit not in errors:
                listener.finished(unit)
                continue
            failures.append(failure_of(unit, errors[unit]))
            listener.failed(unit, failures[-1].reason)
    return failures
