"""What a large plan costs its driver, with simulated workers: `python -m reports.docs.planning`.

Nothing is trained: the planning is that of `bench run`, and time goes by as the workers' units end.
"""

from __future__ import annotations

import pickle
import resource
import time
from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from itertools import count
from pathlib import Path

from bench.config.loading import load_config
from bench.data.sources import Source
from bench.engine.executing.board import Board
from bench.engine.executing.working import NOTE_EVERY, Order
from bench.engine.plan import FOLD, SEARCH, Task, plan, with_preparation
from bench.engine.units import perform
from bench.methods import registry
from bench.runs.folder import run_folder
from bench.runs.job import Job

SETS, VARIANTS, SEEDS, FOLDS, WORKERS = 10, 30, 5, 68, 1000

SECONDS = {FOLD: 60.0, SEARCH: 600.0}
"""What the simulated units take; all others take OTHER seconds."""

OTHER = 5.0

FILES_PER_UNIT = 2
"""The output of a unit and its first note, beside one note every NOTE_EVERY seconds."""

SAMPLE = 997
"""Every so many-th order is pickled."""

MEGA = 10**6


def jobs(runs: Path) -> Iterator[Job]:
    """The runs of the plan: none of their folders exists."""
    config = load_config("small", ())
    names = tuple(registry.variants())[:VARIANTS]
    folds = tuple(f"s{number:02}" for number in range(FOLDS))
    for place in range(SETS):
        source = Source("composite", runs / f"data{place}", False, runs / "cache")
        for name in names:
            for seed in range(SEEDS):
                folder = run_folder(runs, f"set{place}", False, name, "small", config.hash, seed)
                yield Job(folder, name, source, "small", config, seed, "auto", folds, 400)


def simulate(tasks: Sequence[Task]) -> tuple[float, int, float]:
    """Seconds that go by for the workers, units that they do, and files that they write."""
    board, clock, files, done = Board(tasks), 0.0, 0.0, 0
    order, busy = count(), list[tuple[float, int, Task]]()
    while True:
        while len(busy) < WORKERS and (task := board.take()):
            heappush(busy, (clock + SECONDS.get(task.unit.phase, OTHER), next(order), task))
        if not busy:
            return clock, done, files
        clock, _, task = heappop(busy)
        board.done(task.unit)
        done += 1
        files += FILES_PER_UNIT + SECONDS.get(task.unit.phase, OTHER) / NOTE_EVERY


def main() -> None:
    """Prints the figures, a line each."""
    began = time.process_time()
    tasks = with_preparation([task for job in jobs(Path("/nowhere")) for task in plan(job)])
    Board(tasks)
    planned = time.process_time() - began
    orders = [Order(perform, task, 1, Path("/nowhere")) for task in tasks[::SAMPLE]]
    sizes = [len(pickle.dumps(order)) for order in orders]
    began = time.process_time()
    clock, done, files = simulate(tasks)
    spent = time.process_time() - began
    folds = sum(task.unit.phase == FOLD for task in tasks)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MEGA
    print(f"{folds} folds, {len(tasks)} units planned in {planned:.1f} s of CPU")
    print(f"an order of a fold: {min(sizes)} bytes pickled; the largest: {max(sizes)}")
    print(f"{WORKERS} workers: {done} units in {clock / 3600:.1f} h")
    print(f"files written: {files / clock:.0f} a second")
    print(f"driver: {spent / done * MEGA:.0f} µs of CPU a unit, peak {peak:.0f} MB")


if __name__ == "__main__":
    main()
