"""What is done, at work, failed and left of a plan, as an executor goes through it.

Which outputs are there is looked at once, when the board is made. From then on what is done is
what executors say: on a shared folder a file may be seen seconds after another machine wrote it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from heapq import heapify, heappop, heappush

from bench.engine.plan import Task, Unit, done_units


class Board:
    """The tasks of a plan that are not done, handed out in its order, dependencies first.

    A task that needs a unit that is neither done nor in the plan is never handed out, nor one that
    needs a failed unit.
    """

    def __init__(self, tasks: Sequence[Task]) -> None:
        done = done_units(tasks)
        left = list({task.unit: task for task in tasks if task.unit not in done}.values())
        self._tasks = {task.unit: (place, task) for place, task in enumerate(left)}
        self._open: dict[Unit, int] = {}
        self._wanted_by: dict[Unit, list[Unit]] = defaultdict(list)
        for task in left:
            missing = [need for need in task.needs if need not in done and self._is_missing(need)]
            self._open[task.unit] = len(missing)
            for need in missing:
                self._wanted_by[need].append(task.unit)
        self._ready = [place for place, task in self._tasks.values() if not self._open[task.unit]]
        self._in_order = left
        heapify(self._ready)

    def _is_missing(self, need: Unit) -> bool:
        return need in self._tasks or not need.done

    def peek(self) -> Task | None:
        """The task that `take` would give."""
        return self._in_order[self._ready[0]] if self._ready else None

    def take(self) -> Task | None:
        """The next task whose needs are done; None where there is none, for now or at all."""
        return self._in_order[heappop(self._ready)] if self._ready else None

    def done(self, unit: Unit) -> None:
        """A unit that was taken is done: what needs it may follow."""
        for follower in self._wanted_by.pop(unit, ()):
            self._open[follower] -= 1
            if not self._open[follower]:
                heappush(self._ready, self._tasks[follower][0])
