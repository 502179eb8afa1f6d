"""The executor of `compute.folds_at_once`: folds of one run train together as one stacked network.

Searches, scores and profiles are done one after the other. A fold is complete when its file is
there, as ever: what an interrupted command leaves out is trained, together, by the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.engine.executing.board import Board
from bench.engine.executing.executors import SerialExecutor
from bench.engine.executing.working import Failure, Listener, Perform, failure_of, report_to
from bench.engine.plan import FOLD, Task, Unit
from bench.errors import FAILURES
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
        board = Board(tasks)
        failures: list[Failure] = []
        while first := board.take():
            together = [first]
            while len(together) < self.at_once and _goes_with(first, board.peek()):
                together += filter(None, [board.take()])
            failed = _train(together, perform, listener)
            failures += failed
            for unit in {task.unit for task in together} - {failure.unit for failure in failed}:
                board.done(unit)
        return tuple(failures)


def _goes_with(first: Task, other: Task | None) -> bool:
    if other is None or first.unit.phase != FOLD:
        return False
    return other.unit.phase == FOLD and other.unit.job == first.unit.job


def _train(tasks: Sequence[Task], perform: Perform, listener: Listener) -> list[Failure]:
    """Does tasks of one run: of several folds those together that can be.

    A failure stops no other fold, unless it is one of the machine, such as lack of memory.
    """
    from bench.engine.fold import evaluate_together, like_networks  # torch comes with them
    from bench.training.compute import current_card

    failures: list[Failure] = []
    folds = [task.unit for task in tasks]
    try:
        groups = like_networks(folds) if len(folds) > 1 else [folds]
    except Exception:  # each fold on its own says what is wrong with it
        groups = [[unit] for unit in folds]
    for group in groups:
        if len(group) == 1:
            failures += SerialExecutor().run([Task(group[0])], perform, listener)
            continue
        for unit in group:
            listener.started(unit)
        errors: Mapping[Unit, BaseException]
        try:
            with current_card(group[0].job.device):
                errors = evaluate_together(group, [report_to(listener, unit) for unit in group])
        except FAILURES as error:
            errors = dict.fromkeys(group, error)
        for unit in group:
            if unit not in errors:
                listener.finished(unit)
                continue
            failures.append(failure_of(unit, errors[unit]))
            listener.failed(unit, failures[-1].reason)
    return failures
