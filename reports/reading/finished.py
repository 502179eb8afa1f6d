"""Run folders as the commands of this package read them: what is corrupt is named and left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.runs.record import RunRecord

MALFORMED = (AttributeError, IndexError, KeyError, TypeError, ValueError)
"""What reading JSON of another shape than ours ends in."""

FIRST_RUN = "bench run --variant rnas_mer --dataset smic --surrogate --preset smoke"


def sound_runs(runs: Path) -> tuple[list[RunRecord], list[str]]:
    """The records under a folder whose files are sound, and a line on every corrupt one.

    Raises UsageError where `runs` is a file; a folder that does not exist has no run.
    """
    from bench.errors import UsageError
    from bench.runs.record import find_runs
    from reports.reading.defects import defect

    if runs.exists() and not runs.is_dir():
        raise UsageError(f"--runs {runs} is a file; give the folder that `bench run` writes to")
    found, corrupt = find_runs(runs) if runs.exists() else ([], [])
    defects = [defect(record) for record in found]
    sound = [record for record, flaw in zip(found, defects, strict=True) if flaw is None]
    return sound, [*corrupt, *filter(None, defects)]


def set_name(record: RunRecord) -> str:
    """The data set as the run folder names it: `smic`, or `smic-surrogate` for generated clips."""
    from bench.runs.folder import SURROGATE_SUFFIX

    return record.dataset + SURROGATE_SUFFIX * record.surrogate


def on_dataset(records: Iterable[RunRecord], dataset: str | None) -> list[RunRecord]:
    """The runs on a data set; `smic` is both real and generated clips, `smic-surrogate` those."""
    return [r for r in records if dataset in (None, r.dataset, set_name(r))]


def of_variants(records: Iterable[RunRecord], patterns: Sequence[str]) -> list[RunRecord]:
    """The runs of variants named, matched by a glob, or in a group; all of them without patterns.

    Raises UsageError, with the nearest name, for what is neither registered nor among the runs.
    """
    from bench.methods.registry import select_variants

    records = list(records)
    there = {record.variant for record in records}
    wanted: set[str] = set()
    for pattern in patterns:
        matching = {variant for variant in there if fnmatchcase(variant, pattern)}
        wanted |= matching or set(select_variants((pattern,)))
    return [record for record in records if not patterns or record.variant in wanted]
