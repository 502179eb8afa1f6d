"""Executors whose units are done in other processes, on this machine or on others."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from bench.engine.executing.board import Board
from bench.engine.executing.notes import note_file, read_note
from bench.engine.executing.working import (
    LATE,
    Failure,
    Listener,
    Needs,
    Order,
    Perform,
    carry_out,
    without_file,
)
from bench.engine.plan import Task
from bench.system.processes import process_pool

AT_A_TIME = 256
"""Units that are handed in to other machines at a time where nobody says."""

TRIES = 3
"""How often a unit is begun whose process dies each time."""


class WorkerDied(Exception):
    """The process that did a unit is gone; the message says what is known of the reason."""


class Pool(Protocol):
    """Processes that carry out orders; a handle stands for an order that was given."""

    def submit(self, orders: Sequence[Order]) -> Sequence[Any]:
        """Gives orders; returns a handle for each."""

    def wait(self, handles: Collection[Any], seconds: float) -> Collection[Any]:
        """The handles whose orders have ended; waits at most so long for the first."""

    def result(self, handle: Any) -> Failure | None:
        """What `carry_out` returned; WorkerDied where the process that did it is gone."""


class PoolExecutor(ABC):
    """Up to `processes` units at a time, each in a process of a pool.

    What a unit computes does not depend on the others, nor on how many there are at a time. A unit
    whose process dies is begun again, TRIES times in all.
    """

    look_every: float
    """Seconds between two looks at the units at work, and between two notes of their progress."""

    late = 0.0
    """Seconds within which the file of a unit that is done is seen here."""

    @property
    @abstractmethod
    def processes(self) -> int:
        """Units at a time."""

    @property
    @abstractmethod
    def threads(self) -> int:
        """Threads of torch for each unit."""

    @abstractmethod
    def opened(self) -> AbstractContextManager[Pool]:
        """The pool, for as long as the block lasts; orders that have not ended then are dropped."""

    def needs(self, task: Task) -> Needs | None:
        """What the unit needs of a machine; None where nobody asks."""
        return None

    def run(
        self, tasks: Sequence[Task], perform: Perform, listener: Listener
    ) -> tuple[Failure, ...]:
        """See `bench.engine.executing.executors.Executor.run`."""
        board = Board(tasks)
        if board.peek() is None:
            return ()
        folder = Path.cwd()

        def order(task: Task) -> Order:
            return Order(perform, task, self.threads, folder, self.look_every, self.needs(task))

        with self.opened() as pool:
            crew = _Crew(self, pool, order, board, listener)
            while True:
                crew.begin(self.processes - len(crew.at_work))
                if not crew.at_work:
                    return tuple(crew.failures)
                crew.follow(self.look_every)


@dataclass(frozen=True)
class RemoteExecutor(PoolExecutor):
    """An executor whose units may be done on other machines that share the folders of the run.

    The devices are chosen where the units are done, and clips are prepared there.

    jobs: units that are handed in at a time, those that wait for room included; cores: of each, and
    threads of torch.
    """

    look_every = 15.0
    late = LATE
    jobs: int = AT_A_TIME
    cores: int = 1

    @property
    def processes(self) -> int:
        """See `PoolExecutor.processes`."""
        return self.jobs

    @property
    def threads(self) -> int:
        """See `PoolExecutor.threads`."""
        return self.cores

    def needs(self, task: Task) -> Needs | None:
        """See `PoolExecutor.needs`: an estimate, made before anything is trained."""
        from bench.engine.executing.needs import estimated_needs  # torch comes with it

        return estimated_needs(task.unit)


@dataclass
class _AtWork:
    task: Task
    begun: bool = False
    tries: int = 1


@dataclass
class _Crew:
    """The units at work in a pool, by handle."""

    executor: PoolExecutor
    pool: Pool
    order: Callable[[Task], Order]
    board: Board
    listener: Listener
    at_work: dict[Any, _AtWork] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    looked: float = 0.0

    def begin(self, most: int) -> None:
        """Gives orders for units that can be done now, at most so many."""
        tasks: list[Task] = []
        while len(tasks) < most and (task := self.board.take()):
            tasks.append(task)
        if tasks:
            handles = self.pool.submit([self.order(task) for task in tasks])
            self.at_work.update(zip(handles, map(_AtWork, tasks), strict=True))

    def follow(self, seconds: float) -> None:
        """Waits for units to end, at most so long; tells the listener how far the others are."""
        ended = self.pool.wait(list(self.at_work), seconds)
        if time.monotonic() - self.looked >= seconds:
            self.looked = time.monotonic()
            for unit_at_work in self.at_work.values():
                self._tell(unit_at_work)
        for handle in ended:
            self._settle(handle)

    def _tell(self, found: _AtWork) -> None:
        """Passes on what the unit's note says."""
        unit = found.task.unit
        if note := read_note(note_file(unit)):
            self._say_begun(found)
            if note.total:
                self.listener.advanced(unit, note.what, note.done, note.total)

    def _say_begun(self, found: _AtWork) -> None:
        if not found.begun:
            found.begun = True
            self.listener.started(found.task.unit)

    def _settle(self, handle: Any) -> None:
        found = self.at_work.pop(handle)
        unit = found.task.unit
        try:
            failure = self.pool.result(handle)
        except WorkerDied as death:
            failure = None
            sealed = unit.job.folder.seal(unit.name).exists()
            if not (unit.done and sealed):  # it may have died in its last breath
                unit.output.unlink(missing_ok=True)  # not sealed: nobody says that it is whole
                if found.tries < TRIES:
                    found.tries += 1
                    (again,) = self.pool.submit([self.order(found.task)])
                    self.at_work[again] = found
                    return
                note = read_note(note_file(unit))
                where = f" on {note.host}" if note else ""
                failure = Failure(unit, f"its process{where} died {TRIES} times: {death}")
        if not (failure or self.executor.late or unit.done):
            failure = without_file(unit, type(self.executor).__name__)
        self._say_begun(found)
        if failure:
            failure = replace(failure, unit=unit)  # the worker's may name the card it was given
            self.failures.append(failure)
            self.listener.failed(unit, failure.reason)
            return
        self.board.done(unit)
        self.listener.finished(unit)


