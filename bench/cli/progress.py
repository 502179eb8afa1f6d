"""Progress of long work: bars with the time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import chain
from statistics import fmean
from typing import TYPE_CHECKING

import click

from bench.engine.plan import Unit

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

LINE_EVERY = 10.0
"""Seconds between two lines about a step."""

SILENT_FOR = 60.0
"""Seconds without any line after which the progress of a unit is printed."""


class Steps:
    """Shows the progress of steps before the units: reading, preprocessing.

    Without bars it prints a line every LINE_EVERY seconds, and one at the end.
    """

    def __init__(self, bars: Progress | None) -> None:
        self.bars = bars
        self.tasks: dict[str, TaskID] = {}
        self.begun: dict[str, tuple[float, int]] = {}
        self.said = time.monotonic()

    def __call__(self, what: str, done: int, total: int) -> None:
        """Reports that `done` of `total` parts of a step are done."""
        if self.bars is None:
            self._line(what, done, total)
            return
        if what not in self.tasks:
            self.tasks[what] = self.bars.add_task(what, total=total)
        self.bars.update(self.tasks[what], completed=done, total=total)

    def _line(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        start, before = self.begun.setdefault(what, (now, done))
        if done == total:
            del self.begun[what]  # the same step may come again
            click.echo(f"{what}: {total}", err=True)
        elif done > before and now - self.said >= LINE_EVERY:
            left = (now - start) / (done - before) * (total - done)
            click.echo(f"{what}: {done}/{total}, about {left:.0f} s left", err=True)
        else:
            return
        self.said = now


@contextmanager
def steps() -> Iterator[Steps]:
    """Progress of work that has steps only: bars on a terminal, lines elsewhere."""
    with bars() as display:
        yield Steps(display)


class _Counted:
    """Units of a request that are done, of which some may be made anew.

    there: those that are done at the start; untouched: those of them that are not begun again.
    """

    def __init__(self, there: Collection[Unit]) -> None:
        self.untouched = set(there)

    def begun_again(self, unit: Unit) -> bool:
        """Whether the unit, which is begun now, was counted as done; from now on it is not."""
        known = unit in self.untouched
        self.untouched.discard(unit)
        return known


class UnitBars(_Counted):
    """A bar for all units of the request, and one for the epochs of each running unit."""

    def __init__(self, bars: Progress, total: int, there: Collection[Unit]) -> None:
        super().__init__(there)
        self.bars = bars
        self.overall = bars.add_task("all units", total=total, completed=len(there))
        self.current: dict[Unit, TaskID] = {}

    def started(self, unit: Unit) -> None:
        """Adds a bar for the unit."""
        self.bars.advance(self.overall, -self.begun_again(unit))
        self.current[unit] = self.bars.add_task(unit.title, total=None)

    def advanced(self, unit: Unit, what: str, done: int, total: int) -> None:
        """Moves the unit's bar."""
        self.bars.update(
            self.current[unit],
            description=f"{unit.title}: {what}",
            completed=done,
            total=total,
        )

    def finished(self, unit: Unit) -> None:
        """Removes the unit's bar and moves that of all units."""
        self.bars.remove_task(self.current.pop(unit))
        self.bars.advance(self.overall)

    def failed(self, unit: Unit, reason: str) -> None:
        """As `finished`, and prints the reason."""
        self.finished(unit)
        self.bars.console.print(f"failed: {unit.title}: {reason}", markup=False, soft_wrap=True)


class UnitLines(_Counted):
    """A line per finished unit, with the time it took and an estimate of the time left.

    While units take minutes, a line about their epochs comes every SILENT_FOR seconds.
    """

    def __init__(self, units: Collection[Unit], there: Collection[Unit]) -> None:
        super().__init__(there)
        self.total, self.done = len(units), len(there)
        self.to_do = Counter(_kind(unit) for unit in units if unit not in self.untouched)
        self.seconds: dict[tuple[str, str], list[float]] = {}
        self.start = self.said = time.monotonic()
        self.starts: dict[Unit, float] = {}
        self.reasons: dict[str, Unit] = {}

    def started(self, unit: Unit) -> None:
        """Notes the time."""
        if self.begun_again(unit):
            self.done -= 1
            self.to_do[_kind(unit)] += 1
        self.starts[unit] = time.monotonic()

    def advanced(self, unit: Unit, what: str, done: int, total: int) -> None:
        """Prints a line where none was printed for SILENT_FOR seconds."""
        now = time.monotonic()
        if now - self.said < SILENT_FOR or not done:
            return
        self.said = now
        left = (now - self.starts[unit]) / done * (total - done)
        click.echo(f"{unit.title}: {what} {done}/{total}, about {left:.0f} s left in it", err=True)

    def finished(self, unit: Unit) -> None:
        """Prints a line."""
        self._line(unit, "done")

    def failed(self, unit: Unit, reason: str) -> None:
        """Prints a line with the reason, or with the unit that failed for the same one."""
        first = self.reasons.setdefault(reason, unit)
        self._line(unit, f"FAILED: {reason}" if first == unit else f"FAILED, as {first.title}")

    def _line(self, unit: Unit, outcome: str) -> None:
        self.done += 1
        self.to_do[_kind(unit)] -= 1
        self.said = now = time.monotonic()
        took = now - self.starts.pop(unit, now)
        self.seconds.setdefault(_kind(unit), []).append(took)
        click.echo(
            f"[{self.done}/{self.total}] {unit.title}: {outcome} "
            f"({took:.1f} s, about {self._left(now):.0f} s left)",
            err=True,
        )

    def _left(self, now: float) -> float:
        """Seconds until all is done: a unit takes what others of its method and phase have taken.

        Where there is none yet, what those of its phase have, or any.
        """
        every = list(chain.from_iterable(self.seconds.values()))
        alongside = max(1.0, sum(every) / max(now - self.start, 1e-9))

        def usual(kind: tuple[str, str]) -> float:
            of_phase = chain.from_iterable(
                found for known, found in self.seconds.items() if known[1] == kind[1]
            )
            return fmean(self.seconds.get(kind) or list(of_phase) or every)

        return sum(number * usual(kind) for kind, number in self.to_do.items()) / alongside


def _kind(unit: Unit) -> tuple[str, str]:
    """What units take alike: of one method and phase."""
    return unit.job.variant, unit.phase


@contextmanager
def bars() -> Iterator[Progress | None]:
    """Progress bars on a terminal; None elsewhere and where rich is not installed."""
    if not sys.stderr.isatty() or find_spec("rich") is None:
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        yield progress
