"""Notes of units at work: small hidden files in the run folder that say where, since when, how far.

Whoever does a unit, in whatever process on whatever machine, keeps one while it is at it. Executors
read them for the progress of units elsewhere, and `bench status` shows them.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from bench.engine.plan import Report, Unit
from bench.runs.folder import RunFolder
from bench.system.provenance import host

PREFIX, SUFFIX = ".work-", ".json"


@dataclass(frozen=True)
class Note:
    """A unit at work. since, said: seconds of the Unix epoch by its machine's clock."""

    phase: str
    fold: str
    host: str
    process: int
    since: float
    said: float
    what: str = ""
    done: int = 0
    total: int = 0


def note_file(unit: Unit) -> Path:
    """Where the note of a unit lies; files of this kind are no part of a finished run."""
    name = "-".join(filter(None, (unit.phase, unit.fold)))
    return unit.job.folder.path / f"{PREFIX}{name}{SUFFIX}"


@contextmanager
def noted(unit: Unit, report: Report, every: float) -> Iterator[Report]:
    """Keeps a unit's note inside the block.

    Gives a function to report with, which calls `report` and renews the note, but not more often
    than `every` seconds.
    """
    now = time.time()
    note = Note(unit.phase, unit.fold, host(), os.getpid(), now, now)
    file = note_file(unit)
    _write(file, note)

    def tell(what: str, done: int, total: int) -> None:
        nonlocal note
        report(what, done, total)
        if time.time() - note.said >= every or (done and not note.total):
            note = replace(note, said=time.time(), what=what, done=done, total=total)
            _write(file, note)

    try:
        yield tell
    finally:
        with suppress(OSError):
            file.unlink()


def read_note(file: Path) -> Note | None:
    """The note in a file; None where there is none, a half-written one or another's."""
    try:
        note = Note(**json.loads(file.read_text()))
    except (OSError, ValueError, TypeError):
        return None
    numbers = (note.since, note.said, note.done, note.total)
    return note if all(isinstance(each, int | float) for each in numbers) else None


def notes_of(folder: RunFolder) -> list[Note]:
    """The notes in a run folder, of units at work and of those whose process died."""
    found = (read_note(file) for file in sorted(folder.path.glob(f"{PREFIX}*{SUFFIX}")))
    return [note for note in found if note]


def sweep_notes(folder: RunFolder) -> None:
    """Removes what processes that died left behind; the run folder is this process's own."""
    for file in folder.path.glob(f"{PREFIX}*{SUFFIX}"):
        file.unlink(missing_ok=True)


def _write(file: Path, note: Note) -> None:
    """A note that cannot be written stops no work."""
    with suppress(OSError):
        file.write_text(json.dumps(asdict(note)))
