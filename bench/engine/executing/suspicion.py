"""Units that were refused for answers that are not their own: small hidden files in the run folder.

They are written where a unit is performed, so that no executor that tries it again, or tells of it
in its own words, can lose them.
"""

from __future__ import annotations

import shutil

from bench.engine.plan import Unit
from bench.runs.failures import FailureRecord, read_failure
from bench.runs.folder import RunFolder
from bench.system.files import write_json


def keep_suspicion(unit: Unit, reason: str) -> None:
    """Says that a unit was refused, and why."""
    content = {"phase": unit.phase, "fold": unit.fold, "reason": reason, "suspect": True}
    write_json(unit.job.folder.suspicion(unit.name), content)


def suspicion(unit: Unit) -> str | None:
    """Why a unit was refused; None where it was not. BenchError where the file is corrupt."""
    file = unit.job.folder.suspicion(unit.name)
    return read_failure(file).reason if file.exists() else None


def suspicions(folder: RunFolder) -> list[FailureRecord]:
    """All that was refused in a run, as `failures.json` has it."""
    return [read_failure(file) for file in sorted(folder.suspicion("x").parent.glob("*.json"))]


def forget_suspicions(folder: RunFolder) -> None:
    """All units are to be done anew."""
    shutil.rmtree(folder.suspicion("x").parent, ignore_errors=True)
