"""What failed in a run: `failures.json`, and the files of refused units, of the same form."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from bench.errors import DataError
from bench.runs.folder import RunFolder
from bench.runs.typed import ANEW, read_as
from bench.system.files import read_json


@dataclass(frozen=True)
class FailureRecord:
    """A unit that failed. suspect: its fold was refused for answers that are not its own."""

    what: ClassVar[str] = "failed unit (phase, fold, reason)"
    cure: ClassVar[str] = ANEW

    phase: str
    fold: str
    reason: str | None = None
    traceback: str | None = None
    suspect: bool = False

    def to_dict(self) -> dict[str, Any]:
        """As the file has it."""
        return {key: value for key, value in asdict(self).items() if key != "suspect" or value}


@dataclass(frozen=True)
class _Listed:
    what: ClassVar[str] = "list of failed units (phase, fold, reason)"
    cure: ClassVar[str] = ANEW

    failures: tuple[FailureRecord, ...]


def read_failures(folder: RunFolder) -> tuple[FailureRecord, ...]:
    """What failed and was not done since; BenchError where the file is corrupt or none."""
    file = folder.failures
    if not file.exists():
        return ()
    return read_as(_Listed, {"failures": read_json(file)}, file).failures


def known_failures(folder: RunFolder) -> Iterator[FailureRecord]:
    """Those of them that can be read: a file of another form stops no run."""
    content = read_json(folder.failures) if folder.failures.exists() else []
    for each in content if isinstance(content, list) else ():
        with suppress(DataError):
            yield read_as(FailureRecord, each, folder.failures)


def read_failure(file: Path) -> FailureRecord:
    """A single one; BenchError where the file is missing, corrupt or none."""
    return read_as(FailureRecord, read_json(file), file)
