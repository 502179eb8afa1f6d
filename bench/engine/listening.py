"""What installed packages hear of a run: units, epochs, losses, scores.

Listeners enter through the entry-point group `bench.listeners`, which names subclasses of
`RunListener`; `--listener NAME` chooses them. None is told unasked: installing a package must not
change what a run does, how long it takes or what it writes.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from copy import deepcopy
from types import MappingProxyType
from typing import Any

from bench.engine.executing.working import Listener
from bench.engine.plan import FOLD, METRICS, SEARCH, Unit
from bench.errors import FAILURES
from bench.runs.searches import history_columns
from bench.system.entry_points import Door, Unfit
from bench.system.files import read_json
from bench.system.packages import say_once


class RunListener:
    """Hears of the units of a run; a subclass overrides what it wants to hear.

    It is told in the process of the command, whoever does the work, and reads of a run what it
    likes through `unit.job`. An error that it raises is said once, and it hears no more.
    """

    def started(self, unit: Unit) -> None:
        """A unit is at work."""

    def advanced(self, unit: Unit, what: str, done: int, total: int) -> None:
        """So much of a unit is done; of what happens fast not every step is told."""

    def epoch(self, unit: Unit, epoch: int, values: Mapping[str, float]) -> None:
        """An epoch of a search or of a fold's training, from 1, with its losses and the like.

        Those of a search are told as it goes on (after a resume again from the first), those of a
        fold when it has finished.
        """

    def scored(self, unit: Unit, scores: Mapping[str, float]) -> None:
        """The scores of a run, over all its folds."""

    def finished(self, unit: Unit) -> None:
        """A unit's output is there."""

    def failed(self, unit: Unit, reason: str) -> None:
        """A unit ended without its output."""

    def close(self) -> None:
        """The command has done its work, or stops: write what has not been written yet."""


def _listener(name: str, value: Any) -> type[RunListener]:
    if not (isinstance(value, type) and issubclass(value, RunListener)):
        raise Unfit(f"expected a subclass of bench.engine.listening.RunListener, got {value!r:.60}")
    return value


LISTENERS = Door("bench.listeners", "listener", _listener)


def made_listener(name: str) -> RunListener:
    """The listener of that name, made; raises as `Door.made`."""
    from bench.system.guarding import undisturbed, watching_threads  # torch comes with it

    with undisturbed(LISTENERS.origin(name)), watching_threads(LISTENERS.origin(name)):
        return LISTENERS.made(name)


class Shared:
    """Tells what an executor says to the progress display and to the listeners of packages.

    What a listener changes of the process (`bench.system.guarding`) is set back; of a unit it has
    a copy.
    """

    def __init__(self, shown: Listener, listeners: Mapping[str, RunListener]) -> None:
        self.shown = shown
        self.listeners = dict(listeners)
        self.told: dict[Unit, int] = {}

    def __enter__(self) -> Shared:
        return self

    def __exit__(self, *error: object) -> None:
        self._tell("close")

    def started(self, unit: Unit) -> None:
        """As `Listener`."""
        self.shown.started(unit)
        self._tell("started", unit)

    def advanced(self, unit: Unit, what: str, done: int, total: int) -> None:
        """As `Listener`."""
        self.shown.advanced(unit, what, done, total)
        self._tell("advanced", unit, what, done, total)
        if unit.phase == SEARCH and done > self.told.get(unit, 0):
            self._tell_epochs(unit)

    def finished(self, unit: Unit) -> None:
        """As `Listener`."""
        self.shown.finished(unit)
        self._tell_epochs(unit)
        if unit.phase == METRICS and self.listeners:
            found = read_json(unit.output).items()
            scores = MappingProxyType({n: value for n, value in found if isinstance(value, float)})
            self._tell("scored", unit, scores)
        self._tell("finished", unit)

    def failed(self, unit: Unit, reason: str) -> None:
        """As `Listener`."""
        self.shown.failed(unit, reason)
        self._tell("failed", unit, reason)

    def _tell_epochs(self, unit: Unit) -> None:
        """Epochs whose values have come to lie in the run folder since the last look."""
        if not self.listeners:
            return
        logged = epoch_values(unit)
        for number in range(self.told.get(unit, 0), len(logged)):
            self._tell("epoch", unit, number + 1, MappingProxyType(logged[number]))
        self.told[unit] = len(logged)

    def _tell(self, what: str, unit: Unit | None = None, *values: Any) -> None:
        """Each listener is given a unit of its own: what it does to that changes no run."""
        if not self.listeners:
            return
        from bench.system.guarding import undisturbed, watching_threads  # torch comes with it

        for name, listener in list(self.listeners.items()):
            who = LISTENERS.origin(name)
            try:
                with undisturbed(who), watching_threads(who):
                    given = [deepcopy(unit)] * bool(unit)
                    getattr(listener, what)(*given, *values)
                if given and given[0] != unit:
                    say_once(f"warning: {who} changed a unit: it is told what is done, no more")
            except FAILURES as error:  # however it fails, the run goes on
                del self.listeners[name]
                said = " ".join(f"{type(error).__name__}: {error}".split())
                print(f"warning: {who} hears no more: {said}", file=sys.stderr)


def epoch_values(unit: Unit) -> Sequence[Mapping[str, float]]:
    """Per epoch what a unit has logged so far: losses, of a search also entropies and the like."""
    folder = unit.job.folder
    if unit.phase == SEARCH and folder.history(unit.fold).exists():
        columns = history_columns(folder.history(unit.fold))
        rows = zip(*columns.values(), strict=True)
        numbers = (zip(columns, row, strict=True) for row in rows)
        return [{n: v for n, v in row if n != "epoch" and v is not None} for row in numbers]
    if unit.phase == FOLD and unit.done:
        return [{"loss": loss} for loss in read_json(unit.output)["losses"]]
    return []
