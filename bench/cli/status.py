"""`bench status`: what runs where, what is done, what failed, and the time left."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import click

from bench.cli.completing import folders
from bench.cli.options import format_option

if TYPE_CHECKING:
    from bench.engine.executing.notes import Note
    from bench.runs.folder import RunFolder

SILENT = 120.0
"""Seconds after which a unit that is at work by its note says how long it has been silent."""


@click.command()
@click.argument(
    "runs", default=Path("runs"), type=click.Path(path_type=Path), shell_complete=folders
)
@click.option("--watch", is_flag=True, help="Show it again every few seconds, until Ctrl-C.")
@click.option(
    "--every",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="Seconds between two looks of --watch.",
)
@format_option
def status(runs: Path, watch: bool, every: int, form: str) -> int:
    """Show how far runs are: done, failed, at work, time left.

    It reads the run folders alone, so that it works beside any executor and from any machine. A
    run that cannot be read is named on stderr, and the exit code is then 1.
    """
    if not runs.is_dir():
        raise click.BadParameter(f"{runs} is no folder", param_hint="RUNS")
    while True:
        files = sorted(runs.glob("*/*/*/seed*/run.json"))
        found, left_out = _states(files)
        if watch and form == "table":
            click.clear()
        click.echo(json.dumps(found, indent=1) if form == "json" else "\n".join(_lines(found)))
        for line in left_out:
            click.echo(f"skipped: {line}", err=True)
        if not watch:
            return 1 if left_out else 0
        time.sleep(every)


def _states(files: Sequence[Path]) -> tuple[list[dict[str, Any]], list[str]]:
    """Of each run, and why of those that cannot be read."""
    from bench.errors import BenchError

    found, left_out = [], []
    for file in files:
        try:
            found.append(_state(file.parent))
        except BenchError as error:
            left_out.append(str(error))
    return found, left_out


def _state(path: Path) -> dict[str, Any]:
    """How far a run is, from the files in its folder."""
    from bench.engine.executing.notes import notes_of
    from bench.runs.failures import read_failures
    from bench.runs.folder import RunFolder
    from bench.runs.record import read_run_file

    folder = RunFolder(path)
    folds = read_run_file(folder).folds
    done = [file for file in map(folder.fold, folds) if file.exists()]
    at_work = notes_of(folder)
    return {
        "run": str(path),
        "folds": len(folds),
        "done": len(done),
        "scored": folder.metrics.exists(),
        "failed": len(read_failures(folder)),
        "at_work": [_at_work(note) for note in at_work],
        "seconds_left": _seconds_left(folder, done, len(folds), at_work),
    }


def _at_work(note: Note) -> dict[str, Any]:
    now = time.time()
    return {
        "unit": " ".join(filter(None, (note.phase, note.fold))),
        "host": note.host,
        "seconds": round(max(0.0, now - note.since)),
        "silent": round(max(0.0, now - note.said)),
        "step": f"{note.what} {note.done}/{note.total}" if note.total else "",
    }


def _seconds_left(
    folder: RunFolder, done: list[Path], folds: int, at_work: list[Note]
) -> float | None:
    """From how often folds came lately; None where nobody is at work or too few are there yet."""
    ends = sorted(file.stat().st_mtime for file in done)
    gaps = [later - earlier for earlier, later in pairwise(ends)]
    if not at_work or not gaps:
        return None
    return median(gaps) * (folds - len(done))


def _lines(found: list[dict[str, Any]]) -> Iterator[str]:
    done, folds = (sum(run[key] for run in found) for key in ("done", "folds"))
    yield f"{len(found)} runs, {done} of {folds} folds done"
    for run in found:
        words = [f"{run['done']}/{run['folds']} folds"]
        words += ["scored"] if run["scored"] else []
        words += [f"{run['failed']} FAILED"] if run["failed"] else []
        if run["seconds_left"] is not None:
            words.append(f"about {run['seconds_left']:.0f} s left")
        yield f"{run['run']}: {', '.join(words)}"
        for unit in run["at_work"]:
            late = f", silent for {unit['silent']} s" if unit["silent"] > SILENT else ""
            step = f", {unit['step']}" if unit["step"] else ""
            yield f"    {unit['unit']} on {unit['host']}: {unit['seconds']} s{step}{late}"