@dataclass(frozen=True)
class ProcessExecutor(PoolExecutor):
    """Up to `jobs` units at a time, each in a process of this machine and on one thread of torch.

    On `--device cuda` the processes take the visible cards in turn.
    """

    jobs: int
    look_every = 0.2
    threads = 1

    @property
    def processes(self) -> int:
        """Units at a time."""
        return self.jobs

    @contextmanager
    def opened(self) -> Iterator[Pool]:
        """See `PoolExecutor.opened`. Processes start with their first units."""
        with ExitStack() as pools:
            yield _LocalPool(pools, [None] * self.jobs)


@dataclass
class _LocalPool:
    """Processes of this machine, each a pool of its own: one that dies takes one unit with it."""

    open: ExitStack
    pools: list[ProcessPoolExecutor | None]
    taken: dict[Future, int] = field(default_factory=dict)

    def submit(self, orders: Sequence[Order]) -> Sequence[Future]:
        """See `Pool.submit`."""
        return [self._submit(order) for order in orders]

    def _submit(self, order: Order) -> Future:
        place = next(each for each in range(len(self.pools)) if each not in self.taken.values())
        order = replace(order, task=_on_card(order.task, place))
        pool = self.pools[place]
        try:
            if pool is None:
                raise BrokenProcessPool
            future = pool.submit(carry_out, order)
        except BrokenProcessPool:  # it died between two units, or there was none
            pool = self.pools[place] = self.open.enter_context(process_pool(1))
            future = pool.submit(carry_out, order)
        self.taken[future] = place
        return future

    def wait(self, handles: Collection[Future], seconds: float) -> Collection[Future]:
        """See `Pool.wait`."""
        return wait(handles, seconds, FIRST_COMPLETED).done

    def result(self, handle: Future) -> Failure | None:
        """See `Pool.result`."""
        place = self.taken.pop(handle)
        try:
            return handle.result()
        except BrokenProcessPool as error:
            self.pools[place] = None
            raise WorkerDied("perhaps out of memory; try fewer with --jobs") from error


def _on_card(task: Task, place: int) -> Task:
    """The task with the visible GPU that a process takes, where any will do."""
    job = task.unit.job
    if job.device != "cuda":
        return task
    import torch

    card = f"cuda:{place % max(torch.cuda.device_count(), 1)}"
    return replace(task, unit=replace(task.unit, job=replace(job, device=card)))
