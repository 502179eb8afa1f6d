"""CapsuleNet on hard generated clips of SMIC, 8 subjects, with all epochs of its recipe.

The row that `bench run --variant capsulenet --dataset smic --surrogate --set data.difficulty=hard
--set data.surrogate_version=1 --set data.subject_count=8` gives.
"""

from __future__ import annotations

import time
from pathlib import Path

from bench.config.loading import load_config
from bench.data.sources import Source, resolve_source
from bench.data.surrogates.writing import write_surrogate
from bench.engine.execute import execute
from bench.engine.executing.executors import SerialExecutor
from bench.engine.plan import FOLD, METRICS, Unit
from bench.engine.request import Request, prepare_jobs
from bench.errors import BenchError
from bench.runs.job import Job
from bench.system.files import default_cache, read_json
from reports.gpu.record import Recorder, Settings

VARIANT, TINY_VARIANT = "capsulenet", "ststnet"
SETTINGS = ("data.difficulty=hard", "data.surrogate_version=1", "data.subject_count=8")
TINY_SETTINGS = (
    "data.difficulty=hard",
    "data.subject_count=2",
    "train.recipe=harness",  # its own sees each clip ten times
    "train.epochs=1",
)
TINY_SUBJECTS = ("s05", "s19")
PHASES = (FOLD, METRICS)
"""Without the profile: it counts operations with packages that may be missing."""


class FoldRows:
    """Hears of folds and makes each a row."""

    def __init__(self, record: Recorder) -> None:
        self.record = record
        self.begun: dict[Unit, float] = {}

    def started(self, unit: Unit) -> None:
        """Remembers when the unit began."""
        self.begun[unit] = time.monotonic()

    def advanced(self, unit: Unit, what: str, done: int, total: int) -> None:
        """Prints how far the unit is."""
        self.record.say(f"{unit.title}: {what} {done}/{total}")

    def finished(self, unit: Unit) -> None:
        """Adds a row with a fold's seconds."""
        if unit.phase == FOLD:
            self.record.add({"what": f"fold {unit.fold}", "s": time.monotonic() - self.begun[unit]})

    def failed(self, unit: Unit, reason: str) -> None:
        """Adds a row with the reason."""
        self.record.add({"what": unit.title, "reason": reason})


def work(settings: Settings, record: Recorder) -> None:
    """Trains what folds are missing, and scores; a later call goes on where this one is ended."""
    job, failures = _run(settings, record)
    if failures:
        raise BenchError(f"{len(failures)} units failed, first {failures[0].reason}")
    metrics = read_json(job.folder.metrics)
    record.add(
        {
            "what": f"{len(job.folds)} folds, {job.method.training(job.config).epochs} epochs each",
            **{name.upper(): metrics[name] for name in ("uar", "uf1", "acc")},
            "clips": metrics["clips"],
            "precision": job.config.compute.precision,
        }
    )


def _run(settings: Settings, record: Recorder) -> tuple[Job, tuple]:
    request = Request(
        variants=(TINY_VARIANT if settings.tiny else VARIANT,),
        source=_source(settings),
        preset="small",
        config=load_config("small", TINY_SETTINGS if settings.tiny else SETTINGS),
        seeds=(0,),
        runs=settings.work / "runs",
        device=settings.device,
        processes=1 if settings.tiny else None,
    )
    prepared = prepare_jobs(request, lambda *what: None)
    (job,) = prepared.jobs
    there = sum(job.folder.fold(fold).exists() for fold in job.folds)
    record.say(f"clips are ready; {there} of {len(job.folds)} folds are there already")
    return job, execute(prepared, SerialExecutor(), FoldRows(record), PHASES)


def _source(settings: Settings) -> Source:
    if not settings.tiny:
        return resolve_source("smic", None, True, default_cache())
    root: Path = settings.work / "capsulenet"
    if not root.exists():
        write_surrogate("smic", root, difficulty="hard", size=32, subjects=TINY_SUBJECTS, workers=1)
    return resolve_source("smic", root, False, settings.work / "cache")
