"""Runs the parts one after the other, each in a process of its own and within its limit."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from reports.gpu.apart import run_apart
from reports.gpu.record import (
    DONE,
    FAILED,
    Part,
    Recorder,
    Settings,
    end_record,
    machine,
    one_line,
)

SPARE_S = 2.0
"""Seconds kept back for ending the last part."""

LEAST_S = 5.0
"""Seconds under which no part is begun: a process with torch takes as long to start."""

Say = Callable[[str], None]


def run_parts(parts: Sequence[Part], settings: Settings, seconds: float, say: Say) -> list[str]:
    """Runs the parts within so many seconds in all; returns the names of those that failed.

    A part leaves its record in `settings.out`, complete after every row.
    """
    deadline = time.monotonic() + seconds - SPARE_S
    failed = []
    for number, part in enumerate(parts, start=1):
        left = deadline - time.monotonic()
        limit = left if part.limit_s is None else min(part.limit_s, left)
        say(f"[{number}/{len(parts)}] {part.title}: at most {max(limit, 0):.0f} of {left:.0f} s")
        reason = _run(part, settings, limit) if limit >= LEAST_S else "no time was left for it"
        if reason:
            failed.append(part.name)
            say(f"{part.name}: {reason}")
    return failed


def _run(part: Part, settings: Settings, limit: float) -> str | None:
    """Runs a part; returns why it did not end well, which its record then says too."""
    Recorder(part.name, settings, limit).close(FAILED, "its process did not start")
    outcome = run_apart(do_part, (part, settings, limit, time.monotonic()), limit)
    if outcome.reason:
        end_record(settings, part.name, outcome.reason)
    return outcome.reason


def do_part(part: Part, settings: Settings, limit: float, begun: float) -> None:
    """A part, in the process that is its own."""
    record = Recorder(part.name, settings, limit, begun)
    record.set_machine(machine(settings))
    try:
        part.work(settings, record)
    except BaseException as error:
        record.close(FAILED, one_line(error))
        raise
    record.close(DONE)
