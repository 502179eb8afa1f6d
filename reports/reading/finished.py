"""Reads run folders for the commands of this package; corrupt ones are reported and left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.runs.record import RunRecord

FIRST_RUN = "bench run --variant rnas_mer --dataset smic --surrogate --preset smoke"


def sound_runs(runs: Path) -> tuple[list[RunRecord], list[str]]:
    """The runs below a folder whose files are sound, and a line for every corrupt one.

    Each is set beside the classical baselines among them (`reports.reading.baselines`).

    Raises UsageError where `runs` is a file; a folder that does not exist has no runs.
    """
    from bench.errors import UsageError
    from bench.runs.record import find_runs
    from reports.reading.baselines import beside_baselines
    from reports.reading.defects import defect

    if runs.exists() and not runs.is_dir():
        raise UsageError(f"--runs {runs} is a file; give the folder that `bench run` writes to")
    found, corrupt = find_runs(runs) if runs.exists() else ([], [])
    defects = [defect(record) for record in found]
    sound = [record for record, flaw in zip(found, defects, strict=True) if flaw is None]
    return beside_baselines(sound, sound), [*corrupt, *filter(None, defects)]


def whole_runs(runs: Path) -> list[RunRecord]:
    """The runs below a folder; BenchError where one is not sound: it would be missing unsaid."""
    from bench.errors import BenchError

    records, left_out = sound_runs(runs)
    if left_out:
        more = f" (and {len(left_out) - 1} more)" if len(left_out) > 1 else ""
        raise BenchError(f"nothing is written, since a run would be left out{more}: {left_out[0]}")
    return records


def set_name(record: RunRecord) -> str:
    """The data set as in the folder's name: `smic`, or `smic-surrogate` for generated clips."""
    from bench.runs.folder import SURROGATE_SUFFIX

    return record.dataset + SURROGATE_SUFFIX * record.surrogate


def on_dataset(records: Iterable[RunRecord], dataset: str | None) -> list[RunRecord]:
    """The runs on a data set; `smic` includes generated clips, `smic-surrogate` has only those."""
    return [r for r in records if dataset in (None, r.dataset, set_name(r))]


def of_variants(records: Iterable[RunRecord], patterns: Sequence[str]) -> list[RunRecord]:
    """The runs whose variant is named, matches a glob or is in a group; all without patterns.

    Raises UsageError, with the nearest name, for a pattern that matches neither a run nor a
    registered variant.
    """
    from bench.methods.registry import select_variants

    records = list(records)
    there = {record.variant for record in records}
    wanted: set[str] = set()
    for pattern in patterns:
        matching = {variant for variant in there if fnmatchcase(variant, pattern)}
        wanted |= matching or set(select_variants((pattern,)))
    return [record for record in records if not patterns or record.variant in wanted]
