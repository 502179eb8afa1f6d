"""Run folders found and read: one frozen record a run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from baselines.fixed import Recipe, StillInput
from bench.errors import BenchError
from bench.runs.folder import RunFolder
from bench.system.files import read_json


@dataclass(frozen=True)
class RunRecord:
    """What a finished or unfinished run folder says: the input of every table and figure."""

    folder: Path
    dataset: str
    surrogate: bool
    variant: str
    preset: str
    config_hash: str
    seed: int
    run: dict[str, Any]
    metrics: dict[str, Any] | None
    profile: dict[str, Any] | None
    folds_done: int
    folds_total: int


def find_runs(runs: Path) -> tuple[list[RunRecord], list[str]]:
    """All runs below a folder, by path, and one line for every folder that cannot be read."""
    records: list[RunRecord] = []
    unreadable: list[str] = []
    for path in sorted(runs.glob("*/*/*/seed*/run.json")):
        try:
            records.append(read_run(RunFolder(path.parent)))
        except BenchError as error:
            unreadable.append(str(error))
        except (KeyError, TypeError) as error:
            unreadable.append(f"{path}: no run of this harness ({error!r}); move it elsewhere")
    return records, unreadable


def read_run(folder: RunFolder) -> RunRecord:
    """The record of one run folder; BenchError where a file of it is corrupt."""
    run = read_json(folder.run)
    done = [fold for fold in run["folds"] if folder.fold(fold).exists()]
    return RunRecord(
        folder=folder.path,
        dataset=run["dataset"],
        surrogate=run["surrogate"],
        variant=run["variant"],
        preset=run["preset"],
        config_hash=run["config_hash"],
        seed=run["seed"],
        run=run,
        metrics=_results(folder.metrics),
        profile=_results(folder.profile),
        folds_done=len(done),
        folds_total=len(run["folds"]),
    )


def _results(file: Path) -> dict[str, Any] | None:
    """What a file of results holds, None where there is none; BenchError where it is no object."""
    if not file.exists():
        return None
    content = read_json(file)
    if not isinstance(content, dict):
        raise BenchError(f"{file} holds no results; delete it and repeat the command")
    return content


TRAINED = ("network", "options", "input", "recipe")
"""What a fixed network says of itself with an effect on a run."""


def trained_network(record: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """That part of a network's record; None for a method that is searched.

    What an older record does not say of its input or its own recipe was as it is by default now.
    """
    if not record:
        return None
    trained = {key: record.get(key) for key in TRAINED}
    for key, kind in (("input", StillInput), ("recipe", Recipe)):
        named = {field.name: field.default for field in fields(kind)}
        if isinstance(trained[key], Mapping) and trained[key].keys() <= named.keys():
            usual = {name: value for name, value in named.items() if value is not MISSING}
            trained[key] = {**json.loads(json.dumps(usual)), **trained[key]}
    return trained
