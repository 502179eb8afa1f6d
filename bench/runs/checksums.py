"""SHA-256 sums of a finished run's files (`checksums.json`), so that a later change is seen.

They are written when a run is complete. They guard against slips and quiet edits, not against a
person who also writes new sums.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from bench.runs.folder import RunFolder
from bench.system.files import read_json, write_json
from bench.system.provenance import now

KEY = "sha256"


def file_sums(folder: RunFolder) -> dict[str, str]:
    """The SHA-256 sum of each file of the run, by its path below the run folder.

    Hidden files, the sums themselves, failures and checkpoints are no part of a finished run.
    """
    passing = {folder.checksums, folder.failures}
    return {
        str(path.relative_to(folder.path)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.path.rglob("*"))
        if path.is_file() and path not in passing and not _is_passing(path)
    }


def recorded_sums(folder: RunFolder) -> dict[str, str]:
    """The sums in `checksums.json`, none where there is no such file."""
    return read_json(folder.checksums).get(KEY, {}) if folder.checksums.exists() else {}


def forget_missing(folder: RunFolder) -> None:
    """Drops the sums of files that are gone.

    New files take their place. A command that stops before it has sealed the run must not leave
    them beside the sums of the old ones.
    """
    recorded = recorded_sums(folder)
    kept = {name: found for name, found in recorded.items() if (folder.path / name).exists()}
    if kept != recorded:
        write_json(folder.checksums, {KEY: kept, "written": now()})


def seal(folder: RunFolder, before: Mapping[str, str]) -> None:
    """Writes the sums of a run that has been scored, where they changed.

    before: the sums of the files as this command found them. A file that it left alone keeps the
    sum recorded for it, so that going on with a run does not make an edited file pass.
    """
    if not folder.metrics.exists():
        return
    recorded = recorded_sums(folder)
    sums = {
        name: recorded.get(name, found) if before.get(name) == found else found
        for name, found in file_sums(folder).items()
    }
    if sums != recorded:
        write_json(folder.checksums, {KEY: sums, "written": now()})


def _is_passing(path: Path) -> bool:
    return path.name.startswith(".") or path.suffix == ".pt"
